import type { Clock } from '../../src/kernel/clock.ts';

export interface HandClock extends Clock {
  /** Moves both clocks on by so many milliseconds and wakes, in order, whoever slept until then. */
  advance(ms: number): Promise<void>;
  /** Sets the wall clock alone, as an administrator or a time server does. */
  jump(to: number): void;
  /** How many sleep now. */
  sleepers(): number;
}

interface Sleeper {
  until: number;
  wake(): void;
}

/** A clock that stands still until it is moved by hand. It begins at 2026-01-01T00:00:00Z. */
export function createClock(start = Date.UTC(2026, 0, 1)): HandClock {
  let wall = start;
  let steady = 0;
  const sleepers = new Set<Sleeper>();

  function sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const stop = () => {
        sleepers.delete(sleeper);
        reject(signal?.reason);
      };
      const sleeper: Sleeper = {
        until: steady + Math.max(ms, 0),
        wake: () => {
          sleepers.delete(sleeper);
          signal?.removeEventListener('abort', stop);
          resolve();
        },
      };
      sleepers.add(sleeper);
      signal?.addEventListener('abort', stop, { once: true });
    });
  }

  async function advance(ms: number): Promise<void> {
    const end = steady + ms;
    for (;;) {
      const next = [...sleepers].filter(s => s.until <= end).sort((a, b) => a.until - b.until)[0];
      if (next === undefined) break;
      wall += Math.max(next.until - steady, 0);
      steady = Math.max(next.until, steady);
      next.wake();
      // Whoever woke may sleep again before `end`; a turn of the loop lets it.
      await new Promise(resolve => setImmediate(resolve));
    }
    wall += end - steady;
    steady = end;
  }

  return {
    now: () => wall,
    monotonic: () => steady,
    sleep,
    advance,
    jump: to => {
      wall = to;
    },
    sleepers: () => sleepers.size,
  };
}
