import type { Clock } from '../../kernel/clock.ts';
import { messageOf } from '../../kernel/errors.ts';
import type { Log } from '../../kernel/log.ts';

/** The members of a group as a platform or an origin answered: just now, or the last time that it did. */
export interface Looked {
  accounts: readonly { account: string; name: string }[];
  how: 'live' | 'last';
  /** When it was asked, milliseconds since the epoch. */
  at: number;
}

export interface Lookups {
  /** Resolves to null when no answer comes and the last one is too old. Never rejects. */
  look(key: string, ask: () => Promise<Looked['accounts']>): Promise<Looked | null>;
  /** Forgets what is known under the key, or under all keys that begin with it; also what is being asked now. */
  forget(key: string, prefix: boolean): void;
}

/** How long an answer counts as live, milliseconds. */
export const fresh = 60_000;
/** How long the last answer counts while no new one comes, milliseconds. */
export const longest = 15 * 60_000;
/** How long an answer is waited for, milliseconds: a person has pressed a button and waits. */
const patience = 2500;
/** How long nothing is asked again after a failure, milliseconds. */
const pause = 5000;

interface Known {
  accounts: Looked['accounts'];
  at: number;
  steady: number;
}

interface CacheEntry {
  known: Known | null;
  asking: Promise<boolean> | null;
  failedAt: number | null;
}

export function createLookups(parts: { clock: Clock; log: Log }): Lookups {
  const { clock, log } = parts;
  const cache = new Map<string, CacheEntry>();

  /** The greater of the ages by both clocks: a wall clock that is set back keeps nobody in a group. */
  const ageOf = (known: Known) => Math.max(clock.now() - known.at, clock.monotonic() - known.steady);

  /** True when there is a new answer. An answer that comes too late for this caller is kept for the next. */
  async function refresh(key: string, entry: CacheEntry, ask: () => Promise<Looked['accounts']>): Promise<boolean> {
    const began = { at: clock.now(), steady: clock.monotonic() };
    try {
      const accounts = await ask();
      // Dated by the question, because the answer may lack what changed meanwhile.
      entry.known = { accounts, ...began };
      entry.failedAt = null;
      return true;
    } catch (error) {
      entry.failedAt = clock.monotonic();
      log.warn({ group: key, reason: messageOf(error) }, 'the members of a group could not be asked for');
      return false;
    } finally {
      entry.asking = null;
    }
  }

  async function waitFor(asking: Promise<boolean>): Promise<void> {
    const enough = new AbortController();
    await Promise.race([asking, clock.sleep(patience, enough.signal).catch(() => {})]);
    enough.abort();
  }

  return {
    async look(key, ask) {
      const entry = cache.get(key) ?? { known: null, asking: null, failedAt: null };
      cache.set(key, entry);
      if (entry.known !== null && ageOf(entry.known) <= fresh) return { ...entry.known, how: 'live' };
      const rests = entry.failedAt !== null && clock.monotonic() - entry.failedAt < pause;
      if (!rests) {
        entry.asking ??= refresh(key, entry, ask);
        await waitFor(entry.asking);
      }
      // Forgotten meanwhile: what was being asked may be older than the change.
      if (cache.get(key) !== entry) return await this.look(key, ask);
      if (entry.known === null || ageOf(entry.known) > longest) return null;
      return { ...entry.known, how: ageOf(entry.known) <= fresh ? 'live' : 'last' };
    },
    forget(key, prefix) {
      for (const one of [...cache.keys()]) if (one === key || (prefix && one.startsWith(key))) cache.delete(one);
    },
  };
}
