import { type Alert, awaitsFirst, effectOf } from '../../model/alert.ts';
import type { IncomingAlert } from '../../model/event.ts';
import { joinQuiet, type Quiet } from '../../model/muted.ts';
import type { ListedAlert } from '../../ports/source.ts';

/** When the list was asked for, by our clock, and made, by the origin's; milliseconds since the epoch. */
export interface Asked {
  at: number;
  origin: number;
}

/** An alert that was heard of so lately is left to its own news, which may be newer than the list, milliseconds. */
const fresh = 30_000;

/** A stretch that began so lately is left to the webhook: a sender waits with it (the group_wait of Alertmanager), milliseconds. */
const waits = 60_000;

/** Pure: the events that a listed alert lacks here; none when the list says nothing new. `ours` is whether its receivers are. */
export function lackedBy(listed: ListedAlert, known: Alert | null, ours: boolean, asked: Asked): IncomingAlert[] {
  const { event, silenced } = listed;
  const firing: IncomingAlert = { ...event, state: 'firing' };
  const live = known !== null && known.state !== 'resolved' && !awaitsFirst(known);
  // What its origin keeps quiet sends nothing from there, so it opens nothing here. It is opened when that is over and it still fires.
  if (silenced !== null || (!ours && !live)) return [];
  if (isFresh(known, asked) || event.startsAt > asked.origin - waits) return [];
  const effect = effectOf(known, firing);
  if (effect !== 'opened' && effect !== 'reopened') return [];
  // The operator who closed it knew more than the list, which would open it again for ever. The sender's own repeat still does, once.
  if (effect === 'reopened' && known?.end?.how === 'closed') return [];
  return event.state === 'acknowledged' ? [firing, event] : [firing];
}

/** Pure: whether a live alert that is not in the list may have ended. */
export function isMissing(alert: Alert, asked: Asked): boolean {
  return alert.state !== 'resolved' && !awaitsFirst(alert) && !isFresh(alert, asked);
}

function isFresh(known: Alert | null, asked: Asked): boolean {
  return known !== null && known.lastSeen > asked.at - fresh;
}

/** Pure: the resolve of a stretch that the origin lists no longer. */
export function resolveOf(alert: Alert, goneAt: number): IncomingAlert {
  const endsAt = Math.max(goneAt, alert.startsAt);
  return {
    kind: 'alert',
    state: 'resolved',
    fingerprint: alert.fingerprint,
    title: alert.title,
    severity: alert.severity,
    labels: alert.labels,
    annotations: alert.annotations,
    links: alert.links,
    startsAt: alert.startsAt,
    endsAt,
    occurredAt: endsAt,
  };
}

/** By how much the end of our own silence may differ from what was asked for: it was changed by nobody, milliseconds. */
const sameEnd = 60_000;

/**
 * Pure: who keeps a listed alert quiet besides us. A silence with the mark of the alert is Tocsin's own while the alert is silenced here for
 * as long. One that lasts longer was changed there, and one that `lingers` after it was ended here was not to be ended: those are of others.
 */
export function quietBesidesOurs(listed: ListedAlert, alert: Alert | null, lingers: () => boolean): Quiet | null {
  const others = (listed.marked ?? []).filter(({ marker, until }) => {
    if (alert === null || marker !== alert.id) return true;
    if (alert.silencedUntil === null) return lingers();
    return until === null || until > alert.silencedUntil + sameEnd;
  });
  return joinQuiet([...(listed.silenced === null ? [] : [listed.silenced]), ...others]);
}

/** Pure: what changed in how its origin keeps the alert quiet; null when nothing did. */
export function muteOf(alert: Alert, silenced: ListedAlert['silenced'], now: number): 'mute' | 'unmute' | null {
  const known = alert.silencedAtOrigin;
  if (silenced === null) return known === null ? null : 'unmute';
  if (known === null) return 'mute';
  // A reason that could not be read this time (no end) does not take the place of a better one that still holds.
  if (silenced.until === null && known.until !== null && known.until > now) return null;
  return silenced.by === known.by && silenced.until === known.until ? null : 'mute';
}
