import { sha256 } from '../../src/kernel/canonical.ts';
import { entryHash, genesis } from '../../src/model/journal.ts';
import type { Row, Specimen } from './specimen.ts';

/** A row of a copy, for the table of this name. */
export interface Grown {
  table: string;
  row: Row;
}

/** Milliseconds between two copies. */
const gap = 30_000;

/** What differs from copy to copy: ids and names, times, digests of deliveries, and the numbers of entries in keys of posts. */
const token = /(?<![0-9a-z])(?:01[0-9a-z]{20}|1[67]\d{11}|[0-9a-f]{64})(?![0-9a-z])|note\/\d+|"order":\d+/g;

/** How a text of the specimen is written in one copy. */
type Write = (copy: Copy) => string;

interface Copy {
  /** The values of all tokens, in the order in which they were first met. */
  values: string[];
  number: number;
  /** Milliseconds to add to times, and numbers to add to those of entries, posts and changes. */
  shift: number;
  entries: number;
  posts: number;
  changes: number;
}

/**
 * Copies of the specimen, each with ids, names and times of its own, until the journal has `entries` entries. The chain is correct, and
 * so are the digests. The last copy is about as old as the specimen, each one before it is half a minute older.
 */
export function* grow(specimen: Specimen, entries: number): Generator<Grown> {
  const unit = compile(specimen);
  const copies = Math.ceil(entries / unit.entries.length);
  let prev = genesis;
  for (let number = 0; number < copies; number++) {
    const copy: Copy = {
      values: [],
      number,
      shift: (number - copies) * gap,
      entries: number * unit.entries.length,
      posts: number * unit.posts,
      changes: number * unit.changes,
    };
    const blobs = unit.fill(copy);
    for (const { stream, pos, kind, bytes: write } of unit.entries) {
      const seq = ++copy.entries;
      const bytes = write(copy);
      const hash = entryHash(prev, seq, bytes);
      yield { table: 'journal', row: { seq, stream: stream(copy), pos, kind, bytes, prev, hash } };
      prev = hash;
    }
    copy.entries -= unit.entries.length;
    for (const blob of blobs) yield blob;
    for (const { table, write } of unit.rows) yield { table, row: write(copy) };
  }
}

/** Rows that are there once, whatever the number of copies: plans of runbooks and marks of the source. */
export function onceOf(specimen: Specimen): Grown[] {
  const raw = rawDigests(specimen);
  const blobs = (specimen['blob'] ?? []).filter(row => !raw.has(String(row['digest'])));
  const claims = (specimen['claim'] ?? []).filter(row => row['space'] !== 'auto');
  return [...blobs.map(row => ({ table: 'blob', row })), ...claims.map(row => ({ table: 'claim', row }))];
}

function rawDigests(specimen: Specimen): Set<string> {
  const texts = (specimen['journal'] ?? []).map(row => String(row['bytes']));
  return new Set(texts.flatMap(text => [...text.matchAll(/"raw":"([0-9a-f]{64})"/g)].map(found => found[1] ?? '')));
}

function compile(specimen: Specimen) {
  const tokens = new Map<string, number>();
  const own = (specimen['journal'] ?? []).filter(row => row['stream'] !== 'system');
  /** The number within a copy of the entry that has this number in the specimen. */
  const numbers = new Map(own.map((row, index) => [String(row['seq']), index + 1]));
  const raw = rawDigests(specimen);
  const text = (value: unknown) => compileText(String(value), tokens);
  const blobs = (specimen['blob'] ?? [])
    .filter(row => raw.has(String(row['digest'])))
    .map(row => ({
      digest: String(row['digest']),
      at: Number(row['at']),
      write: text(Buffer.from(row['bytes'] as Uint8Array)),
    }));
  const entries = own.map(row => ({
    stream: text(row['stream']),
    pos: Number(row['pos']),
    kind: String(row['kind']),
    bytes: text(row['bytes']),
  }));
  const claims = (specimen['claim'] ?? []).filter(row => row['space'] === 'auto');
  const rows = Object.entries({ ...specimen, claim: claims }).flatMap(([table, all]) =>
    ['alert', 'run', 'post', 'claim', 'auto_run', 'lease'].includes(table)
      ? all.map(row => ({ table, write: compileRow(table, row, text, numbers) }))
      : [],
  );
  const posts = specimen['post'] ?? [];

  /** Works out the values of a copy, and gives its blobs: their digests are among the values. */
  function fill(copy: Copy): Grown[] {
    const digests = new Map<string, string>();
    for (const [name, index] of tokens) copy.values[index] = tokenOf(name, copy, numbers);
    const grown = blobs.map(({ digest, at, write }) => {
      const bytes = Buffer.from(write(copy));
      const made = sha256(bytes);
      digests.set(digest, made);
      return { table: 'blob', row: { digest: made, bytes, at: at + copy.shift } };
    });
    for (const [name, made] of digests) copy.values[tokens.get(name) ?? -1] = made;
    return grown;
  }

  return {
    entries,
    rows,
    fill,
    posts: posts.length,
    changes: Math.max(...posts.map(row => Number(row['changed']))),
  };
}

function compileRow(table: string, row: Row, text: (value: unknown) => Write, numbers: Map<string, number>) {
  const columns = Object.entries(row).map(([name, value]): [string, (copy: Copy) => Row[string]] => {
    if (table === 'post' && name === 'id') return [name, copy => copy.posts + Number(value)];
    if (table === 'post' && name === 'changed') return [name, copy => copy.changes + Number(value)];
    if (table === 'post' && name === 'ord') return [name, copy => copy.entries + numberOf(String(value), numbers)];
    if (typeof value === 'string') return [name, text(value)];
    if (typeof value === 'number' && value > 1e12) return [name, copy => value + copy.shift];
    return [name, () => value];
  });
  return (copy: Copy): Row => Object.fromEntries(columns.map(([name, write]) => [name, write(copy)]));
}

/** Splits a text at its tokens once, so that a copy of it is a few texts put together. */
function compileText(text: string, tokens: Map<string, number>): Write {
  const parts: (string | number)[] = [];
  let at = 0;
  for (const found of text.matchAll(token)) {
    const index = tokens.get(found[0]) ?? tokens.size;
    tokens.set(found[0], index);
    parts.push(text.slice(at, found.index), index);
    at = found.index + found[0].length;
  }
  parts.push(text.slice(at));
  return copy => {
    let made = '';
    for (const part of parts) made += typeof part === 'number' ? copy.values[part] : part;
    return made;
  };
}

function tokenOf(name: string, copy: Copy, numbers: Map<string, number>): string {
  const [key, number = ''] = name.split(/[/:]/);
  if (key === 'note') return `note/${copy.entries + numberOf(number, numbers)}`;
  if (key === '"order"') return `"order":${copy.entries + numberOf(number, numbers)}`;
  if (name.length === 13) return String(Number(name) + copy.shift);
  if (name.length === 64) return name;
  const time = encode(decode(name.slice(0, 10)) + copy.shift, 10);
  return time + encode(copy.number, 6) + name.slice(16);
}

function numberOf(seq: string, numbers: Map<string, number>): number {
  const number = numbers.get(seq);
  if (number === undefined) throw new Error(`the specimen has no entry ${seq}`);
  return number;
}

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';

function decode(text: string): number {
  return [...text].reduce((sum, letter) => sum * 32 + alphabet.indexOf(letter), 0);
}

function encode(number: number, length: number): string {
  let [rest, text] = [number, ''];
  for (let index = 0; index < length; index++) {
    text = alphabet[rest % 32] + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}
