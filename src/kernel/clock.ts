/** Wall time and monotonic time. It is passed in, so that tests can control time. All values are milliseconds. */
export interface Clock {
  /** Milliseconds since the Unix epoch; may jump when the system's clock is set. */
  now(): number;
  /** Milliseconds on a clock that never goes back; only differences have a meaning. */
  monotonic(): number;
  /** Resolves after `ms`, at most about 24.8 days. Rejects with the signal's reason on abort. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** The longest delay of `setTimeout`: 2^31 - 1 ms, about 24.8 days. It fires a longer one at once. */
const longestTimer = 2_147_483_647;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const timer = setTimeout(done, Math.min(Math.max(ms, 0), longestTimer));
      function done() {
        signal?.removeEventListener('abort', stop);
        resolve();
      }
      function stop() {
        clearTimeout(timer);
        reject(signal?.reason);
      }
      signal?.addEventListener('abort', stop, { once: true });
    }),
};
