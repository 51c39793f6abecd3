import { sha256 } from '../../kernel/canonical.ts';
import type { Clock } from '../../kernel/clock.ts';
import { messageOf } from '../../kernel/errors.ts';
import { createKeyedMutex } from '../../kernel/mutex.ts';
import { type IncomingAlert, incomingEvent } from '../../model/event.ts';
import type { EmitTools } from '../../ports/emit.ts';
import type { Options } from './options.ts';
import type { Sighting } from './sighting.ts';
import { createTracker, type Tracker } from './tracker.ts';

/** What the watches of one source share: the live problems, one at a time, and the way to the store. */
export interface Desk {
  options: Options;
  tracker: Tracker;
  clock: Clock;
  exclusive<T>(work: () => Promise<T>): Promise<T>;
  /**
   * Makes the events durable, and with them how far the Events were read. It is tried until the store takes it, or the source stops: then
   * it rejects, and the next start reads on from what was kept.
   */
  commit(events: readonly IncomingAlert[], read?: { path: string | null; version: string }): Promise<void>;
  /** Keeps how far the Events were read, for the next start. */
  save(): Promise<void>;
  /** The version that the Events of this scope were read up to; null for none. */
  savedVersion(scope: string | null): Promise<string | null>;
  /** True when the object itself shows that the problem is over. */
  isOverNow(sighting: Sighting): boolean;
}

/** How often the place in the Events is kept when nothing is told, milliseconds: so much is read again after a crash, to no effect. */
const saveEvery = 5000;

/** Back-off when the store does not take the events, milliseconds. */
const backoff = [250, 500, 1000, 2000, 5000];

/** The most events in one commit. */
const mostAtOnce = 100;

export function createDesk(
  options: Options,
  server: string,
  tools: EmitTools & { signal: AbortSignal },
  isOverNow: Desk['isOverNow'],
): Desk {
  const { clock, log, signal } = tools;
  const mutex = createKeyedMutex();
  const unsaved = new Map<string, string>();
  let savedAt = clock.monotonic();
  // A version is of one cluster, and of one path of it.
  const keyOf = (scope: string | null) => `events/${sha256(server).slice(0, 16)}/${scope ?? '*'}`;

  async function insist(work: () => Promise<unknown>): Promise<void> {
    for (let tries = 0; ; tries++) {
      if (signal.aborted && tries > 0) throw signal.reason;
      try {
        await work();
        return;
      } catch (error) {
        if (tries === 0)
          log.warn({ because: messageOf(error) }, 'news of the cluster could not be made durable, and is tried again');
        await clock.sleep(backoff[Math.min(tries, backoff.length - 1)] ?? 0, signal).catch(() => {});
      }
    }
  }

  /** What the store would refuse for ever must not hold up what comes behind it. */
  function readable(event: IncomingAlert): boolean {
    const { success } = incomingEvent.safeParse(event);
    if (!success) log.error({ fingerprint: event.fingerprint }, 'an event of the cluster cannot be told');
    return success;
  }

  async function save(): Promise<void> {
    savedAt = clock.monotonic();
    for (const [key, version] of [...unsaved]) {
      await tools.remember(key, version);
      if (unsaved.get(key) === version) unsaved.delete(key);
    }
  }

  return {
    options,
    tracker: createTracker(options, tools),
    clock,
    exclusive: work => mutex.with('', work),
    async commit(given, read) {
      const events = given.filter(readable);
      for (let from = 0; from < events.length; from += mostAtOnce) {
        const some = events.slice(from, from + mostAtOnce);
        // The place goes with the last of them: what came before is read again after a crash, and found to be told.
        const last = from + mostAtOnce >= events.length;
        const memo = last && read !== undefined ? { key: keyOf(read.path), value: read.version } : undefined;
        const once = `watch/${sha256(`${clock.now()}\n${JSON.stringify(some)}`)}`;
        await insist(() => tools.emit([...some], once, memo));
      }
      if (read === undefined) return;
      if (events.length > 0) unsaved.delete(keyOf(read.path));
      else unsaved.set(keyOf(read.path), read.version);
      if (clock.monotonic() - savedAt >= saveEvery) await insist(save);
    },
    save,
    savedVersion: scope => tools.rememberedText(keyOf(scope)),
    isOverNow,
  };
}

/** True for an object of the namespace that is followed; null follows all. */
export function inScope(namespace: string, scope: string | null): boolean {
  return scope === null || namespace === scope;
}

/** Why the end of an object is no cure of what was wrong with it. */
export const goneText = (kind: string) =>
  `the ${kind} is gone, which is no cure: what takes its place has alerts of its own`;
