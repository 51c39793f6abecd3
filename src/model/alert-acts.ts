import { type Actor, nameOf } from './actor.ts';
import { type Alert, unacknowledged, unsilenced } from './alert.ts';
import type { Fact } from './journal.ts';

/**
 * Pure reducer: the alert after one more fact of its stream that is no event: an act on it, the end of an act, a note. `at` is the time of
 * the entry, `who` its actor. Entries of version 1 fold as they did.
 */
export function foldAct(known: Alert, fact: Fact, at: number, who: Actor): Alert {
  return { ...known, version: known.version + 1, ...changeOf(known, fact, at, nameOf(who)) };
}

function changeOf(known: Alert, fact: Fact, at: number, by: string): Partial<Alert> {
  // What ends with the episode is over in a resolved one, whatever a late writer appends.
  const live = known.state !== 'resolved';
  switch (fact.kind) {
    case 'alert.acknowledged':
      return { acknowledgedBy: by, acknowledgedUntil: live ? (fact.until ?? null) : null };
    case 'alert.unacknowledged':
      return unacknowledged;
    case 'alert.silenced':
      return live ? { state: 'silenced', silencedUntil: fact.until, silencedBy: fact.by ?? null } : {};
    case 'alert.unsilenced':
      // Its origin may still keep it quiet.
      return live ? { state: known.silencedAtOrigin === null ? 'firing' : 'silenced', ...unsilenced } : unsilenced;
    case 'alert.closed':
      return live && fact.episode === known.episode ? closed(at, `${by}: ${fact.reason}`) : {};
    default:
      return {};
  }
}

function closed(at: number, because: string): Partial<Alert> {
  return {
    state: 'resolved',
    resolvedAt: at,
    end: { how: 'closed', because },
    reopenedAt: null,
    acknowledgedUntil: null,
    ...unsilenced,
    silencedAtOrigin: null,
    quietSince: null,
  };
}

/** When the alert changes by itself next: its acknowledgement or its silence is over. Null when it does not. */
export function lapsesAt(alert: Alert): number | null {
  if (alert.state === 'resolved') return null;
  const ends = [alert.acknowledgedUntil, alert.silencedUntil].filter(end => end !== null);
  return ends.length === 0 ? null : Math.min(...ends);
}

/** Pure: the fact that ends what is over at this time; null when nothing is. */
export function lapseOf(alert: Alert, now: number): Fact | null {
  if (alert.state === 'resolved') return null;
  if (alert.silencedUntil !== null && alert.silencedUntil <= now) return { kind: 'alert.unsilenced', alert: alert.id };
  const over = alert.acknowledgedUntil !== null && alert.acknowledgedUntil <= now;
  return over ? { kind: 'alert.unacknowledged', alert: alert.id } : null;
}
