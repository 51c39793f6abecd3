import {
  type CelFunc,
  type CelInput,
  type CelList,
  type CelMap,
  CelScalar,
  type CelValue,
  celEnv,
  celFunc,
  celList,
  celUint,
  isCelList,
  isCelMap,
  listType,
  mapType,
  objectType,
} from '@bufbuild/cel';
import { DurationSchema, TimestampSchema } from '@bufbuild/protobuf/wkt';
import { clockCalls, millisecondsOf } from './clock.ts';
import { comparisons } from './compare.ts';
import { readBool, readDouble, readDuration, readInt, readTimestamp, readUint, timestampAt } from './conversions.ts';
import { hostOf } from './functions.ts';
import { alertCalls } from './gate-values.ts';
import { priced, textCalls } from './texts.ts';
import { boundList, boundText, findsPattern, spend, windowOf } from './work.ts';

const { BOOL, BYTES, DOUBLE, DYN, INT, STRING, UINT } = CelScalar;
const list = listType(DYN);
const map = mapType(DYN, DYN);
const timestamp = objectType(TimestampSchema);
const duration = objectType(DurationSchema);

/** The library's. */
const asText = [...celEnv().funcs].filter(call => /^string\((string|bytes|google.*)\)$/.test(call.id));
const asBytes = [...celEnv().funcs].filter(call => call.id === 'bytes(string)');

/** What the library reads more leniently than the language has it, and what takes long. */
const conversions: CelFunc[] = [
  ...[...asText, ...asBytes].map(call => priced(call, priceOfConversion)),
  celFunc('int', [STRING], INT, readInt),
  celFunc('uint', [STRING], UINT, text => celUint(readUint(text))),
  celFunc('double', [STRING], DOUBLE, readDouble),
  celFunc('bool', [STRING], BOOL, readBool),
  priced(celFunc('timestamp', [STRING], timestamp, readTimestamp), () => 8),
  celFunc('timestamp', [INT], timestamp, seconds => timestampAt(seconds)),
  // A number of JSON is a double.
  celFunc('timestamp', [DOUBLE], timestamp, seconds => {
    if (!Number.isSafeInteger(seconds)) throw new Error('timestamp() takes whole seconds since the epoch');
    return timestampAt(BigInt(seconds));
  }),
  priced(celFunc('duration', [STRING], duration, readDuration), () => 4),
  celFunc('duration', [INT], duration, () => {
    throw new Error('duration() takes a text with a unit, such as "90s"');
  }),
];

/** A time takes longer than a number. */
function priceOfConversion(value: CelValue | undefined): number {
  if (typeof value === 'string' || value instanceof Uint8Array) return value.length / 512;
  return typeof value === 'object' ? 8 : 0;
}

/** Not of the language: numbers of JSON are doubles, and people calculate with them and whole numbers. */
const mixedArithmetic: CelFunc[] = Object.entries({
  '_+_': (left: number, right: number) => left + right,
  '_-_': (left: number, right: number) => left - right,
  '_*_': (left: number, right: number) => left * right,
  '_/_': (left: number, right: number) => left / right,
}).flatMap(([operator, calculate]) => [
  celFunc(operator, [INT, DOUBLE], DOUBLE, (left, right) => calculate(Number(left), right)),
  celFunc(operator, [DOUBLE, INT], DOUBLE, (left, right) => calculate(left, Number(right))),
]);

/** The same as the library's, with a bound: what an event brings may be doubled again and again. */
const growing: CelFunc[] = [
  celFunc('_+_', [STRING, STRING], STRING, (left, right) => {
    boundText(left.length + right.length);
    return left + right;
  }),
  celFunc('_+_', [BYTES, BYTES], BYTES, (left, right) => {
    boundText(left.length + right.length);
    return Buffer.concat([left, right]);
  }),
  celFunc('_+_', [list, list], list, (left, right) => {
    boundList(left.size + right.size);
    return celList([...left, ...right]);
  }),
];

/** True for a key that is there, also when its value is null. */
function isPresent(members: CelMap, key: CelValue): boolean {
  return members.has(key as string) || members.get(key as string) === null;
}

const presence: CelFunc[] = [
  ...[STRING, INT, UINT, DOUBLE, BOOL].map(type =>
    celFunc('@in', [type, map], BOOL, (key, members) => isPresent(members, key)),
  ),
  celFunc('@has', [DYN, STRING], BOOL, (value, field) => isCelMap(value) && isPresent(value, field)),
];

const builders = new WeakMap<CelList, CelInput[]>();

/** What loops and searches are made of; see rewrite.ts. No expression can write these names. */
const loops: CelFunc[] = [
  celFunc('@turn', [DYN, DYN], DYN, (condition, price) => {
    spend(price as number);
    return condition;
  }),
  // A key of a map is looked up at once.
  celFunc('@scan', [DYN], DYN, searched => {
    if (isCelList(searched)) spend(searched.size / 16);
    return searched;
  }),
  celFunc('@range', [DYN], DYN, range => {
    if (isCelList(range) || isCelMap(range)) spend(range.size / 16);
    return range;
  }),
  celFunc('@list', [], list, () => {
    const elements: CelInput[] = [];
    const made = celList(elements);
    builders.set(made, elements);
    return made;
  }),
  celFunc('@push', [list, DYN], list, (made, element) => {
    const elements = builders.get(made);
    if (elements === undefined) throw new Error('only a list under construction grows');
    elements.push(element);
    return made;
  }),
];

const own: CelFunc[] = [
  celFunc('re', [STRING, STRING], BOOL, findsPattern),
  celFunc('inWindow', [timestamp, STRING, STRING], BOOL, (at, window, zone) => {
    spend(20);
    return windowOf(window, zone).holds(millisecondsOf(at));
  }),
  celFunc('hostOf', [STRING], STRING, address => {
    spend(address.length / 128);
    return hostOf(address);
  }),
];

/** Every function beyond the library's standard ones, later ones in place of earlier ones with the same signature. */
export const calls: CelFunc[] = [
  ...textCalls,
  ...clockCalls,
  ...conversions,
  ...mixedArithmetic,
  ...growing,
  ...comparisons,
  ...presence,
  ...loops,
  ...own,
  ...alertCalls,
];
