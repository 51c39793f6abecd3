export interface Waiter {
  /** Counts work that will go on by itself. */
  working<T>(work: () => Promise<T>): Promise<T>;
  /** The caller waits for something outside: a promise that never settles, counted as such. */
  forEver(): Promise<never>;
  suspended: Promise<void>;
  /** Resolves when nothing goes on by itself any more. What waits then is let go: it no longer counts. */
  idle(): Promise<void>;
}

/** Knows when all branches of a run wait, so that its worker can be given back. */
export function createWaiter(): Waiter {
  let active = 0;
  let waits = 0;
  let closing = false;
  const suspended = Promise.withResolvers<void>();
  let onIdle: (() => void)[] = [];
  const settle = () => {
    active--;
    // The runbook's own code runs between two steps; it gets a turn before the silence counts.
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
