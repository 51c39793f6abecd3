import type { Clock } from '../../kernel/clock.ts';

/** Waits for the work, but no longer than `ms` milliseconds. Rejects as the work does. */
export async function atMost(ms: number, work: Promise<unknown>, clock: Pick<Clock, 'sleep'>): Promise<void> {
  const over = new AbortController();
  try {
    await Promise.race([work, clock.sleep(ms, over.signal).catch(() => {})]);
  } finally {
    over.abort();
  }
}
