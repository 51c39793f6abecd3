import { type NewEntry, streamOf } from '../../model/journal.ts';
import type { Row } from '../../ports/store.ts';
import { canBeBase } from './codec.ts';

/** A journal entry whose text other rows repeat. */
export interface Base {
  text: string;
  /** Null until the entry is appended. */
  seq: number | null;
  hash: string | null;
}

/** An entry that is stored. */
export type StoredBase = Base & { seq: number; hash: string };

/** The entries that were written or read last, so that a row that repeats one finds it. Without it a row is packed alone. */
export interface Bases {
  get(seq: number): StoredBase | undefined;
  /** The newest long entry of a stream. */
  newestOf(stream: string): StoredBase | undefined;
  /** Keeps a stored entry; one that cannot be a base is left out. */
  keep(base: StoredBase, stream: string | null): void;
}

/** The most characters of text in the cache, most of which the feed has in memory too. */
const most = 2 * 1024 * 1024;

export function createBases(): Bases {
  const known = new Map<number, { base: StoredBase; stream: string | null }>();
  const newest = new Map<string, StoredBase>();
  let size = 0;

  function forget(seq: number): void {
    const found = known.get(seq);
    if (found === undefined) return;
    known.delete(seq);
    size -= found.base.text.length;
    if (found.stream !== null && newest.get(found.stream) === found.base) newest.delete(found.stream);
  }

  return {
    get: seq => known.get(seq)?.base,
    newestOf: stream => newest.get(stream),
    keep(base, stream) {
      if (!canBeBase(base.text)) return;
      const of = stream ?? known.get(base.seq)?.stream ?? null;
      forget(base.seq);
      known.set(base.seq, { base, stream: of });
      size += base.text.length;
      if (of !== null && (newest.get(of)?.seq ?? 0) <= base.seq) newest.set(of, base);
      for (const seq of known.keys()) {
        if (size <= most) break;
        forget(seq);
      }
    },
  };
}

/** The entry that a row repeats: of its own change, else one that is known. */
export function baseOf(row: Row, own: ReadonlyMap<string, Base>, bases: Bases): Base | null {
  if (row.table === 'alert') {
    const stream = streamOf.alert(row.doc.id);
    return own.get(stream) ?? bases.newestOf(stream) ?? null;
  }
  if (row.table !== 'post') return null;
  const { order, alert } = row.doc;
  return bases.get(order) ?? (alert === null ? null : (bases.newestOf(streamOf.alert(alert)) ?? null));
}

/** The entries of a change that its rows may repeat, by their streams. */
export function basesOf(entries: readonly { entry: NewEntry; base: Base }[]): Map<string, Base> {
  const long = entries.filter(({ base }) => canBeBase(base.text));
  return new Map(long.map(({ entry, base }) => [entry.stream, base]));
}
