import type { DatabaseSync } from 'node:sqlite';
import { type Entry, entryHash, entryVersion } from '../../model/journal.ts';
import type { Change, Committed } from '../../ports/store.ts';
import type { Bases } from '../sql/bases.ts';
import { type ReadyEntry, readyChange, textColumn } from '../sql/packed.ts';
import type { Tables } from '../sql/schema.ts';
import { toColumn } from '../sql/text.ts';
import type { Guards } from './guards.ts';
import { prepare, tables } from './query.ts';
import { createRows } from './rows.ts';
import type { Head, Work } from './writer.ts';

export interface Prepared {
  work: Work<Committed>;
  /** About how many bytes it will write. */
  size: number;
  /** Call with its result once it is durable. */
  keep(committed: Committed): Committed;
}

/** Makes a change ready outside of the transaction (all texts are built there), and applies it inside. */
export function createApply(
  db: DatabaseSync,
  guards: Guards,
  now: () => number,
  bases: Bases,
): (change: Change) => Prepared {
  const append = createAppend(db, guards);
  const keepBlob = prepare<Tables['blob']>(db)(({ digest, bytes, at, codec, size, base }) =>
    tables
      .insertInto('blob')
      .values({ digest, bytes, at, codec, size, base })
      .onConflict(c => c.doNothing()),
  );
  const writeRow = createRows(db);

  return change => {
    const ready = readyChange(change, bases);
    const rows = (change.rows ?? []).map(row => writeRow(row, ready.baseOf(row)));
    const work = (head: Head): Committed => {
      guards.check(change, head);
      guards.carryOut(change);
      const entries = ready.entries.map(entry => append(head, entry));
      for (const row of rows) row.write(head);
      for (const { base, ...blob } of ready.blobs) keepBlob.run({ ...blob, at: now(), base: base?.seq ?? null });
      return { entries };
    };
    return { work, size: ready.length + sum(rows, row => row.size), keep: ready.keep };
  };
}

function createAppend(db: DatabaseSync, guards: Guards) {
  const insert = prepare<Tables['journal']>(db)(v => {
    const { seq, stream, pos, kind, bytes, codec, size, packed, prev, hash } = v;
    return tables.insertInto('journal').values({ seq, stream, pos, kind, bytes, codec, size, packed, prev, hash });
  });
  return (head: Head, { entry, stored, base }: ReadyEntry): Entry => {
    const bytes = stored.text;
    const seq = head.seq + 1;
    const prev = head.hash;
    const hash = entryHash(prev, seq, bytes);
    const pos = guards.length(entry.stream, head) + 1;
    const row = { seq, stream: toColumn(entry.stream), pos, kind: entry.fact.kind, prev, hash };
    insert.run({ ...row, bytes: textColumn(stored), ...stored.columns });
    base.seq = seq;
    head.lengths.set(entry.stream, pos);
    head.seq = seq;
    head.hash = hash;
    return { ...entry, seq, version: entryVersion, bytes, prev, hash };
  };
}

function sum<T>(items: readonly T[], size: (item: T) => number): number {
  return items.reduce((total, item) => total + size(item), 0);
}
