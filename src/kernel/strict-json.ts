import { isUtf8 } from 'node:buffer';
import type { Json } from './canonical.ts';
import { TocsinError } from './errors.ts';

export interface JsonLimits {
  /** The deepest nesting of objects and arrays. */
  depth: number;
  /** The most members of all objects together. */
  keys: number;
  /** The most bytes of one string or key, as written in the body with its escapes. */
  string: number;
}

const standard: JsonLimits = { depth: 32, keys: 10_000, string: 64 * 1024 };

const quote = 0x22;
const backslash = 0x5c;
const colon = 0x3a;
const dot = 0x2e;

/**
 * Parses a request body as one JSON document. The caller limits the size of the body.
 *
 * Refused: bytes that are not UTF-8, more than one document, duplicate keys (also `"a"` next to `"\u0061"`), a body that exceeds `limits`,
 * and numbers beyond the range of a double. Objects have no prototype, so `__proto__`, `constructor` and `toString` are ordinary keys,
 * and a missing key is undefined. An integer beyond 2^53 becomes its text (Opsgenie sends nanoseconds). A leading byte-order mark is
 * ignored.
 *
 * Throws TocsinError `bad-body`, which names the place and quotes nothing of the body.
 */
export function parseStrictJson(body: Buffer, limits: Partial<JsonLimits> = {}): Json {
  if (!isUtf8(body)) throw new TocsinError('bad-body', { message: 'The body is not valid UTF-8.', allowed: 'UTF-8' });
  const found = scan(body, { ...standard, ...limits });
  const text = body.toString('utf8', hasMark(body) ? 3 : 0);
  const count = { keys: 0 };
  const value = harden(parse(text, found.wide, body), count);
  // JSON.parse keeps the last of two members with one name, so fewer members than colons means a duplicate key.
  if (count.keys !== found.keys) throw duplicate(text, body);
  return value;
}

/** One pass over the bytes that checks the limits before anything is built. `wide`: a number may be too large for a double. */
function scan(body: Buffer, limits: JsonLimits): { keys: number; wide: boolean } {
  let depth = 0;
  let keys = 0;
  let wide = false;
  const end = body.length;
  for (let i = 0; i < end; i++) {
    const byte = body[i] ?? 0;
    if (byte === quote) {
      const close = stringEnd(body, i);
      if (close - i - 1 > limits.string) throw tooMuch('a string', `${limits.string} bytes in one string`, body, i);
      i = close;
    } else if (byte === colon) {
      if (++keys > limits.keys) throw tooMuch('the number of keys', `${limits.keys} keys`, body, i);
    } else if (byte === 0x7b || byte === 0x5b) {
      if (++depth > limits.depth) throw tooMuch('nesting', `${limits.depth} levels`, body, i);
    } else if (byte === 0x7d || byte === 0x5d) {
      depth--;
    } else if (byte >= 0x30 && byte <= 0x39) {
      const start = i;
      while (i + 1 < end && isDigit(body[i + 1] ?? 0)) i++;
      // Only numbers of sixteen digits and more can be beyond 2^53. Digits after the decimal point only lose precision, as usual.
      if (i - start >= 15 && body[start - 1] !== dot) wide = true;
    }
  }
  return { keys, wide };
}

/** The index of the quote that closes the string, or the end of the body when none does. */
function stringEnd(body: Buffer, open: number): number {
  const end = body.length;
  for (let i = open + 1; i < end; i++) {
    const byte = body[i];
    if (byte === quote) return i;
    if (byte === backslash) i++;
  }
  return end;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function hasMark(body: Buffer): boolean {
  return body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf;
}

function parse(text: string, wide: boolean, body: Buffer): unknown {
  try {
    return wide ? JSON.parse(text, keepWide) : JSON.parse(text);
  } catch (error) {
    if (error instanceof TocsinError) throw error;
    // The message of JSON.parse quotes the body, so only its position is used.
    const position = error instanceof Error ? /at position (\d+)/.exec(error.message)?.[1] : undefined;
    const at = position === undefined ? (body.length === 0 ? 'the body is empty' : 'the end') : place(text, +position);
    throw new TocsinError('bad-body', { message: 'The body is not one JSON document.', at });
  }
}

/** A reviver: an integer that a double cannot hold exactly becomes its source text. */
function keepWide(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
  const source = context?.source ?? '';
  return /^-?\d+$/.test(source) ? source : value;
}

/** Copies the value into objects without a prototype. The depth is bounded already, so recursion is safe. */
function harden(value: unknown, count: { keys: number }): Json {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value;
  if (typeof value === 'number') {
    if (Number.isFinite(value)) return value;
    throw new TocsinError('bad-body', { message: 'A number is too large.', allowed: 'numbers within a double' });
  }
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) value[i] = harden(value[i], count);
    return value;
  }
  const members = value as Record<string, unknown>;
  const names = Object.keys(members);
  count.keys += names.length;
  const out: { [key: string]: Json } = Object.create(null);
  for (const name of names) out[name] = harden(members[name], count);
  return out;
}

/** Finds the position of the second of two equal keys. Slow; only used for bodies that are refused. */
function duplicate(text: string, body: Buffer): TocsinError {
  const open: (Set<string> | null)[] = [];
  const tokens = /"(?:[^"\\]|\\.)*"(\s*:)?|[{}[\]]/g;
  for (let token = tokens.exec(text); token !== null; token = tokens.exec(text)) {
    const what = token[0];
    if (what === '{' || what === '[') open.push(what === '{' ? new Set() : null);
    else if (what === '}' || what === ']') open.pop();
    else if (token[1] !== undefined) {
      const names = open.at(-1);
      const name: string = JSON.parse(what.slice(0, what.length - token[1].length));
      if (names?.has(name)) return duplicateAt(place(text, token.index));
      names?.add(name);
    }
  }
  return duplicateAt(`within ${body.length} bytes`);
}

function duplicateAt(at: string): TocsinError {
  return new TocsinError('bad-body', { message: 'An object has a key twice.', at, allowed: 'each key once' });
}

function tooMuch(what: string, allowed: string, body: Buffer, offset: number): TocsinError {
  const at = place(body.toString('utf8', 0, offset), Number.POSITIVE_INFINITY);
  return new TocsinError('bad-body', {
    message: `The body exceeds a limit: ${what}.`,
    allowed: `at most ${allowed}`,
    at,
  });
}

/** Line and column of an offset, from 1, counted in UTF-16 code units. */
function place(text: string, offset: number): string {
  const before = text.slice(0, Math.min(offset, text.length));
  const line = before.split('\n').length;
  return `line ${line}, column ${before.length - before.lastIndexOf('\n')}`;
}
