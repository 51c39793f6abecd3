import type { Clock } from '../../kernel/clock.ts';

/** Keeps the calls of one method within its tier, for calls that nobody waits for and that go one after the other. */
export interface Budget {
  /** Resolves when the next call may go, and counts it. Rejects with the signal's reason. */
  take(signal: AbortSignal): Promise<void>;
}

const window = 60_000;

/** At most `count` calls in any minute. */
export function createBudget(count: number, clock: Pick<Clock, 'monotonic' | 'sleep'>): Budget {
  let times: number[] = [];
  return {
    async take(signal) {
      times = times.filter(at => clock.monotonic() - at < window);
      const [oldest] = times.slice(-count);
      if (times.length >= count && oldest !== undefined)
        await clock.sleep(Math.max(0, oldest + window - clock.monotonic()), signal);
      times.push(clock.monotonic());
    },
  };
}
