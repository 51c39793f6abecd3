import { isUtf8 } from 'node:buffer';
import type { Json } from './canonical.ts';
import { TocsinError } from './errors.ts';
import { createScanner, duplicateAt, hasMark, type JsonLimits, placeOfByte } from './json-scan.ts';

export const standardLimits: JsonLimits = { depth: 32, keys: 10_000, string: 64 * 1024 };

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
  checkUtf8(body);
  const scanner = createScanner(body, { ...standardLimits, ...limits });
  scanner.advance(body.length);
  const start = hasMark(body) ? 3 : 0;
  const text = body.toString('utf8', start);
  const { keys, wide } = scanner.found();
  const ends = () => (body.length === 0 ? 'the body is empty' : 'the end');
  return parseChecked(text, { keys, wide, ends, placeOf: index => placeOfByte(body, start + bytesTo(text, index)) });
}

export function checkUtf8(bytes: Buffer): void {
  if (!isUtf8(bytes)) throw new TocsinError('bad-body', { message: 'The body is not valid UTF-8.', allowed: 'UTF-8' });
}

/** How many bytes of UTF-8 stand before this index of the text. */
export function bytesTo(text: string, index: number): number {
  return Buffer.byteLength(text.slice(0, index));
}

export interface FoundText {
  /** The members of all objects in it, as a scan counted them. */
  keys: number;
  /** A number may be too large for a double. */
  wide: boolean;
  /** Names an index of the text as a place in the body. */
  placeOf(index: number): string;
  /** The place of its end. */
  ends(): string;
}

/** Parses a text, and refuses duplicate keys. */
export function parseChecked(text: string, found: FoundText): Json {
  const count = { keys: 0 };
  const value = harden(parse(text, found), count);
  // JSON.parse keeps the last of two members with one name, so fewer members than colons means a duplicate key.
  if (count.keys !== found.keys) throw duplicate(text, found.placeOf);
  return value;
}

function parse(text: string, found: FoundText): unknown {
  try {
    return found.wide ? JSON.parse(text, keepWide) : JSON.parse(text);
  } catch (error) {
    throw notOneDocument(placeOfError(text, error instanceof Error ? error.message : '', found));
  }
}

/** A longer text is not searched for the place of its error: it would take too long. Characters. */
const mostSearched = 64 * 1024;

/** The message of JSON.parse quotes the body, so only its position is used. V8 gives none for a token that it did not expect. */
function placeOfError(text: string, message: string, found: FoundText): string {
  if (isUnexpected(message))
    return text.length > mostSearched ? `within ${text.length} characters` : found.placeOf(firstUnexpected(text));
  const position = / at position (\d+)/.exec(message)?.[1];
  return position === undefined ? found.ends() : found.placeOf(+position);
}

function isUnexpected(message: string): boolean {
  return message.endsWith(' is not valid JSON');
}

/** The index of the token: a text that is cut off before it ends too early, one that is cut off after it has the same error. */
function firstUnexpected(text: string): number {
  let [low, high] = [0, text.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (hasUnexpected(text.slice(0, middle + 1))) high = middle;
    else low = middle + 1;
  }
  return low;
}

function hasUnexpected(text: string): boolean {
  try {
    JSON.parse(text);
    return false;
  } catch (error) {
    return error instanceof Error && isUnexpected(error.message);
  }
}

export function notOneDocument(at: string): TocsinError {
  return new TocsinError('bad-body', { message: 'The body is not one JSON document.', at });
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
function duplicate(text: string, placeOf: (index: number) => string): TocsinError {
  const open: (Set<string> | null)[] = [];
  const tokens = /"(?:[^"\\]|\\.)*"(\s*:)?|[{}[\]]/g;
  for (let token = tokens.exec(text); token !== null; token = tokens.exec(text)) {
    const what = token[0];
    if (what === '{' || what === '[') open.push(what === '{' ? new Set() : null);
    else if (what === '}' || what === ']') open.pop();
    else if (token[1] !== undefined) {
      const names = open.at(-1);
      const name: string = JSON.parse(what.slice(0, what.length - token[1].length));
      if (names?.has(name)) return duplicateAt(placeOf(token.index));
      names?.add(name);
    }
  }
  return duplicateAt(`within ${text.length} characters`);
}
