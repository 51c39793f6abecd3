import { showInstant } from '../../kernel/duration.ts';
import { type Alert, type AlertEnd, type Effect, isLaterStretch, toldEnd } from '../../model/alert.ts';
import type { IncomingAlert } from '../../model/event.ts';
import { endOfResolve, type Look } from '../../model/look.ts';

/** What was last seen of an alert, and how its origin is. */
export interface Seen {
  look: Look | null;
  /** Whether the origin's alerts expire. */
  expires: boolean;
}

/** What is journalled beside the effect. `seen` is what was last seen at an origin whose alerts expire, or null where there is none to ask. */
export function moreOf(
  effect: Effect,
  body: IncomingAlert,
  known: Alert | null,
  seen: Seen | null,
  given: AlertEnd | undefined,
): { end?: AlertEnd; quiet?: true } {
  if (effect === 'reopened') return { quiet: true };
  if (effect === 'opened') return known !== null && isLiveEpisode(known) ? { end: untold(body) } : {};
  if (effect !== 'resolved' && effect !== 'unseen') return {};
  if (given !== undefined) return { end: given };
  return { end: resolvedEnd(body, effect === 'unseen' ? null : known, seen) };
}

function resolvedEnd(body: IncomingAlert, known: Alert | null, seen: Seen | null): AlertEnd {
  const told = toldEnd(body);
  if (told.how !== 'told' || known === null) return told;
  const end = seen?.expires === true && body.endsAt !== null ? endOfResolve(seen.look, body.endsAt) : told;
  // A sender that tells its news in intervals tells nothing of an end and a new start within one.
  const between = isLiveEpisode(known) && isLaterStretch(body, known);
  return end.how === 'told' && between ? untold(body) : end;
}

/** How the earlier stretch ended when a new one began while it was live. */
function untold(body: IncomingAlert): AlertEnd {
  return { how: 'untold', because: `a newer stretch began at ${showInstant(body.startsAt)}` };
}

export function isLiveEpisode(alert: Alert): boolean {
  return alert.state !== 'resolved' && alert.count > 0;
}
