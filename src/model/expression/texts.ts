import {
  type CelFunc,
  CelScalar,
  type CelValue,
  celFunc,
  celList,
  celMethod,
  isCelError,
  isCelList,
  listType,
} from '@bufbuild/cel';
import { strings } from '@bufbuild/cel/ext';
import { toCel } from './values.ts';
import { boundList, boundText } from './work.ts';

const { BYTES, DYN, INT, STRING } = CelScalar;
const list = listType(DYN);

/** What the library counts in UTF-16 units, or cuts, where the strings extension has code points and keeps the rest. */
const corrected: CelFunc[] = [
  celMethod('charAt', STRING, [INT], STRING, function (index) {
    const letters = lettersOf(this);
    return letters[within(index, letters.length)] ?? '';
  }),
  celMethod('substring', STRING, [INT], STRING, function (start) {
    const letters = lettersOf(this);
    return letters.slice(within(start, letters.length)).join('');
  }),
  celMethod('substring', STRING, [INT, INT], STRING, function (start, end) {
    const letters = lettersOf(this);
    if (start > end) throw new Error(`the end ${end} is before the start ${start}`);
    return letters.slice(within(start, letters.length), within(end, letters.length)).join('');
  }),
  celMethod('indexOf', STRING, [STRING], INT, function (part) {
    return position(this, String(this).indexOf(part));
  }),
  celMethod('indexOf', STRING, [STRING, INT], INT, function (part, from) {
    return position(this, String(this).indexOf(part, unitsBefore(this, from)));
  }),
  celMethod('lastIndexOf', STRING, [STRING], INT, function (part) {
    return position(this, String(this).lastIndexOf(part));
  }),
  celMethod('lastIndexOf', STRING, [STRING, INT], INT, function (part, from) {
    return position(this, String(this).lastIndexOf(part, unitsBefore(this, from)));
  }),
  celMethod('split', STRING, [STRING, INT], list, function (separator, most) {
    const parts = String(this).split(separator);
    const count = Number(most);
    if (count < 0 || parts.length <= count) return celList(parts);
    return celList(count === 0 ? [] : [...parts.slice(0, count - 1), parts.slice(count - 1).join(separator)]);
  }),
  celMethod('replace', STRING, [STRING, STRING], STRING, function (part, by) {
    return replace(String(this), part, by, -1);
  }),
  celMethod('replace', STRING, [STRING, STRING, INT], STRING, function (part, by, most) {
    return replace(String(this), part, by, Number(most));
  }),
];

/** Not of the language; kept from the library that Tocsin evaluated with before. */
const bytes: CelFunc[] = [
  celMethod('hex', BYTES, [], STRING, function () {
    return Buffer.from(this).toString('hex');
  }),
  celMethod('base64', BYTES, [], STRING, function () {
    return Buffer.from(this).toString('base64');
  }),
  celMethod('string', BYTES, [], STRING, function () {
    return Buffer.from(this).toString('utf8');
  }),
  celMethod('at', BYTES, [INT], INT, function (index) {
    return BigInt(this[within(index, this.length - 1)] ?? 0);
  }),
  celMethod('json', BYTES, [], DYN, function () {
    return toCel(JSON.parse(Buffer.from(this).toString('utf8')));
  }),
];

export const textCalls: CelFunc[] = [...strings, ...corrected, ...bytes].map(charged);

/** The same function, whose result counts as work: loops would make much of a long text. */
function charged(call: CelFunc): CelFunc {
  const charge = (result: ReturnType<CelFunc['call']>): CelValue => {
    if (isCelError(result)) throw result;
    if (typeof result === 'string') boundText(result.length);
    if (isCelList(result)) boundList(result.size);
    return result as CelValue;
  };
  const { name, target } = call;
  if (target === undefined)
    return celFunc(name, call.arguments, call.result, (...args: CelValue[]) => charge(call.call(0, undefined, args)));
  return celMethod(name, target, call.arguments, call.result, function (...args: CelValue[]) {
    return charge(call.call(0, this as CelValue, args));
  });
}

function lettersOf(text: string): string[] {
  return [...text];
}

function within(index: bigint, most: number): number {
  if (index < 0n || index > BigInt(most)) throw new Error(`there is no place ${index}: the last one is ${most}`);
  return Number(index);
}

/** The units before this place. */
function unitsBefore(text: string, place: bigint): number {
  const letters = lettersOf(text);
  return letters.slice(0, within(place, letters.length)).join('').length;
}

/** The place of this unit; -1 stays. */
function position(text: string, unit: number): bigint {
  return BigInt(unit < 0 ? unit : lettersOf(String(text).slice(0, unit)).length);
}

function replace(text: string, part: string, by: string, most: number): string {
  if (part === '') throw new Error('replace() takes a text to look for that is not empty');
  const pieces = text.split(part);
  const count = most < 0 ? pieces.length - 1 : Math.min(most, pieces.length - 1);
  boundText(text.length + count * Math.max(0, by.length - part.length));
  return [pieces.slice(0, count + 1).join(by), ...pieces.slice(count + 1)].join(part);
}
