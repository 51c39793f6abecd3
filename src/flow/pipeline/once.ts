import { sha256 } from '../../kernel/canonical.ts';
import { isCode, type TocsinError } from '../../kernel/errors.ts';
import type { Store } from '../../ports/store.ts';
import { failedGuard } from '../journal/streams.ts';

/** How long a sender's id is remembered, milliseconds: longer than any sender retries (PagerDuty: 48 hours). */
export const rememberIds = 7 * 24 * 3_600_000;

/** An id that counts once. */
export interface Claim {
  space: string;
  key: string;
  keep: number;
}

/** The claim of the sender's id of a delivery, or of an event. */
export function claimOf(name: string, key: string): Claim {
  return { space: `delivery/${name}`, key, keep: rememberIds };
}

/** The same id for the same claim and place, so a duplicate is answered with the id of the first. */
export function eventIdOf({ space, key }: Claim, index: number): string {
  return `evt_${sha256(`${space}\n${key}\n${index}`).slice(0, 24)}`;
}

/**
 * Calls `take` with the indexes of those whose claim was not made before, until none is claimed meanwhile, and resolves to their results;
 * undefined for the others. Of two with one claim the first is taken. One without a claim is always taken.
 */
export async function takeUnclaimed<T>(
  claims: readonly (Claim | null)[],
  store: Pick<Store, 'claimed'>,
  take: (indexes: readonly number[]) => Promise<readonly T[]>,
): Promise<(T | undefined)[]> {
  const known = new Set<string>();
  const look = async (claim: Claim) => {
    if (await store.claimed(claim)) known.add(nameOf(claim));
  };
  await Promise.all(claims.map(claim => claim && look(claim)));
  for (;;) {
    const seen = new Set(known);
    const fresh = claims.flatMap((claim, index) => {
      if (claim === null) return [index];
      if (seen.has(nameOf(claim))) return [];
      seen.add(nameOf(claim));
      return [index];
    });
    try {
      const taken = fresh.length === 0 && claims.length > 0 ? [] : await take(fresh);
      return claims.map((_, index) => taken[fresh.indexOf(index)]);
    } catch (error) {
      // Each turn learns of another claim, so this ends.
      const name = claimedMeanwhile(error);
      if (name === null || known.has(name)) throw error;
      known.add(name);
    }
  }
}

/** The claim that somebody else made first; null for another failure. */
function claimedMeanwhile(error: unknown): string | null {
  if (!isCode(error, 'guard-failed') || failedGuard(error) !== 'claim') return null;
  return (error as TocsinError).at?.slice('claim '.length) ?? null;
}

function nameOf({ space, key }: Claim): string {
  return `${space}/${key}`;
}
