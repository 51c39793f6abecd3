import { sha256 } from '../../kernel/canonical.ts';
import { keyOf, keyPart } from '../incoming.ts';

/** The longest value of a key, characters. */
const longest = 200;
/**
 * The same as it is written in a key, bytes. Four of them are a part of an index of PostgreSQL, whose rows have 2,704 bytes at most: what is
 * longer would fail its batch for ever.
 */
const mostBytes = 340;
/** No character takes more than six bytes there. */
const surelyFits = Math.floor(mostBytes / 6);

/**
 * The value as a part of a key: unchanged, or its beginning with its SHA-256, so that two long values stay two. What is no Unicode is written
 * as JSON behind a mark, because a database and a hash would make one value of several.
 */
export function boundValue(value: string): string {
  const text = value.isWellFormed() && !value.startsWith(mark) ? value : mark + JSON.stringify(value);
  if (text.length <= surelyFits - 1 || (text.length <= longest && fits(text))) return text;
  const cut = (length: number) => `${text.slice(0, length).toWellFormed()}…sha256:${sha256(text)}`;
  return fits(cut(longest - 80)) ? cut(longest - 80) : cut(40);
}

function fits(text: string): boolean {
  return Buffer.byteLength(JSON.stringify(text)) <= mostBytes;
}

const mark = '\u0001';

/** The key of a combination of values, and back. */
export function keyText(values: readonly string[]): string {
  return JSON.stringify(values);
}

export function keyValues(key: string): string[] {
  const values: unknown = JSON.parse(key);
  return Array.isArray(values) ? values.map(String) : [];
}

/** The fingerprint of the alert of a key. */
export function fingerprintOf(rule: string, key: string): string {
  return keyOf([rule, ...keyValues(key)].map(keyPart).join('/'));
}

/** A copy of the text that holds no other one in memory: a part of a text keeps the whole alive. */
export function ownText(text: string): string {
  if (text.length < 13) return text;
  const encoding = text.isWellFormed() ? 'utf8' : 'utf16le';
  return Buffer.from(text, encoding).toString(encoding);
}
