export interface Waiter {
  /** Counts work that settles by itself. */
  working<T>(work: () => Promise<T>): Promise<T>;
  /** Returns a promise that never settles, for a caller that waits for something outside, and counts it as waiting. */
  forEver(): Promise<never>;
  suspended: Promise<void>;
  /** Resolves when no counted work is left. Callers that wait then no longer count. */
  idle(): Promise<void>;
}

/** Detects when all branches of a run wait, so that its worker can be released. */
export function createWaiter(): Waiter {
  let active = 0;
  let waits = 0;
  let closing = false;
  const suspended = Promise.withResolvers<void>();
  let onIdle: (() => void)[] = [];
  const settle = () => {
    active--;
    // The runbook's own code runs between two steps, so it gets a turn of the event loop before the run counts as suspended.
    setImmediate(() => {
      if (active > 0) return;
      if (waits > 0 && !closing) suspended.resolve();
      for (const resolve of onIdle) resolve();
      onIdle = [];
    });
  };
  return {
    async working(work) {
      active++;
      try {
        return await work();
      } finally {
        settle();
      }
    },
    forEver() {
      waits++;
      settle();
      return new Promise<never>(() => {});
    },
    suspended: suspended.promise,
    async idle() {
      closing = true;
      do {
        if (active > 0) await new Promise<void>(resolve => onIdle.push(resolve));
        await new Promise(resolve => setImmediate(resolve));
      } while (active > 0);
      waits = 0;
      closing = false;
    },
  };
}
