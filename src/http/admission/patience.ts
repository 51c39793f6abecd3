import type { Clock } from '../../kernel/clock.ts';

/** Waits for work for a limited time. */
export interface Patience {
  /** What the work resolves to, or rejects with; null when it takes longer. Then it is left alone, also when it fails later. */
  within<T>(work: Promise<T>): Promise<T | null>;
  /** Ends the timer, when nobody waits for an answer any more. */
  stop(): void;
}

interface Waiting {
  /** By the monotonic clock, milliseconds. */
  due: number;
  late(): void;
}

/** One timer for all work that is under way: a timer and a signal for each request cost more than most answers. `longest` is in milliseconds. */
export function createPatience({ monotonic, sleep }: Pick<Clock, 'monotonic' | 'sleep'>, longest: number): Patience {
  /** All wait equally long, so the first of them is due first. */
  const waiting = new Set<Waiting>();
  const end = new AbortController();
  let watching = false;

  async function watch(): Promise<void> {
    watching = true;
    for (let [first] = waiting; first !== undefined; [first] = waiting) {
      await sleep(Math.max(0, first.due - monotonic()), end.signal);
      for (const one of waiting) {
        if (one.due > monotonic()) break;
        waiting.delete(one);
        one.late();
      }
    }
    watching = false;
  }

  return {
    within<T>(work: Promise<T>): Promise<T | null> {
      return new Promise((resolve, reject) => {
        const own: Waiting = { due: monotonic() + longest, late: () => resolve(null) };
        waiting.add(own);
        work.then(
          result => {
            waiting.delete(own);
            resolve(result);
          },
          error => {
            waiting.delete(own);
            reject(error);
          },
        );
        // It rejects only when it is stopped.
        if (!watching) watch().catch(() => {});
      });
    },
    stop: () => end.abort(),
  };
}
