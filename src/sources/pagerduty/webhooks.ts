import { z } from 'zod';
import { TocsinError } from '../../kernel/errors.ts';
import type { IncomingAlert, IncomingEvent, Labels } from '../../model/event.ts';
import { keyOf, labelsOf, linkOf, severityOf, startOf, timeOf, titleOf } from '../../model/incoming.ts';
import type { Delivery, Normalised } from '../../ports/source.ts';
import { isOwnKey, isOwnNote } from './own.ts';

const reference = z
  .object({ id: z.string().nullish(), summary: z.string().nullish(), html_url: z.string().nullish() })
  .nullish();

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

const incident = z.object({
  id: z.string().min(1),
  type: z.literal('incident'),
  html_url: z.string().nullish(),
  number: z.number().nullish(),
  status: z.string().nullish(),
  incident_key: z.string().nullish(),
  created_at: z.string().nullish(),
  title: z.string().nullish(),
  service: reference,
  escalation_policy: reference,
  teams: z.array(reference).nullish(),
  priority: reference,
  urgency: z.string().nullish(),
});
type Incident = z.infer<typeof incident>;

/** The alert state by event type; `status` where it comes from the status of the incident. */
const states: Readonly<Record<string, IncomingAlert['state'] | 'status'>> = {
  'incident.triggered': 'firing',
  'incident.reopened': 'firing',
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
  return { events: [alertOf(event, delivery) ?? noticeOf(event, delivery)], deliveryId };
}

/** Recognises Tocsin's own note or page by its marker or key; null for anything else. */
function echoOf(event: PagerDutyEvent): 'note' | 'page' | null {
  const parsed = z.object({ content: z.string().nullish(), incident_key: z.string().nullish() }).safeParse(event.data);
  if (!parsed.success) return null;
  if (isOwnNote(parsed.data.content ?? '')) return 'note';
  return isOwnKey(parsed.data.incident_key ?? '') ? 'page' : null;
}

function alertOf(event: PagerDutyEvent, delivery: Delivery): IncomingAlert | null {
  const says = Object.hasOwn(states, event.event_type) ? states[event.event_type] : undefined;
  const parsed = incident.safeParse(event.data);
  if (says === undefined || !parsed.success) return null;
  const about = parsed.data;
  const occurredAt = startOf(timeOf(event.occurred_at), delivery.at);
  const state = says === 'status' ? stateOf(about.status) : says;
  // A reopened incident fires again from now on, so its time of creation is not the start.
  const created = event.event_type === 'incident.reopened' ? null : timeOf(about.created_at);
  return {
    kind: 'alert',
    state,
    // Not incident_key: two services may use the same key for different problems, and an incident may move to another service.
    fingerprint: keyOf(about.id),
    title: titleOf(about.title, `Incident ${about.number ?? about.id}`),
    severity: severityOf(about.priority?.summary) ?? (about.urgency === 'low' ? 'warning' : 'error'),
    ...(state === 'firing' && withdrawals.has(event.event_type) ? { acknowledged: false as const } : {}),
    labels: labelsOfIncident(about),
    annotations: labelsOf(about.incident_key ? { incident_key: about.incident_key } : {}),
    links: [...linkOf('Incident', about.html_url), ...linkOf('Service', about.service?.html_url)],
    startsAt: startOf(created, occurredAt),
    endsAt: state === 'resolved' ? occurredAt : null,
    occurredAt,
  };
}

function stateOf(status: string | null | undefined): IncomingAlert['state'] {
  return status === 'acknowledged' || status === 'resolved' ? status : 'firing';
}

function labelsOfIncident(about: Incident): Labels {
  const [team] = about.teams ?? [];
  const all: Record<string, string | null | undefined> = {
    service: about.service?.summary,
    service_id: about.service?.id,
    urgency: about.urgency,
    priority: about.priority?.summary,
    escalation_policy: about.escalation_policy?.summary,
    escalation_policy_id: about.escalation_policy?.id,
    team: team?.summary,
    number: about.number == null ? null : String(about.number),
    incident_key: about.incident_key,
    status: about.status,
  };
  const present = Object.entries(all).filter((pair): pair is [string, string] => pair[1] != null && pair[1] !== '');
  return labelsOf(Object.fromEntries(present));
}

const noticed = z.object({
  id: z.string().nullish(),
  type: z.string().nullish(),
  html_url: z.string().nullish(),
  content: z.string().nullish(),
  incident: reference,
});

/** A notice for events that do not change an incident's state (a note, a responder, a status update), for the incident's thread. */
function noticeOf(event: PagerDutyEvent, delivery: Delivery): IncomingEvent {
  const parsed = noticed.safeParse(event.data ?? {});
  const about: Partial<z.infer<typeof noticed>> = parsed.success ? parsed.data : {};
  const subject = about.incident?.summary ?? '';
  const incidentId = about.incident?.id ?? (about.type === 'incident' ? about.id : null);
  return {
    kind: 'notice',
    type: titleOf(event.event_type).slice(0, 100),
    ...(incidentId ? { about: keyOf(incidentId) } : {}),
    title: titleOf([event.event_type, subject, about.content].filter(Boolean).join(': ')),
    labels: labelsOf(event.agent?.summary ? { by: event.agent.summary } : {}),
    links: [...linkOf('Incident', about.incident?.html_url), ...linkOf('PagerDuty', about.html_url)],
    occurredAt: startOf(timeOf(event.occurred_at), delivery.at),
  };
}
