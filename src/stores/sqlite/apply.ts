import type { DatabaseSync } from 'node:sqlite';
import { type Entry, entryBytes, entryHash, entryVersion, type NewEntry } from '../../model/journal.ts';
import type { Change, Committed } from '../../ports/store.ts';
import { checkEntry } from '../sql/docs.ts';
import { toColumn } from '../sql/text.ts';
import type { Guards } from './guards.ts';
import { prepare, tables } from './query.ts';
import { createRows } from './rows.ts';
import type { Head, Work } from './writer.ts';

export interface Prepared {
  work: Work<Committed>;
  /** About how many bytes it will write. */
  size: number;
}

/** Makes a change ready outside of the transaction (all texts are built there), and applies it inside. */
export function createApply(db: DatabaseSync, guards: Guards, now: () => number): (change: Change) => Prepared {
  const append = createAppend(db, guards);
  const keepBlob = prepare<{ digest: string; bytes: Uint8Array; at: number }>(db)(v =>
    tables
      .insertInto('blob')
      .values({ digest: v.digest, bytes: v.bytes, at: v.at })
      .onConflict(c => c.doNothing()),
  );
  const writeRow = createRows(db);

  return change => {
    const texts = (change.entries ?? []).map(toText);
    const rows = (change.rows ?? []).map(writeRow);
    const blobs = (change.blobs ?? []).map(blob => ({ digest: blob.digest, bytes: toBytes(blob.bytes) }));
    const work = (head: Head): Committed => {
      guards.check(change, head);
      guards.carryOut(change);
      const entries = (change.entries ?? []).map((entry, index) => append(head, entry, texts[index] ?? ''));
      for (const row of rows) row.write(head);
      for (const blob of blobs) keepBlob.run({ ...blob, at: now() });
      return { entries };
    };
    const size = sum(texts, text => text.length) + sum(rows, row => row.size) + sum(blobs, blob => blob.bytes.length);
    return { work, size };
  };
}

function createAppend(db: DatabaseSync, guards: Guards) {
  const insert = prepare<{
    seq: number;
    stream: string;
    pos: number;
    kind: string;
    bytes: string;
    prev: string;
    hash: string;
  }>(db)(v =>
    tables.insertInto('journal').values({
      seq: v.seq,
      stream: v.stream,
      pos: v.pos,
      kind: v.kind,
      bytes: v.bytes,
      prev: v.prev,
      hash: v.hash,
    }),
  );
  return (head: Head, entry: NewEntry, bytes: string): Entry => {
    const seq = head.seq + 1;
    const prev = head.hash;
    const hash = entryHash(prev, seq, bytes);
    const pos = guards.length(entry.stream, head) + 1;
    insert.run({ seq, stream: toColumn(entry.stream), pos, kind: entry.fact.kind, bytes, prev, hash });
    head.lengths.set(entry.stream, pos);
    head.seq = seq;
    head.hash = hash;
    return { ...entry, seq, version: entryVersion, bytes, prev, hash };
  };
}

function toText(entry: NewEntry): string {
  checkEntry(entry);
  return entryBytes(entry);
}

function toBytes(bytes: Uint8Array | string): Uint8Array {
  return typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
}

function sum<T>(items: readonly T[], size: (item: T) => number): number {
  return items.reduce((total, item) => total + size(item), 0);
}
