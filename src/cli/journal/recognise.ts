import { isUtf8 } from 'node:buffer';
import { hash } from 'node:crypto';
import type { Position } from './chain.ts';

/** Recognises lines that follow from the ones before. It never refuses: whatever it does not know well is for the reader of any JSON. */
export interface Recogniser {
  /** The entry that the next line must follow from. */
  follow(head: Position): void;
  /**
   * Takes the line at `at`, which ends before `to`, when `audit export` wrote it and it continues the chain. Returns the index of its line
   * end, `to` when the file ends there, or -1 when it is not such a line.
   */
  take(bytes: Buffer, at: number, to: number): number;
  head(): Position;
  seq(): number;
}

const ascii = (text: string) => Buffer.from(text, 'latin1');
const [opening, toStream, toKind, toBytes, toPrev, toHash, toPosition, fromHash, closing] = [
  ascii('{"seq":'),
  ascii(',"stream":"'),
  ascii(',"kind":"'),
  ascii(',"bytes":"'),
  ascii(',"prev":"'),
  ascii('","hash":"'),
  ascii(',"position":'),
  ascii('"'),
  ascii('}'),
];
const [quote, backslash, zero] = [0x22, 0x5c, 0x30];
/** Length of a hash in hexadecimal digits. */
const digits = 64;

/** What follows a byte of a JSON string that is copied. */
const [copied, escaping, stopping] = [0, 1, 2];

/**
 * By byte, and in the second half for bytes after a backslash: quotes and control characters stop the copying, and so do all escapes but
 * those of quote and backslash, which are the only ones in a JSON text that is written as a JSON string.
 */
const steps = new Uint8Array(512).map((_, index) => {
  const byte = index & 255;
  if (index > 255) return byte === quote || byte === backslash ? copied : stopping;
  if (byte === backslash) return escaping;
  return byte < 0x20 || byte === quote ? stopping : copied;
});

const [tops, rest] = [0x80808080 | 0, 0x7f7f7f7f];

/** The top bit of each of the four bytes that has the value which `pattern` repeats. */
function equals(word: number, pattern: number): number {
  const bits = word ^ pattern;
  return ~(((bits & rest) + rest) | bits) & tops;
}

/** The top bit of each of the four bytes that is a control character; its other bits mean nothing. */
function controls(word: number): number {
  return ~(((word & rest) + 0x60606060) | word);
}

/** A line that is being read, and what is hashed of it. */
interface Reading {
  bytes: Buffer;
  /** The same bytes, for reading four at a time. */
  words: DataView;
  /** Index of the next byte, and where the bytes end. */
  at: number;
  to: number;
  /** The hash before, the sequence and the text, on a line each: first always the hash of the head. */
  hashed: Buffer;
  /** Index of the next byte of it. */
  out: number;
  /** Whether the line is one of the database, with its stream at the end. */
  stored: boolean;
  /** Zero while all bytes of the strings of the line are ASCII. */
  seen: number;
}

export function createRecogniser(): Recogniser {
  const nothing = Buffer.alloc(0);
  const reading: Reading = {
    bytes: nothing,
    words: new DataView(nothing.buffer),
    at: 0,
    to: 0,
    hashed: Buffer.alloc(digits),
    out: 0,
    stored: false,
    seen: 0,
  };
  let seq = 0;
  return {
    follow(head) {
      seq = head.seq;
      reading.hashed.write(head.hash, 'latin1');
    },
    seq: () => seq,
    head: () => ({ seq, hash: reading.hashed.toString('latin1', 0, digits) }),
    take(bytes, at, to) {
      if (reading.bytes !== bytes) look(reading, bytes);
      reading.at = at;
      reading.to = to;
      if (!readFields(reading, seq + 1)) return -1;
      const { hashed, at: prev } = reading;
      for (let index = 0; index < digits; index++) if (bytes[prev + index] !== hashed[index]) return -1;
      reading.at += digits;
      if (!literal(reading, toHash)) return -1;
      const own = reading.at;
      reading.at += digits;
      if (!readRest(reading) || reading.at > to) return -1;
      const end = reading.at;
      if (end < to && bytes[end] !== 0x0a && bytes[end] !== 0x0d) return -1;
      // Bytes that are not UTF-8 would be read as U+FFFD.
      if (reading.seen !== 0 && !isUtf8(bytes.subarray(at, end))) return -1;
      const found = hash('sha256', hashed.subarray(0, reading.out), 'hex');
      if (found !== bytes.toString('latin1', own, own + digits)) return -1;
      hashed.write(found, 'latin1');
      seq += 1;
      return end;
    },
  };
}

