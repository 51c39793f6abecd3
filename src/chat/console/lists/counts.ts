import type { SearchTerm } from '../../../model/search/parse.ts';
import type { AlertCount, Store } from '../../../ports/store.ts';
import type { Viewer } from '../viewer.ts';

interface Known {
  /** The head of the journal at which these were asked. */
  seq: number;
  counts: Map<string, Promise<AlertCount[]>>;
}

const known = new WeakMap<Store, Known>();
/** So many searches are remembered between two changes. */
const mostKept = 100;

/** The counts of a search, asked once between two changes, however many open pages and parts of pages show them. */
export async function countAlerts(
  { host: { store }, now }: Pick<Viewer, 'host' | 'now'>,
  terms: readonly SearchTerm[],
  by: readonly string[] = [],
): Promise<AlertCount[]> {
  const { seq } = await store.head();
  let kept = known.get(store);
  if (kept === undefined || kept.seq !== seq || kept.counts.size >= mostKept) {
    kept = { seq, counts: new Map() };
    known.set(store, kept);
  }
  const { counts } = kept;
  // What a search by age finds changes with time alone.
  const key = JSON.stringify([terms, by, terms.some(term => term.kind === 'age') ? now : null]);
  const before = counts.get(key);
  if (before !== undefined) return await before;
  const asked = store.countAlerts({ terms, now, by });
  counts.set(key, asked);
  asked.catch(() => counts.delete(key));
  return await asked;
}

/** After a change. Rows may change without an entry, so the head alone does not tell. */
export function forgetCounts(store: Store): void {
  known.delete(store);
}

/** Reads once for each viewer: there is a new one for each answer and each refresh of an open page, whose parts then share what was read. */
export function oncePerViewer<T>(read: (viewer: Viewer) => Promise<T>): (viewer: Viewer) => Promise<T> {
  const found = new WeakMap<Viewer, Promise<T>>();
  return viewer => {
    const before = found.get(viewer);
    if (before !== undefined) return before;
    const now = read(viewer);
    found.set(viewer, now);
    return now;
  };
}
