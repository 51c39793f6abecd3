import { z } from 'zod';
import { type Event, type IncomingAlert, labels, link, severity } from './event.ts';

export const alertState = z.enum(['firing', 'resolved', 'silenced']);
export type AlertState = z.infer<typeof alertState>;

/** A condition that lasts, identified by source and fingerprint. Each firing-to-resolved period is an episode, which owns one thread. */
export const alert = z.object({
  id: z.string(),
  source: z.string(),
  fingerprint: z.string(),
  title: z.string(),
  severity,
  state: alertState,
  labels,
  annotations: labels,
  links: z.array(link),
  trusted: z.boolean(),
  episode: z.int().min(1),
  /** How many times this episode was delivered as firing. */
  count: z.int(),
  firstSeen: z.int(),
  /** When the last delivery of any kind arrived. */
  lastSeen: z.int(),
  /** When it was last delivered as firing; `verify` relies on it. */
  lastFiring: z.int(),
  startsAt: z.int(),
  resolvedAt: z.int().nullable(),
  acknowledgedBy: z.string().nullable(),
  silencedUntil: z.int().nullable(),
  /** The version of its stream: the number of journal entries behind it. */
  version: z.int(),
});
export type Alert = z.infer<typeof alert>;

/**
 * What one alert event does to the alert.
 * `opened`: a new episode. `refreshed`: still firing. `resolved`: the episode ends. `reopened`: after the resolve came a firing that is
 * not newer than it, so the episode continues and no runbook starts by itself. `stale`: older than the known state, or a resolve of a
 * resolved alert. `acknowledged`: somebody acknowledged it at its origin.
 */
export const effect = z.enum(['opened', 'refreshed', 'resolved', 'reopened', 'stale', 'acknowledged']);
export type Effect = z.infer<typeof effect>;

/** Pure: decides the effect of an event. Duplicates by signed delivery id do not arrive here, because intake drops them by their claim. */
export function effectOf(known: Alert | null, incoming: IncomingAlert): Effect {
  if (known === null) return incoming.state === 'firing' ? 'opened' : incoming.state;
  const live = known.state !== 'resolved';
  if (incoming.state === 'acknowledged') return live ? 'acknowledged' : 'stale';
  if (incoming.state === 'resolved') return live && !older(incoming, known) ? 'resolved' : 'stale';
  if (awaitsFirst(known)) return 'opened';
  if (live) return incoming.startsAt < known.startsAt ? 'stale' : 'refreshed';
  return startedLater(incoming, known) ? 'opened' : 'reopened';
}

/** True when an acknowledgement arrived before the firing it belongs to: the episode is known but has not opened. */
function awaitsFirst(known: Alert): boolean {
  return known.state === 'firing' && known.count === 0;
}

/** True for a resolve of an earlier episode than the one that fires now. */
function older(incoming: IncomingAlert, known: Alert): boolean {
  return incoming.startsAt < known.startsAt && incoming.occurredAt < known.startsAt;
}

/** True when the sender says that this firing began after the last episode ended. */
function startedLater(incoming: IncomingAlert, known: Alert): boolean {
  return incoming.startsAt > known.startsAt && incoming.startsAt >= (known.resolvedAt ?? 0);
}

/** Pure reducer: the alert after the event. `id` is used for a new alert. */
export function foldAlert(
  known: Alert | null,
  incoming: Event & { body: IncomingAlert },
  what: Effect,
  id: string,
): Alert {
  const at = incoming.receivedAt;
  const body = incoming.body;
  const base = known ?? blank(incoming, id);
  const version = (known?.version ?? 0) + 1;
  // A resolve also says when its firing began, so that the firing itself counts as old when it arrives later.
  const startsAt = body.state === 'resolved' ? Math.max(base.startsAt, body.startsAt) : base.startsAt;
  const seen = { ...base, version, startsAt, lastSeen: Math.max(base.lastSeen, at) };
  // Deliveries may be folded in another order than they arrived in, so `lastFiring` never goes back.
  const lastFiring = Math.max(base.lastFiring, at);
  if (what === 'stale') return seen;
  if (what === 'acknowledged') return { ...seen, acknowledgedBy: base.acknowledgedBy ?? `${incoming.source}` };
  const facts = {
    ...seen,
    title: body.title,
    severity: body.severity,
    labels: body.labels,
    annotations: body.annotations,
    links: body.links,
    trusted: incoming.trusted,
  };
  switch (what) {
    case 'opened':
      return {
        ...facts,
        state: 'firing',
        episode: known === null || awaitsFirst(known) ? base.episode : base.episode + 1,
        count: 1,
        firstSeen: at,
        lastFiring,
        startsAt: body.startsAt,
        resolvedAt: null,
        acknowledgedBy: known !== null && awaitsFirst(known) ? known.acknowledgedBy : null,
        silencedUntil: null,
      };
    case 'refreshed':
      return {
        ...facts,
        count: base.count + 1,
        lastFiring,
        startsAt: body.startsAt,
        acknowledgedBy: body.acknowledged === false ? null : base.acknowledgedBy,
      };
    case 'reopened':
      return { ...facts, state: 'firing', count: base.count + 1, lastFiring, resolvedAt: null };
    case 'resolved':
      return { ...facts, state: 'resolved', resolvedAt: body.endsAt ?? body.occurredAt, silencedUntil: null };
  }
}

function blank(incoming: Event & { body: IncomingAlert }, id: string): Alert {
  const { body, receivedAt: at } = incoming;
  return {
    id,
    source: incoming.source,
    fingerprint: body.fingerprint,
    title: body.title,
    severity: body.severity,
    state: 'firing',
    labels: body.labels,
    annotations: body.annotations,
    links: body.links,
    trusted: incoming.trusted,
    episode: 1,
    count: 0,
    firstSeen: at,
    lastSeen: at,
    lastFiring: 0,
    startsAt: body.startsAt,
    resolvedAt: null,
    acknowledgedBy: null,
    silencedUntil: null,
    version: 0,
  };
}
