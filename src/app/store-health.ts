import { summaryOf, TocsinError } from '../kernel/errors.ts';
import type { Store } from '../ports/store.ts';

const noWrites =
  'The database took no write just now. See whether its server hangs or is busy, and whether its disk is full or read only.';

/**
 * Why nothing can be stored now, and what to do; null when it can. A server that refuses is told by a read at once, with its own words; one that
 * hangs, and a disk that takes nothing, by the write.
 */
export async function findStoreTrouble(store: Pick<Store, 'head' | 'healthy'>): Promise<string | null> {
  const refused = new Promise<string>(resolve => {
    store.head().catch(error => resolve(explain(error)));
  });
  return await Promise.race([refused, store.healthy().then(well => (well ? null : noWrites))]);
}

function explain(error: unknown): string {
  const what = summaryOf(error);
  return error instanceof TocsinError ? `${what} ${error.remedy}` : what;
}
