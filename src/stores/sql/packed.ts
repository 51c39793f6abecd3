import { entryBytes, type NewEntry } from '../../model/journal.ts';
import type { Change, Committed, Row } from '../../ports/store.ts';
import { type Base, type Bases, baseOf, basesOf } from './bases.ts';
import { codecs, pack, unpack } from './codec.ts';
import { checkEntry } from './docs.ts';

/** The columns of a text that may be packed; it is empty then. */
export type PackedColumns = {
  codec: number;
  /** Bytes of the text before it was packed; 0 when it is plain. */
  size: number;
  packed: Uint8Array | null;
};

/** A text that is ready to be stored. */
export interface ReadyText {
  text: string;
  columns: PackedColumns;
  /** The entry that it refers to; null without one. */
  base: Base | null;
  /** About how many bytes are written. */
  length: number;
}

/** Bytes that are ready to be stored. */
export interface ReadyBlob {
  digest: string;
  /** As they are stored. */
  bytes: Uint8Array;
  codec: number;
  size: number;
  base: Base | null;
}

export interface ReadyEntry {
  entry: NewEntry;
  stored: ReadyText;
  /** Its `seq` is set when the entry is appended, before the rows that repeat it are written. */
  base: Base;
}

/** A change whose texts were made, checked and packed, outside of the transaction. */
export interface ReadyChange {
  entries: readonly ReadyEntry[];
  blobs: readonly ReadyBlob[];
  /** About how many bytes these are. */
  length: number;
  /** The entry that a row of this change repeats. */
  baseOf(row: Row): Base | null;
  /** Call once the change is stored: later rows may repeat its entries. */
  keep(committed: Committed): Committed;
}

export const plain: PackedColumns = { codec: codecs.plain, size: 0, packed: null };

export function readyText(text: string, base: Base | null = null): ReadyText {
  const content = encode(text);
  const found = pack(content, base?.text ?? null);
  if (found === null) return { text, columns: plain, base: null, length: content.length };
  const columns = { codec: found.codec, size: content.length, packed: found.packed };
  return { text, columns, base: found.codec === codecs.delta ? base : null, length: found.packed.length };
}

const scratch = Buffer.alloc(64 * 1024);

/** The bytes of a text until the next call: a new buffer for each would be most of what is left to collect. */
function encode(text: string): Buffer {
  return text.length * 3 > scratch.length ? Buffer.from(text) : scratch.subarray(0, scratch.write(text));
}

export function readyChange(change: Change, bases: Bases): ReadyChange {
  const entries = (change.entries ?? []).map(readyEntry);
  const own = basesOf(entries);
  // Of several events that came in one body, none says most of it.
  const [alone] = own.size === 1 ? own.values() : [];
  const blobs = (change.blobs ?? []).map(blob => readyBlob(blob, alone ?? null));
  const lengths = [...entries.map(({ stored }) => stored.length), ...blobs.map(({ bytes }) => bytes.length)];
  return {
    entries,
    blobs,
    length: lengths.reduce((sum, length) => sum + length, 0),
    baseOf: row => baseOf(row, own, bases),
    keep(committed) {
      for (const [index, { seq, hash, stream }] of committed.entries.entries()) {
        const text = entries[index]?.base.text;
        if (text !== undefined) bases.keep({ text, seq, hash }, stream);
      }
      return committed;
    },
  };
}

function readyEntry(entry: NewEntry): ReadyEntry {
  checkEntry(entry);
  const bytes = entryBytes(entry);
  return { entry, stored: readyText(bytes), base: { text: bytes, seq: null, hash: null } };
}

function readyBlob({ digest, bytes }: { digest: string; bytes: Uint8Array | string }, base: Base | null): ReadyBlob {
  const content = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
  const found = pack(content, base?.text ?? null);
  if (found === null) return { digest, bytes: content, codec: codecs.plain, size: 0, base: null };
  const used = found.codec === codecs.delta ? base : null;
  return { digest, bytes: found.packed, codec: found.codec, size: content.length, base: used };
}

/** The journal entry beside a row that repeats it, as a left join reads it. */
export interface JoinedEntry {
  base: number | null;
  entryBytes: string | null;
  entryCodec: number | null;
  entrySize: number | null;
  entryPacked: Uint8Array | null;
  entryHash: string | null;
}

/** A row whose text may repeat an entry, with that entry. */
export type LikeRow = PackedColumns & JoinedEntry & { text: string };

/** What a left join with the journal as `entry` selects for it. */
export const joinedEntry = [
  'entry.bytes as entryBytes',
  'entry.codec as entryCodec',
  'entry.size as entrySize',
  'entry.packed as entryPacked',
  'entry.hash as entryHash',
] as const;

/** The text of a row that repeats no other. Throws `row-broken`. */
export function readText(row: PackedColumns & { text: string }, at: string): string {
  return row.codec === codecs.plain ? row.text : unpackRow(row, null, at).toString();
}

/** The text of a row that may repeat an entry. Throws `row-broken`. `stream` is the entry's, where it is known. */
export function readLike(row: LikeRow, bases: Bases, at: string, stream: string | null = null): string {
  return row.codec === codecs.plain ? row.text : unpackRow(row, textOfBase(row, bases, at, stream), at).toString();
}

/** The bytes of a blob. Throws `row-broken`. */
export function readBlob(
  row: { bytes: Uint8Array; codec: number; size: number } & JoinedEntry,
  bases: Bases,
  at: string,
): Uint8Array {
  if (row.codec === codecs.plain) return row.bytes;
  return unpackRow({ ...row, packed: row.bytes }, textOfBase(row, bases, at, null), at);
}

function unpackRow(row: PackedColumns, base: string | null, at: string): Buffer {
  return unpack({ codec: row.codec, size: row.size, packed: row.packed ?? Buffer.alloc(0) }, base, at);
}

function textOfBase(
  row: JoinedEntry & { codec: number },
  bases: Bases,
  at: string,
  stream: string | null,
): string | null {
  const { base: seq, entryBytes: text, entryHash: hash } = row;
  if (row.codec !== codecs.delta || seq === null || text === null || hash === null) return null;
  const known = bases.get(seq);
  if (known?.hash === hash) return known.text;
  const columns = { codec: row.entryCodec ?? codecs.plain, size: row.entrySize ?? 0, packed: row.entryPacked };
  const found = readText({ text, ...columns }, `${at}: entry ${seq}`);
  bases.keep({ text: found, seq, hash }, stream);
  return found;
}

/**
 * The columns of a document, empty when it is packed. `holds` says whether an entry that was stored before is still the same; where it is
 * not, the document is written plain.
 */
export function docColumns(ready: ReadyText, holds: (base: Base) => boolean = () => true) {
  if (ready.base !== null && !holds(ready.base)) return { doc: ready.text, ...plain, base: null };
  return { doc: textColumn(ready), ...ready.columns, base: ready.base?.seq ?? null };
}

/** The column of the text itself. */
export function textColumn({ text, columns }: ReadyText): string {
  return columns.codec === codecs.plain ? text : '';
}
