import {
  type CelFunc,
  CelScalar,
  type CelValue,
  celEnv,
  celFunc,
  celList,
  celMethod,
  isCelError,
  isCelList,
  isCelMap,
  listType,
} from '@bufbuild/cel';
import { strings } from '@bufbuild/cel/ext';
import { toCel } from './values.ts';
import { boundList, boundText, spend, spendSearch } from './work.ts';

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

/** The library's and the language's own, of which the other texts' functions are no part. */
const searched = new Set(['contains', 'indexOf', 'lastIndexOf', 'split', 'replace']);
const ends = new Set(['startsWith', 'endsWith']);
const standard = [...celEnv().funcs].filter(
  ({ name, target }) => target === STRING && (name === 'contains' || ends.has(name)),
);

const sizes: CelFunc[] = [
  celFunc('size', [STRING], INT, letterCount),
  celMethod('size', STRING, [], INT, function () {
    return letterCount(String(this));
  }),
];

export const textCalls: CelFunc[] = [
  ...sizes,
  ...standard.map(call => priced(call, priceOfPlain)),
  ...[...strings, ...corrected, ...bytes].map(call => charged(priced(call, priceOfText))),
];

function letterCount(text: string): bigint {
  spend(text.length / 256);
  let count = 0;
  for (let at = 0; at < text.length; at++) {
    const pair = text.charCodeAt(at) >>> 10 === 0x36 && text.charCodeAt(at + 1) >>> 10 === 0x37;
    if (pair) at++;
    count++;
  }
  return BigInt(count);
}

/** The price of a call of the language's own functions of texts, in elements of work. */
function priceOfPlain(text: CelValue, [part]: CelValue[], name: string): number {
  if (ends.has(name)) return lengthOf(part) / 1024;
  spendSearch(lengthOf(text), lengthOf(part));
  return 0;
}

/** Those of the strings extension go through all letters, and some look for a text too. */
function priceOfText(text: CelValue, args: CelValue[], name: string): number {
  if (searched.has(name)) spendSearch(lengthOf(text), lengthOf(args[0]));
  if (name === 'format') return priceOfFormat(String(text), args[0]);
  const given = name === 'json' ? lengthOf(text) / 16 : lengthOf(text) / 40;
  return args.reduce((sum: number, arg) => sum + lengthOf(arg) / 64, given);
}

function lengthOf(value: CelValue | undefined): number {
  if (typeof value === 'string' || value instanceof Uint8Array) return value.length;
  return isCelList(value) ? value.size : 0;
}

/** Numbers with decimals are dear, and lists and maps are written out with all that is in them. */
function priceOfFormat(text: string, args: CelValue | undefined): number {
  spendAll(args);
  return text.length / 64 + 100 * [...text.matchAll(/%(\.\d+)?f/g)].length;
}

function spendAll(value: unknown): void {
  if (typeof value === 'string' || value instanceof Uint8Array) spend(value.length / 32);
  else spend(1);
  if (isCelList(value)) for (const element of value) spendAll(element);
  if (isCelMap(value))
    for (const [key, member] of value) {
      spendAll(key);
      spendAll(member);
    }
}

/** The same function, which takes its price before it begins. */
export function priced(call: CelFunc, priceOf: (first: CelValue, rest: CelValue[], name: string) => number): CelFunc {
  const { name, target } = call;
  const result = (made: ReturnType<CelFunc['call']>): CelValue => {
    if (isCelError(made)) throw made;
    return made as CelValue;
  };
  if (target === undefined)
    return celFunc(name, call.arguments, call.result, (...args: CelValue[]) => {
      const [first, ...rest] = args;
      if (first !== undefined) spend(priceOf(first, rest, name));
      return result(call.call(0, undefined, args));
    });
  return celMethod(name, target, call.arguments, call.result, function (...args: CelValue[]) {
    spend(priceOf(this as CelValue, args, name));
    return result(call.call(0, this as CelValue, args));
  });
}

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
