import type { Clock } from '../../kernel/clock.ts';
import { messageOf } from '../../kernel/errors.ts';
import type { Log } from '../../kernel/log.ts';

/** What a platform or an origin said of a group: just now, or when it last answered. */
export interface Looked {
  accounts: readonly { account: string; name: string }[];
  how: 'live' | 'last';
  /** When it was said, milliseconds since the epoch. */
  at: number;
}

export interface Lookups {
  /** Null when nobody can be asked and nothing young enough is known. Never rejects. */
  look(key: string, ask: () => Promise<Looked['accounts']>): Promise<Looked | null>;
  /** Forgets what is known under the key, or under all keys that begin with it; also what is being asked now. */
  forget(key: string, prefix: boolean): void;
}

/** How long an answer counts as live, milliseconds. */
export const fresh = 60_000;
/** How long the last answer holds while nobody can be asked, milliseconds. */
export const longest = 15 * 60_000;
/** How long an answer is waited for, milliseconds: somebody pressed a button and looks at it. */
const patience = 2500;
/** After a failure nobody is asked again for so long, milliseconds. */
const pause = 5000;

interface Known {
  accounts: Looked['accounts'];
  at: number;
  steady: number;
}

interface Place {
  known: Known | null;
  asking: Promise<boolean> | null;
  failedAt: number | null;
}

export function createLookups(parts: { clock: Clock; log: Log }): Lookups {
  const { clock, log } = parts;
  const places = new Map<string, Place>();

  /** By whichever clock it is older: a wall clock that is set back keeps nobody in a group. */
  const ageOf = (known: Known) => Math.max(clock.now() - known.at, clock.monotonic() - known.steady);

  /** True when there is a new answer. An answer that comes too late for this caller is kept for the next. */
  async function refresh(key: string, place: Place, ask: () => Promise<Looked['accounts']>): Promise<boolean> {
    const began = { at: clock.now(), steady: clock.monotonic() };
    try {
      const accounts = await ask();
      // As of when it was asked: what changed meanwhile may be missing in it.
      place.known = { accounts, ...began };
      place.failedAt = null;
      return true;
    } catch (error) {
      place.failedAt = clock.monotonic();
      log.warn({ group: key, reason: messageOf(error) }, 'the members of a group could not be asked for');
      return false;
    } finally {
      place.asking = null;
    }
  }

  async function waitFor(asking: Promise<boolean>): Promise<void> {
    const enough = new AbortController();
    await Promise.race([asking, clock.sleep(patience, enough.signal).catch(() => {})]);
    enough.abort();
  }

  return {
    async look(key, ask) {
      const place = places.get(key) ?? { known: null, asking: null, failedAt: null };
      places.set(key, place);
      if (place.known !== null && ageOf(place.known) <= fresh) return { ...place.known, how: 'live' };
      const rests = place.failedAt !== null && clock.monotonic() - place.failedAt < pause;
      if (!rests) {
        place.asking ??= refresh(key, place, ask);
        await waitFor(place.asking);
      }
      // Forgotten meanwhile: what was being asked may be older than the change.
      if (places.get(key) !== place) return await this.look(key, ask);
      if (place.known === null || ageOf(place.known) > longest) return null;
      return { ...place.known, how: ageOf(place.known) <= fresh ? 'live' : 'last' };
    },
    forget(key, prefix) {
      for (const one of [...places.keys()]) if (one === key || (prefix && one.startsWith(key))) places.delete(one);
    },
  };
}
