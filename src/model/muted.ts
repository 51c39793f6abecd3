import type { Alert } from './alert.ts';
import { boundText } from './incoming.ts';
import type { FactOf } from './journal.ts';

/** What the origin of an alert says of it between its deliveries, and what follows from hearing nothing. */
export type OriginFact = FactOf<'alert.muted' | 'alert.unmuted' | 'alert.quiet'>;

/** Pure reducer: the alert after one more of these facts. `at` is the time of the entry. */
export function foldOriginFact(known: Alert, fact: OriginFact, at: number): Alert {
  return { ...known, version: known.version + 1, ...changeOf(known, fact, at) };
}

function changeOf(known: Alert, fact: OriginFact, at: number): Partial<Alert> {
  // What is said of a live stretch says nothing of one that is over.
  if (known.state === 'resolved') return {};
  switch (fact.kind) {
    case 'alert.muted':
      return { state: 'silenced', silencedAtOrigin: { by: fact.by, until: fact.until } };
    case 'alert.unmuted':
      return { state: (known.silencedUntil ?? 0) > at ? 'silenced' : 'firing', silencedAtOrigin: null };
    case 'alert.quiet':
      return { quietSince: fact.since };
  }
}

/** True while its origin keeps the alert quiet, as far as is known: nothing starts by itself for it. */
export function isMuted({ silencedAtOrigin: muted }: Alert, now: number): boolean {
  return muted !== null && (muted.until === null || muted.until > now);
}

/** Who or what keeps an alert quiet at its origin, and until when: milliseconds since the epoch, null when that is open. */
export interface Quiet {
  by: string;
  until: number | null;
}

/** Pure: all reasons as one, null for none. It is over only when the last reason is. */
export function joinQuiet(reasons: readonly Quiet[]): Quiet | null {
  if (reasons.length === 0) return null;
  const last = Math.max(...reasons.map(({ until }) => until ?? Number.POSITIVE_INFINITY));
  const by = [...new Set(reasons.map(reason => reason.by))].join(', ');
  return { by: boundText(by, 200), until: Number.isFinite(last) ? last : null };
}
