import type { Clock } from '../../kernel/clock.ts';
import type { Log } from '../../kernel/log.ts';

/** Which watches are well, and since when. */
export interface Health {
  /** `trouble` is null when it is well. Each change is logged once. */
  tell(path: string, trouble: string | null): void;
  /** For how long the watch has been well, milliseconds; null when it is not. */
  wellFor(path: string): number | null;
  /** Why the watch fails, and for how long it has, milliseconds; null when it is well or nothing was told of it. */
  troubleOf(path: string): { because: string; for: number } | null;
  /** Resolves when something was told of each of these. */
  first(paths: readonly string[], signal: AbortSignal): Promise<void>;
}

/** `shown` is told what stands on /readyz: why a watch fails, or null. */
export function createHealth({
  clock,
  log,
  shown,
}: {
  clock: Clock;
  log: Log;
  shown: (because: string | null) => void;
}): Health {
  let last: string | null = null;
  const known = new Map<string, { trouble: string | null; since: number }>();
  const listeners = new Set<() => void>();
  return {
    tell(at, trouble) {
      const before = known.get(at);
      if (before !== undefined && before.trouble === trouble) return;
      if (before === undefined || (before.trouble === null) !== (trouble === null))
        known.set(at, { trouble, since: clock.monotonic() });
      else known.set(at, { ...before, trouble });
      if (trouble !== null)
        log.warn({ path: at, because: trouble }, 'the cluster cannot be watched here, and is tried again');
      else if (before !== undefined) log.info({ path: at }, 'the cluster is watched here again');
      const [path, found] = [...known].find(([, one]) => one.trouble !== null) ?? [];
      const because = found === undefined ? null : `${path} cannot be watched: ${found.trouble}`;
      if (because !== last) shown(because);
      last = because;
      for (const listener of listeners) listener();
    },
    wellFor(path) {
      const found = known.get(path);
      return found === undefined || found.trouble !== null ? null : clock.monotonic() - found.since;
    },
    troubleOf(path) {
      const found = known.get(path);
      return found?.trouble == null
        ? null
        : { because: found.trouble, for: Math.round(clock.monotonic() - found.since) };
    },
    async first(paths, signal) {
      await new Promise<void>(resolve => {
        const look = () => {
          if (!signal.aborted && !paths.every(path => known.has(path))) return;
          listeners.delete(look);
          signal.removeEventListener('abort', look);
          resolve();
        };
        listeners.add(look);
        signal.addEventListener('abort', look);
        look();
      });
    },
  };
}
