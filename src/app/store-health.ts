import type { Clock } from '../kernel/clock.ts';
import { summaryOf, TocsinError } from '../kernel/errors.ts';
import type { Store } from '../ports/store.ts';

const noWrites =
  'The database took no write just now. See whether its server hangs or is busy, and whether its disk is full or read only.';

/** How long a read may take to say why nothing was written, milliseconds. */
const patience = 1000;

/**
 * Why nothing can be stored now, with a remedy; null when the store is well. A read shows at once the error of a server that refuses; a
 * write finds a server that hangs and a disk that cannot be written.
 */
export async function findStoreTrouble(
  store: Pick<Store, 'head' | 'healthy'>,
  clock: Pick<Clock, 'sleep'>,
): Promise<string | null> {
  const read = store.head().then(() => null, explain);
  const refused = read.then(trouble => trouble ?? new Promise<never>(() => {}));
  const writes = await Promise.race([refused, store.healthy()]);
  if (typeof writes === 'string') return writes;
  if (writes) return null;
  return (await Promise.race([read, clock.sleep(patience)])) ?? noWrites;
}

function explain(error: unknown): string {
  const what = summaryOf(error);
  return error instanceof TocsinError ? `${what} ${error.remedy}` : what;
}
