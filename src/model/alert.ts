import { z } from 'zod';
import { type Event, type IncomingAlert, labels, link, severity } from './event.ts';

export const alertState = z.enum(['firing', 'resolved', 'silenced']);
export type AlertState = z.infer<typeof alertState>;

/**
 * How a stretch of firing ended. `told`: its source resolved it. `expired`: the source resolved it only because it heard nothing more,
 * which is no cure. `unwatched`: it was resolved, and nobody looked in time to tell which of the two it was. `merged`: it goes on as
 * another alert. `gone`: the origin no longer listed it. `untold`: a later stretch began, so it ended before; of that one, only the end may
 * have been told. `closed`: an operator.
 */
export const alertEnd = z.object({
  how: z.enum(['told', 'expired', 'unwatched', 'merged', 'gone', 'untold', 'closed']),
  /** For people, when there is more to say than `how`. */
  because: z.string().nullable(),
});
export type AlertEnd = z.infer<typeof alertEnd>;

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
  /** How the newest stretch ended, as far as known; null while it fires and in documents of older builds. */
  end: alertEnd.nullable().default(null),
  /** When it began to fire again after its resolve, with the same start; null once people were told of it, or when it did not. */
  reopenedAt: z.int().nullable().default(null),
  /** When the newest news was made, by the sender's clock; null when it does not say. */
  newsAt: z.int().nullable().default(null),
  acknowledgedBy: z.string().nullable(),
  /** When the acknowledgement ends by itself; null when it holds until the episode ends, and when there is none. */
  acknowledgedUntil: z.int().nullable().default(null),
  silencedUntil: z.int().nullable(),
  silencedBy: z.string().nullable().default(null),
  /** Set while its origin keeps it quiet: who or what does, and until when; null when that is not known. */
  silencedAtOrigin: z.object({ by: z.string(), until: z.int().nullable() }).nullable().default(null),
  /** Since when its news is not relied on, because none came for too long; null while it is. */
  quietSince: z.int().nullable().default(null),
  /** The version of its stream: the number of journal entries behind it. */
  version: z.int(),
});
export type Alert = z.infer<typeof alert>;

/**
 * What one alert event does to the alert.
 * `opened`: a new episode, with its own thread and decision; an earlier stretch that was live ended untold. `refreshed`: still firing.
 * `resolved`: the episode ends. `unseen`: a resolve of a stretch that was never told as firing; it is kept and not posted.
 * `reopened`: after the resolve came a firing with the same start, so the episode continues; nobody is asked for a while, because a
 * cluster repeats stale news. `stale`: older than the known state, or a resolve of a resolved alert. `acknowledged`,
 * `unacknowledged`: somebody said so at its origin.
 */
export const effect = z.enum([
  'opened',
  'refreshed',
  'resolved',
  'reopened',
  'stale',
  'acknowledged',
  'unseen',
  'unacknowledged',
]);
export type Effect = z.infer<typeof effect>;

/** Pure: decides the effect of an event. Duplicates by signed delivery id do not arrive here, because intake drops them by their claim. */
export function effectOf(known: Alert | null, incoming: IncomingAlert): Effect {
  if (known === null) return effectOnUnknown(incoming);
  if (isOldNews(incoming, known)) return 'stale';
  const live = known.state !== 'resolved';
  switch (incoming.state) {
    case 'acknowledged':
    case 'unacknowledged':
      // One of a later stretch is not about this one, and must not make that stretch's own firing count as old news.
      return live && !isLaterStretch(incoming, known) ? incoming.state : 'stale';
    case 'resolved':
      if (live) return older(incoming, known) ? 'stale' : 'resolved';
      return isLaterStretch(incoming, known) ? 'unseen' : 'stale';
    case 'firing':
      if (awaitsFirst(known)) return 'opened';
      if (isLaterStretch(incoming, known)) return 'opened';
      if (live) return 'refreshed';
      if (incoming.startsAt < known.startsAt) return 'stale';
      return startedLater(incoming, known) ? 'opened' : 'reopened';
  }
}

function effectOnUnknown(incoming: IncomingAlert): Effect {
  if (incoming.state === 'firing') return 'opened';
  return incoming.state === 'resolved' ? 'unseen' : incoming.state;
}

/**
 * True for news that the sender made before the newest that is known: a late or repeated delivery. The firing that an acknowledgement
 * overtook is older than it and still opens its episode.
 */
function isOldNews(incoming: IncomingAlert, known: Alert): boolean {
  if (incoming.newsAt === undefined || known.newsAt === null || incoming.newsAt >= known.newsAt) return false;
  return !(incoming.state === 'firing' && awaitsFirst(known) && incoming.startsAt >= known.startsAt);
}

/** True when the sender's start names the stretch and is later: the known stretch is over, whether or not a resolve was told. */
export function isLaterStretch(incoming: IncomingAlert, known: Alert): boolean {
  return incoming.stretch === 'startsAt' && incoming.startsAt > known.startsAt;
}

/** True when an acknowledgement arrived before the firing it belongs to: the episode is known but has not opened. */
export function awaitsFirst(known: Alert): boolean {
  return known.state === 'firing' && known.count === 0;
}

/** True for an alert of which nothing but its resolve is known. */
export function isUnseen(alert: Alert): boolean {
  return alert.state === 'resolved' && alert.count === 0;
}

