import type { Clock } from '../../kernel/clock.ts';
import { type Found, findDecision, type Known, type KnownParts, readKnown, type Wanted } from './decisions.ts';

/** For how long what allows is known without another look, milliseconds. A revocation counts on every node after it. */
const longestKnown = 2000;
/** From this age on it is read again while it is still taken, so that nobody waits for the read of what is asked for all the time. */
const freshFor = 1000;
/** Digests that are remembered. */
const mostKnown = 5000;

/** Finds decisions; what allows may be known for two seconds. */
export interface Lookup {
  find(wanted: Wanted): Promise<Found>;
  /** The same, read now. */
  findNow(wanted: Wanted): Promise<Found>;
}

export function createLookup(parts: KnownParts & { clock: { now(): number } }): Lookup {
  const { clock } = parts;
  /** Of these at least one decision allows. */
  const allowing = new Map<string, Known>();
  const once = createOnce<Known>(clock);

  async function read(wanted: Wanted): Promise<Known> {
    const known = await readKnown(wanted, parts);
    const key = keyOf(wanted);
    allowing.delete(key);
    if (!known.gates.some(({ state }) => state === 'allowed')) return known;
    const [oldest] = allowing.keys();
    if (allowing.size >= mostKnown && oldest !== undefined) allowing.delete(oldest);
    allowing.set(key, known);
    return known;
  }

  return {
    async find(wanted) {
      const kept = allowing.get(keyOf(wanted));
      const age = kept === undefined ? Number.POSITIVE_INFINITY : clock.monotonic() - kept.at;
      if (kept !== undefined && age <= longestKnown) {
        const found = findDecision(wanted, kept, clock.now());
        // Only what allows may be old. A read that fails leaves it as old as it is.
        if (found.kind === 'allowed') {
          if (age > freshFor) once(keyOf(wanted), () => read(wanted)).catch(() => {});
          return found;
        }
      }
      return findDecision(wanted, await once(keyOf(wanted), () => read(wanted)), clock.now());
    },
    async findNow(wanted) {
      return findDecision(wanted, await read(wanted), clock.now());
    },
  };
}

/** What is read of one image is read for all who start it in this environment. */
export function keyOf({ digest, environment, subject }: Wanted): string {
  return `${digest} ${environment} ${subject.service ?? ''}`;
}

/** So long others wait for a piece of work that is under way, milliseconds; one that hangs must not keep those after it from trying. */
const longestWork = 3000;

/** Does one piece of work for all who want it while it is under way. */
export function createOnce<T>({
  monotonic,
}: Pick<Clock, 'monotonic'>): (key: string, work: () => Promise<T>) => Promise<T> {
  const under = new Map<string, { result: Promise<T>; since: number }>();
  return (key, work) => {
    const known = under.get(key);
    if (known !== undefined && monotonic() - known.since < longestWork) return known.result;
    const result = work().finally(() => {
      if (under.get(key) === begun) under.delete(key);
    });
    const begun = { result, since: monotonic() };
    under.set(key, begun);
    return result;
  };
}