function look(reading: Reading, bytes: Buffer) {
  reading.bytes = bytes;
  reading.words = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (reading.hashed.length < bytes.length + digits)
    reading.hashed = Buffer.concat([reading.hashed.subarray(0, digits)], bytes.length + digits);
}

function readFields(reading: Reading, seq: number): boolean {
  reading.seen = 0;
  return (
    literal(reading, opening) &&
    readNumber(reading, seq) &&
    readStream(reading) &&
    literal(reading, toKind) &&
    readName(reading) &&
    literal(reading, toBytes) &&
    readText(reading) &&
    literal(reading, toPrev)
  );
}

/** The stream comes first where a running process was asked, and with a position at the end where the database was read. */
function readStream(reading: Reading): boolean {
  reading.stored = !literal(reading, toStream);
  return reading.stored || readName(reading);
}

/** From the end of the hash to the end of the line. */
function readRest(reading: Reading): boolean {
  return literal(reading, fromHash) && (!reading.stored || readPlace(reading)) && literal(reading, closing);
}

function readPlace(reading: Reading): boolean {
  return literal(reading, toStream) && readName(reading) && literal(reading, toPosition) && skipNumber(reading);
}

function skipNumber(reading: Reading): boolean {
  const { bytes, at } = reading;
  while (isDigit(bytes[reading.at])) reading.at += 1;
  return reading.at > at && bytes[at] !== zero;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= zero && byte <= zero + 9;
}

function literal(reading: Reading, text: Buffer): boolean {
  const { bytes, at } = reading;
  for (let index = 0; index < text.length; index++) if (bytes[at + index] !== text[index]) return false;
  reading.at += text.length;
  return true;
}

/** The digits of this sequence, which are copied. */
function readNumber(reading: Reading, seq: number): boolean {
  const { bytes, at, hashed } = reading;
  let [value, index, out] = [0, at, digits];
  hashed[out++] = 0x0a;
  for (; isDigit(bytes[index]) && index < at + 15; index++) {
    const byte = bytes[index] ?? 0;
    value = value * 10 + byte - zero;
    hashed[out++] = byte;
  }
  hashed[out++] = 0x0a;
  reading.at = index;
  reading.out = out;
  return value === seq && bytes[at] !== zero;
}

/** A string without escapes, after its opening quote. */
function readName(reading: Reading): boolean {
  const { bytes, to } = reading;
  for (let index = reading.at; index < to; index++) {
    const byte = bytes[index] ?? 0;
    reading.seen |= byte & 0x80;
    if (byte === backslash) return false;
    if (byte < 0x20 || byte === quote) {
      reading.at = index + 1;
      return byte === quote;
    }
  }
  return false;
}

/**
 * A string after its opening quote; its text is copied. Four bytes at a time while each backslash is before a quote and each quote after
 * one, and then without a branch for the backslash: every tenth byte is one, so the processor would guess wrong again and again.
 */
function readText(reading: Reading): boolean {
  const { bytes, words, to, hashed } = reading;
  let [index, out, bad, all] = [reading.at, reading.out, 0, 0];
  /** The top bit of a byte when the last one was a backslash that escapes the next. */
  let escaped = 0;
  while (index < to) {
    const word = index + 4 <= to ? words.getInt32(index, true) : 0;
    const backslashes = equals(word, 0x5c5c5c5c);
    if (word !== 0 && equals(word, 0x22222222) === ((backslashes << 8) | escaped)) {
      bad |= controls(word);
      all |= word;
      hashed[out] = word;
      out += 1 - ((backslashes >>> 7) & 1);
      hashed[out] = word >>> 8;
      out += 1 - ((backslashes >>> 15) & 1);
      hashed[out] = word >>> 16;
      out += 1 - ((backslashes >>> 23) & 1);
      hashed[out] = word >>> 24;
      out += 1 - (backslashes >>> 31);
      escaped = backslashes >>> 24;
      index += 4;
      continue;
    }
    for (const end = Math.min(to, index + 4); index < end; index++) {
      const byte = bytes[index] ?? 0;
      const step = steps[(escaped << 1) | byte];
      if (step === stopping) {
        reading.at = index + 1;
        reading.out = out;
        reading.seen |= all & tops;
        return escaped === 0 && byte === quote && (bad & tops) === 0;
      }
      all |= byte;
      hashed[out] = byte;
      out += step === copied ? 1 : 0;
      escaped = step === escaping ? 0x80 : 0;
    }
  }
  return false;
}
