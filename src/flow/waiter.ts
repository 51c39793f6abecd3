export interface Waiter {
  /** Counts work that will go on by itself. */
  working<T>(work: () => Promise<T>): Promise<T>;
  /** The caller waits for something outside: a promise that never settles, counted as such. */
  forEver(): Promise<never>;
  suspended: Promise<void>;
}

/** Knows when all branches of a run wait, so that its worker can be given back. */
export function createWaiter(): Waiter {
  let active = 0;
  let waits = 0;
  const suspended = Promise.withResolvers<void>();
  const settle = () => {
    active--;
    // The runbook's own code runs between two steps; it gets a turn before the silence counts.
    setImmediate(() => {
      if (active === 0 && waits > 0) suspended.resolve();
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
  };
}
