import { z } from 'zod';
import type { IncomingAlert, IncomingEvent } from '../../model/event.ts';
import { isMap, keyOf, labelsOf, startOf, timeOf, titleOf } from '../../model/incoming.ts';
import { textsOf } from './arn.ts';

/**
 * What every event has, whatever it tells. Senders of their own events may leave the lists empty. Source: EventBridge user guide, AWS
 * service event metadata.
 */
const envelope = z.object({
  id: z.string().min(1).max(200),
  'detail-type': z.string().min(1).max(1000),
  source: z.string().min(1).max(1000),
  account: z.string().max(100).nullish().catch(null),
  region: z.string().max(100).nullish().catch(null),
  time: z.string().max(100).nullish().catch(null),
  resources: z.array(z.unknown()).nullish().catch(null),
  // Not a record: that would copy it.
  detail: z.custom<Readonly<Record<string, unknown>>>(isMap),
});

export const busFields = Object.keys(envelope.shape);

export interface BusEvent {
  id: string;
  type: string;
  source: string;
  account: string | null;
  region: string | null;
  /** Milliseconds since the epoch. */
  time: number | null;
  resources: readonly string[];
  detail: Readonly<Record<string, unknown>>;
}

/** The event, or the path of what is not as documented. */
export function readBusEvent(body: unknown): BusEvent | { wrong: string } {
  const parsed = envelope.safeParse(body);
  if (!parsed.success) return { wrong: parsed.error.issues[0]?.path.join('.') || 'the document' };
  const { data } = parsed;
  return {
    id: data.id,
    type: data['detail-type'],
    source: data.source,
    account: data.account || null,
    region: data.region || null,
    time: timeOf(data.time),
    resources: (data.resources ?? []).filter(one => typeof one === 'string'),
    detail: data.detail,
  };
}

/** What an event becomes, without what every event has. */
export interface AlertFacts {
  fingerprint: string;
  state: 'firing' | 'resolved';
  title: string;
  severity: IncomingAlert['severity'];
  labels: Record<string, unknown>;
  annotations?: Record<string, unknown>;
  links?: IncomingAlert['links'];
  /** When the event says that this became so, milliseconds since the epoch; when it was sent, if left out or null. */
  changedAt?: number | null;
  /** When what ended had begun. */
  startedAt?: number | null;
  noCure?: string | undefined;
}

/** An alert of which the source says whether it is live, but never when a stretch of it began. */
export function alertOf(event: BusEvent, at: number, facts: AlertFacts): IncomingEvent {
  const told = facts.changedAt ?? event.time;
  const changedAt = startOf(told, at);
  const firing = facts.state === 'firing';
  return {
    kind: 'alert',
    state: facts.state,
    fingerprint: keyOf(facts.fingerprint),
    title: titleOf(facts.title),
    severity: facts.severity,
    labels: busLabels(event, facts.labels),
    annotations: labelsOf(textsOf(facts.annotations ?? {})),
    links: facts.links ?? [],
    startsAt: firing ? changedAt : Math.min(facts.startedAt ?? changedAt, changedAt),
    ...(told === changedAt && { newsAt: changedAt }),
    endsAt: firing ? null : changedAt,
    occurredAt: changedAt,
    ...(!firing && facts.noCure !== undefined && { noCure: facts.noCure }),
  };
}

export interface NoticeFacts {
  type: string;
  title: string;
  labels: Record<string, unknown>;
  links?: IncomingEvent['links'];
  /** The fingerprint of the alert that it is about. */
  about?: string;
  changedAt?: number | null;
}

export function noticeOf(event: BusEvent, at: number, facts: NoticeFacts): IncomingEvent {
  return {
    kind: 'notice',
    type: facts.type,
    title: titleOf(facts.title),
    labels: busLabels(event, facts.labels),
    links: facts.links ?? [],
    ...(facts.about === undefined ? {} : { about: keyOf(facts.about) }),
    occurredAt: startOf(facts.changedAt ?? event.time, at),
  };
}

export function busLabels({ account, region }: BusEvent, own: Record<string, unknown>): IncomingEvent['labels'] {
  return labelsOf(textsOf({ account, region, ...own }));
}

/** The member of a map that is a map; an empty one otherwise. */
export function mapIn(given: Readonly<Record<string, unknown>>, name: string): Readonly<Record<string, unknown>> {
  const value = given[name];
  return isMap(value) ? value : {};
}

/** The maps in the member that is a list. */
export function mapsIn(given: Readonly<Record<string, unknown>>, name: string): Readonly<Record<string, unknown>>[] {
  const value = given[name];
  return Array.isArray(value) ? value.filter(isMap) : [];
}
