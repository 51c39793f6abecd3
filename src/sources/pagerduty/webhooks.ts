import { z } from 'zod';
import { TocsinError } from '../../kernel/errors.ts';
import type { IncomingAlert, IncomingEvent } from '../../model/event.ts';
import { boundText, keyOf, labelsOf, linkOf, titleOf, toldTime, toSecond } from '../../model/incoming.ts';
import type { Delivery, Normalised } from '../../ports/source.ts';
import { alertFrom, type Incident, incident, reference, startOfStretch } from './incident.ts';
import { readNotice } from './notices.ts';
import { isOwnKey, isOwnNote } from './own.ts';

/** Webhooks v3. `data` depends on the event type; only fields that are read are here. Source: PagerDuty developer-docs docs/webhooks. */
const payload = z.object({
  event: z.object({
    id: z.string().min(1),
    event_type: z.string().min(1),
    occurred_at: z.string().nullish(),
    agent: reference,
    data: z.record(z.string(), z.unknown()).nullish(),
  }),
});
/** The words that an error may name. */
export const fields = ['event', ...Object.keys(payload.shape.event.shape)];
type PagerDutyEvent = z.infer<typeof payload>['event'];

/** The alert state by event type; `status` where it comes from the status of the incident. */
const states: Readonly<Record<string, IncomingAlert['state'] | 'status'>> = {
  'incident.triggered': 'firing',
  'incident.reopened': 'firing',
  // Not `unacknowledged`: it also opens an incident whose trigger was not seen.
  'incident.unacknowledged': 'firing',
  'incident.acknowledged': 'acknowledged',
  'incident.resolved': 'resolved',
  'incident.escalated': 'status',
  'incident.delegated': 'status',
  'incident.reassigned': 'status',
  'incident.priority_updated': 'status',
  'incident.service_updated': 'status',
  'incident.incident_type.changed': 'status',
};

/** Types that withdraw an acknowledgement when the incident is `triggered` afterwards. */
const withdrawals = new Set([
  'incident.unacknowledged',
  'incident.escalated',
  'incident.delegated',
  'incident.reassigned',
]);

/** Pure: makes one event of a delivery, none of an echo. Throws `bad-body` when the body does not have the documented shape. */
export function normaliseWebhook(body: unknown, delivery: Delivery): Normalised {
  const parsed = payload.safeParse(body);
  if (!parsed.success) {
    throw new TocsinError('bad-body', {
      message: 'The body is not a webhook of PagerDuty.',
      at: parsed.error.issues[0]?.path.slice(0, 2).join('.') || 'the document',
      allowed: 'its webhooks v3, with event.id and event.event_type',
    });
  }
  const { event } = parsed.data;
  // This id is part of the signed body; X-Webhook-Id is not.
  const deliveryId = keyOf(event.id);
  // Tocsin's own notes and pages come back as webhooks. Posting them, or starting runbooks for them, would be a loop.
  const echo = echoOf(event);
  if (echo !== null) return { events: [], deliveryId, echo };
  return { events: [alertOf(event, delivery) ?? noticeOf(event, delivery)], deliveryId, receiver: serviceOf(event) };
}

/** Recognises Tocsin's own note or page by its marker or key; null for anything else. */
function echoOf(event: PagerDutyEvent): 'note' | 'page' | null {
  const parsed = z.object({ content: z.string().nullish(), incident_key: z.string().nullish() }).safeParse(event.data);
  if (!parsed.success) return null;
  if (isOwnNote(parsed.data.content ?? '')) return 'note';
  return isOwnKey(parsed.data.incident_key ?? '') ? 'page' : null;
}

/** The service whose incidents come here: what lists of open incidents are compared by. */
function serviceOf(event: PagerDutyEvent): string | undefined {
  const parsed = z.object({ type: z.literal('incident'), service: reference }).safeParse(event.data);
  return parsed.data?.service?.id ?? undefined;
}

function alertOf(event: PagerDutyEvent, delivery: Delivery): IncomingAlert | null {
  const says = Object.hasOwn(states, event.event_type) ? states[event.event_type] : undefined;
  const parsed = incident.safeParse(event.data);
  if (says === undefined || !parsed.success) return null;
  const about = parsed.data;
  const newsAt = toldTime(event.occurred_at, delivery.at);
  const state = says === 'status' ? stateOf(about.status) : says;
  return alertFrom(about, {
    state,
    at: newsAt ?? delivery.at,
    newsAt,
    start: startOf(event, about, newsAt, delivery.at),
    by: event.event_type === 'incident.acknowledged' ? event.agent?.summary : null,
    withdrawn: state === 'firing' && withdrawals.has(event.event_type),
  });
}

/** A reopened incident fires again from then on, so its creation is not the start, also when it does not say when it was reopened. */
function startOf(event: PagerDutyEvent, about: Incident, newsAt: number | null, now: number): number | null {
  if (event.event_type !== 'incident.reopened' || toldTime(about.reopened_at, now) !== null)
    return startOfStretch(about, now);
  return newsAt === null ? null : toSecond(newsAt);
}

function stateOf(status: string | null | undefined): IncomingAlert['state'] {
  return status === 'acknowledged' || status === 'resolved' ? status : 'firing';
}

/** A notice for events that do not change an incident's state (a note, a responder, a status update), for the incident's thread. */
function noticeOf(event: PagerDutyEvent, delivery: Delivery): IncomingEvent {
  const { incident: about, words, url, bridge } = readNotice(event.event_type, event.data);
  return {
    kind: 'notice',
    type: boundText(titleOf(event.event_type), 100),
    ...(about.id === null ? {} : { about: keyOf(about.id) }),
    title: titleOf([event.event_type, about.summary, words].filter(Boolean).join(': ')),
    labels: labelsOf(event.agent?.summary ? { by: event.agent.summary } : {}),
    links: [...linkOf('Incident', about.url), ...linkOf('PagerDuty', url), ...linkOf('Conference bridge', bridge)],
    occurredAt: toldTime(event.occurred_at, delivery.at) ?? delivery.at,
  };
}
