import type { Clock } from '../../kernel/clock.ts';
import type { WriteBack } from './write-backs.ts';

export interface Waiting {
  writeBack: WriteBack;
  failures: number;
  /** When it began to wait, milliseconds since the epoch. */
  since: number;
  /** By the monotonic clock. */
  notBefore: number;
}

/** The write-backs that wait: in order for each subject, within a rate limit, with back-off after a failure. */
export interface Queue {
  add(writeBack: WriteBack): void;
  /** The next one that is due, or the milliseconds until one is; infinite when that needs a change first. */
  next(): { due: Waiting } | { pause: number };
  /** Marks it as in flight: others of its subject wait. */
  begin(one: Waiting): void;
  end(one: Waiting): void;
  /** Schedules it again after a failure, in `least` milliseconds or more; `all` holds the others back too. */
  postpone(one: Waiting, least: number, all: boolean): void;
  remove(one: Waiting): void;
  size(): number;
  /** The lowest sequence that waits, leaving out `without`; infinite when nothing waits. */
  lowest(without: ReadonlySet<Waiting>): number;
  /** Resolves when anything changes. */
  changed(): Promise<void>;
  wake(): void;
}

/** The most that are in flight at the same time. */
const mostBusy = 4;
/** The first and the longest back-off after a failure, milliseconds. */
const firstPause = 1000;
const longestPause = 5 * 60_000;
const minute = 60_000;

export function createQueue(perMinute: number, clock: Clock): Queue {
  const waiting: Waiting[] = [];
  const busy = new Set<string>();
  /** When the last ones were begun, by the monotonic clock; as many as may be in a minute. */
  const begun: number[] = [];
  let heldUntil = 0;
  let wakeUp = Promise.withResolvers<void>();

  const wake = () => {
    wakeUp.resolve();
    wakeUp = Promise.withResolvers<void>();
  };
  const freeAt = () => (begun.length < perMinute ? 0 : (begun[0] ?? 0) + minute);

  return {
    add: writeBack => void waiting.push({ writeBack, failures: 0, since: clock.now(), notBefore: 0 }),
    next() {
      if (busy.size >= mostBusy) return { pause: Number.POSITIVE_INFINITY };
      const now = clock.monotonic();
      const ahead = new Set(busy);
      let soonest = Number.POSITIVE_INFINITY;
      for (const one of waiting) {
        if (ahead.has(one.writeBack.subject)) continue;
        ahead.add(one.writeBack.subject);
        const at = Math.max(one.notBefore, heldUntil, freeAt());
        if (at <= now) return { due: one };
        soonest = Math.min(soonest, at);
      }
      return { pause: soonest - now };
    },
    begin(one) {
      busy.add(one.writeBack.subject);
      begun.push(clock.monotonic());
      if (begun.length > perMinute) begun.shift();
    },
    end(one) {
      busy.delete(one.writeBack.subject);
      wake();
    },
    postpone(one, least, all) {
      one.failures++;
      const pause = Math.max(least, Math.min(longestPause, firstPause * 2 ** Math.min(one.failures - 1, 20)));
      one.notBefore = clock.monotonic() + pause;
      if (all) heldUntil = one.notBefore;
    },
    remove(one) {
      const at = waiting.indexOf(one);
      if (at >= 0) waiting.splice(at, 1);
    },
    size: () => waiting.length,
    lowest: without =>
      Math.min(Number.POSITIVE_INFINITY, ...waiting.filter(one => !without.has(one)).map(one => one.writeBack.seq)),
    changed: () => wakeUp.promise,
    wake,
  };
}
