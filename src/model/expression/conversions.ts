import { create } from '@bufbuild/protobuf';
import { type Duration, DurationSchema, type Timestamp, TimestampSchema } from '@bufbuild/protobuf/wkt';
import { FixedOffsetZone, IANAZone, type Zone } from 'luxon';
import { checkZone } from '../../kernel/zone.ts';

// The texts that int(), uint(), double(), bool(), timestamp() and duration() take, as the language definition has them. Libraries read
// more: "" as 0, "0b1" as 1, "2026-1-1" as a time. What is no number and no time is an error here.

const leastInt = -(2n ** 63n);
const mostInt = 2n ** 63n - 1n;
const mostUint = 2n ** 64n - 1n;
const second = 1_000_000_000n;

/** Decimal digits with or without a sign, of 64 bits. Throws an Error that quotes the text. */
export function readInt(text: string): bigint {
  const value = /^[+-]?\d{1,40}$/.test(text) ? BigInt(text.replace('+', '')) : null;
  if (value === null) throw new Error(`${quote(text)} is not a whole number`);
  if (value < leastInt || value > mostInt) throw new Error(`${quote(text)} does not fit into 64 bits`);
  return value;
}

/** Decimal digits, of 64 bits. Throws an Error that quotes the text. */
export function readUint(text: string): bigint {
  const value = /^\d{1,40}$/.test(text) ? BigInt(text) : null;
  if (value === null) throw new Error(`${quote(text)} is not a whole number without a sign`);
  if (value > mostUint) throw new Error(`${quote(text)} does not fit into 64 bits`);
  return value;
}

/** A decimal number, NaN or an infinity. Throws an Error that quotes the text. */
export function readDouble(text: string): number {
  const special = /^([+-]?)(inf|infinity)$|^nan$/i.exec(text);
  if (special !== null) return special[2] === undefined ? Number.NaN : special[1] === '-' ? -Infinity : Infinity;
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) throw new Error(`${quote(text)} is not a number`);
  const value = Number(text);
  if (!Number.isFinite(value)) throw new Error(`${quote(text)} does not fit into a double`);
  return value;
}

const bools: Readonly<Record<string, boolean>> = Object.assign(Object.create(null), {
  ...Object.fromEntries(['1', 't', 'true', 'TRUE', 'True'].map(text => [text, true])),
  ...Object.fromEntries(['0', 'f', 'false', 'FALSE', 'False'].map(text => [text, false])),
});

export function readBool(text: string): boolean {
  const value = bools[text];
  if (value === undefined) throw new Error(`${quote(text)} is not true or false`);
  return value;
}

/** A time of RFC 3339 with its zone, of the years 1 to 9999. Throws an Error that quotes the text. */
export function readTimestamp(text: string): Timestamp {
  const parts = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):(\d\d))$/.exec(text);
  const time = parts === null ? null : secondsOf(parts);
  if (parts === null || time === null) throw new Error(`${quote(text)} is not a timestamp of RFC 3339 with a zone`);
  return timestampAt(BigInt(time), Number((parts[7] ?? '').padEnd(9, '0')));
}

/** Null for a day, an hour or an offset that is not. */
function secondsOf([, ...parts]: RegExpExecArray): number | null {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, sec = 0] = parts.slice(0, 6).map(Number);
  const [sign, hours = 0, minutes = 0] = [parts[7], Number(parts[8] ?? 0), Number(parts[9] ?? 0)];
  if (hour > 23 || minute > 59 || sec > 59 || hours > 23 || minutes > 59) return null;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return null;
  const offset = (hours * 60 + minutes) * 60 * (sign === '-' ? -1 : 1);
  return date.getTime() / 1000 + (hour * 60 + minute) * 60 + sec - offset;
}

/** Throws an Error for a time outside the years 1 to 9999. */
export function timestampAt(seconds: bigint, nanos = 0): Timestamp {
  if (seconds < -62_135_596_800n || seconds > 253_402_300_799n)
    throw new Error('a time is between the years 1 and 9999');
  return create(TimestampSchema, { seconds, nanos });
}

const units: Readonly<Record<string, bigint>> = {
  h: 3600n * second,
  m: 60n * second,
  s: second,
  ms: 1_000_000n,
  us: 1000n,
  µs: 1000n,
  ns: 1n,
};

/** Numbers with units such as "1h30m", "-1.5s", or "0". Throws an Error that quotes the text. */
export function readDuration(text: string): Duration {
  const form = /^([+-]?)(?:0|((?:(?:\d+(?:\.\d*)?|\.\d+)(?:h|ms|m|s|us|µs|ns))+))$/.exec(text);
  if (form === null || text.length > 128) throw new Error(`${quote(text)} is not a duration`);
  let total = 0n;
  for (const [, whole = '', fraction = '', unit = 's'] of (form[2] ?? '').matchAll(/(\d*)\.?(\d*)([a-zµ]+)/g)) {
    const size = units[unit] ?? 0n;
    total += BigInt(whole || 0) * size + (BigInt(fraction || 0) * size) / 10n ** BigInt(fraction.length);
  }
  if (total > mostInt) throw new Error(`${quote(text)} is longer than 292 years`);
  if (form[1] === '-') total = -total;
  return create(DurationSchema, { seconds: total / second, nanos: Number(total % second) });
}

/** How the conversions of texts read them; also used when an expression is compiled, on texts that it writes out. */
export const readers: Readonly<Record<string, (text: string) => unknown>> = {
  int: readInt,
  uint: readUint,
  double: readDouble,
  bool: readBool,
  timestamp: readTimestamp,
  duration: readDuration,
};

const zones = new Map<string, Zone>();

/** A name of the IANA list, or a fixed offset such as "+02:00" (langdef, Timezones). Throws an Error that says what is wrong. */
export function readZone(text: string): Zone {
  const known = zones.get(text);
  if (known !== undefined) return known;
  const offset = /^([+-]?)([01]\d|2[0-3]):([0-5]\d)$/.exec(text);
  if (offset === null) checkZone(text);
  const minutes = offset === null ? 0 : Number(offset[2]) * 60 + Number(offset[3]);
  const zone =
    offset === null ? IANAZone.create(text) : FixedOffsetZone.instance(offset[1] === '-' ? -minutes : minutes);
  // An event may bring zones too.
  if (zones.size >= 1000) zones.clear();
  zones.set(text, zone);
  return zone;
}

function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 59)}…` : text);
}
