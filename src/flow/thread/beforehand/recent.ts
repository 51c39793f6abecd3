import type { Clock } from '../../../kernel/clock.ts';

/** What was read lately, for many cards in a moment. */
export interface Recent {
  /** What `read` gave at most `ms` milliseconds ago, else what it gives now; those who ask at one time share one reading. */
  read<T>(key: string, ms: number, read: () => Promise<T>): Promise<T>;
  /** What `make` gave the first time, as long as it is among the newest: for what cannot change. */
  keep<T>(key: string, make: () => Promise<T>): Promise<T>;
}

/** How many are remembered. */
const most = 200;

export function createRecent(clock: Pick<Clock, 'monotonic'>): Recent {
  const known = new Map<string, { at: number; value: Promise<unknown> }>();
  function read<T>(key: string, ms: number, make: () => Promise<T>): Promise<T> {
    const found = known.get(key);
    if (found !== undefined && clock.monotonic() - found.at <= ms) return found.value as Promise<T>;
    const value = make();
    // A failure is not remembered.
    value.catch(() => known.get(key)?.value === value && known.delete(key));
    known.delete(key);
    known.set(key, { at: clock.monotonic(), value });
    if (known.size > most) known.delete(known.keys().next().value ?? '');
    return value;
  }
  return { read, keep: (key, make) => read(key, Number.POSITIVE_INFINITY, make) };
}
