/** Limits sign-in attempts in a window, for each address and over all addresses. */
export interface AttemptLimiter {
  /** Milliseconds until the next try is allowed; 0 when it is allowed now (and counted). */
  take(address: string): number;
}

export function createAttemptLimiter(
  now: () => number,
  limit: { each: number; all: number; window: number },
): AttemptLimiter {
  let started = now();
  let counts = new Map<string, number>();
  return {
    take(address) {
      if (now() - started >= limit.window || now() < started) {
        started = now();
        counts = new Map();
      }
      const all = counts.get('*') ?? 0;
      const mine = counts.get(address) ?? 0;
      if (mine >= limit.each || all >= limit.all) return Math.max(1000, started + limit.window - now());
      counts.set('*', all + 1).set(address, mine + 1);
      return 0;
    },
  };
}