/** True for a resolve of an earlier stretch than the one that fires now. */
function older(incoming: IncomingAlert, known: Alert): boolean {
  return incoming.startsAt < known.startsAt && incoming.occurredAt < known.startsAt;
}

/** True when the sender says that this firing began after the last episode ended. */
function startedLater(incoming: IncomingAlert, known: Alert): boolean {
  return incoming.startsAt > known.startsAt && incoming.startsAt >= (known.resolvedAt ?? 0);
}

/** What is journalled beside an effect since entry version 2; entries of older builds have neither, and fold as they did. */
export interface EffectMore {
  /** How the stretch ended, for `resolved` and `unseen`. */
  end?: AlertEnd | null | undefined;
  /** For `reopened`: nobody is asked for a while, and the acknowledgement ended with the resolve. */
  quiet?: boolean | undefined;
}

/** Pure reducer: the alert after the event. `id` is used for a new alert. */
export function foldAlert(
  known: Alert | null,
  incoming: Event & { body: IncomingAlert },
  what: Effect,
  id: string,
  more: EffectMore = {},
): Alert {
  const at = incoming.receivedAt;
  const body = incoming.body;
  const base = known ?? blank(incoming, id);
  const version = (known?.version ?? 0) + 1;
  // A resolve also says when its firing began, so that the firing itself counts as old when it arrives later.
  const startsAt = body.state === 'resolved' ? Math.max(base.startsAt, body.startsAt) : base.startsAt;
  const seen: Alert = { ...base, version, startsAt, lastSeen: Math.max(base.lastSeen, at), quietSince: null };
  if (what === 'stale') return { ...seen, quietSince: base.quietSince };
  const newsAt = body.newsAt === undefined ? base.newsAt : Math.max(base.newsAt ?? 0, body.newsAt);
  if (what === 'acknowledged')
    return { ...seen, newsAt, acknowledgedBy: base.acknowledgedBy ?? body.by ?? incoming.source };
  if (what === 'unacknowledged') return { ...seen, newsAt, ...unacknowledged };
  // An older start while it fires (a second Prometheus, a restart) shows that it still fires, and nothing else.
  if (what === 'refreshed' && body.startsAt < base.startsAt) return { ...seen, newsAt, ...firingOn(base, at) };
  const facts: Alert = {
    ...seen,
    newsAt,
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
        ...begun(known, base, incoming),
        state: 'firing',
        count: 1,
        lastFiring: Math.max(base.lastFiring, at),
      };
    case 'unseen':
      return { ...facts, ...begun(known, base, incoming), ...endOf(body, more), count: 0 };
    case 'refreshed':
      return {
        ...facts,
        ...firingOn(base, at),
        startsAt: body.stretch === undefined ? body.startsAt : base.startsAt,
        ...(body.acknowledged === false ? unacknowledged : {}),
      };
    case 'reopened':
      return {
        ...facts,
        ...firingOn(base, at),
        state: 'firing',
        resolvedAt: null,
        end: null,
        ...(more.quiet === true ? { reopenedAt: base.reopenedAt ?? at, ...unacknowledged } : {}),
      };
    case 'resolved':
      return { ...facts, ...endOf(body, more), ...unsilenced, acknowledgedUntil: null };
  }
}

/** Deliveries may be folded in another order than they arrived in, so `lastFiring` never goes back. */
function firingOn(base: Alert, at: number): Pick<Alert, 'count' | 'lastFiring'> {
  return { count: base.count + 1, lastFiring: Math.max(base.lastFiring, at) };
}

/** A new episode: the next one, except for the first and for one that only its acknowledgement announced. */
function begun(known: Alert | null, base: Alert, { receivedAt, body }: Event & { body: IncomingAlert }) {
  const announced = known !== null && awaitsFirst(known);
  return {
    episode: known === null || announced ? base.episode : base.episode + 1,
    firstSeen: receivedAt,
    startsAt: body.startsAt,
    resolvedAt: null,
    end: null,
    reopenedAt: null,
    ...(announced ? {} : unacknowledged),
    ...unsilenced,
    silencedAtOrigin: null,
  };
}

/** The fields of an alert that nobody acknowledges, and of one that nobody silences. */
export const unacknowledged = { acknowledgedBy: null, acknowledgedUntil: null } as const;
export const unsilenced = { silencedUntil: null, silencedBy: null } as const;

function endOf(body: IncomingAlert, more: EffectMore) {
  return {
    state: 'resolved' as const,
    resolvedAt: body.endsAt ?? body.occurredAt,
    end: more.end ?? null,
    reopenedAt: null,
    silencedAtOrigin: null,
  };
}

/** Pure: how a resolve ends the stretch, as the news itself says. */
export function toldEnd(body: IncomingAlert): AlertEnd {
  if (body.mergedInto !== undefined) return { how: 'merged', because: `merged into ${body.mergedInto.name}` };
  return body.noCure === undefined ? { how: 'told', because: null } : { how: 'expired', because: body.noCure };
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
    end: null,
    reopenedAt: null,
    newsAt: null,
    ...unacknowledged,
    ...unsilenced,
    silencedAtOrigin: null,
    quietSince: null,
    version: 0,
  };
}
