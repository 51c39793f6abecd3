import { z } from 'zod';
import { TocsinError } from '../kernel/errors.ts';
import { checkHmac, secretList } from '../kernel/signature.ts';
import type { IncomingAlert, IncomingEvent, Labels } from '../model/event.ts';
import { keyOf, labelsOf, linkOf, severityOf, startOf, timeOf, titleOf } from '../model/incoming.ts';
import { type Delivery, defineSource, type Verified } from '../ports/source.ts';

const options = z.strictObject({
  secret: secretList
    .optional()
    .meta({ description: 'The secret of the webhook subscription, or several while one replaces another.' }),
});
type Options = z.infer<typeof options>;

const reference = z
  .object({ id: z.string().nullish(), summary: z.string().nullish(), html_url: z.string().nullish() })
  .nullish();

/** Webhooks v3. What `data` holds depends on the type; only what is read is named. Source: PagerDuty developer-docs docs/webhooks. */
const payload = z.object({
  event: z.object({
    id: z.string().min(1),
    event_type: z.string().min(1),
    occurred_at: z.string().nullish(),
    agent: reference,
    data: z.record(z.string(), z.unknown()).nullish(),
  }),
});
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

/** What a type says of its incident; `status` where the type does not tell and the incident's own status does. */
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

export default defineSource<Options>({
  id: 'pagerduty',
  about:
    'Incidents of PagerDuty, from its webhooks v3: each incident is one alert. Other types of event (notes, services, pings) are posted and open nothing.',
  options,
  // More than the 256 KiB beyond which PagerDuty itself drops an event.
  maxBody: 512 * 1024,
  delay: () => null,
  examples: [
    {
      title: 'An incident is triggered',
      options: { secret: 'an example secret' },
      headers: {
        'x-pagerduty-signature': 'v1=9085b28603067c2e7fb348fcb021a79276053ce53b025eb1a0515f0959a09430',
      },
      body: '{"event":{"id":"01EXAMPLE","event_type":"incident.triggered","resource_type":"incident","occurred_at":"2026-11-20T11:00:03.521Z","data":{"id":"Q2QK8Z1XBD4F7N","type":"incident","number":48213,"status":"triggered","created_at":"2026-11-20T11:00:03Z","title":"Disk 92% full on db-prod-3","service":{"id":"PSVC01A","summary":"Checkout DB"},"priority":{"summary":"P2"},"urgency":"high"}}}',
      expect: {
        deliveryId: '01EXAMPLE',
        events: [
          {
            kind: 'alert',
            state: 'firing',
            fingerprint: 'Q2QK8Z1XBD4F7N',
            title: 'Disk 92% full on db-prod-3',
            severity: 'error',
            labels: {
              service: 'Checkout DB',
              service_id: 'PSVC01A',
              urgency: 'high',
              priority: 'P2',
              number: '48213',
              status: 'triggered',
            },
            startsAt: Date.UTC(2026, 10, 20, 11, 0, 3),
          },
        ],
      },
    },
    {
      title: 'A test of the subscription',
      options: { secret: ['the next secret', 'an example secret'] },
      headers: {
        'x-pagerduty-signature': 'v1=ad38325fd405603a1b7ef6b9e5eb29a5172f030704aaedc897ea20961e0b1715',
      },
      body: '{"event":{"id":"01EXAMPLF","event_type":"pagey.ping","resource_type":"pagey","occurred_at":"2026-11-20T11:00:03.521Z","data":{"message":"Hello from your friend Pagey!","type":"ping"}}}',
      expect: { deliveryId: '01EXAMPLF', events: [{ kind: 'notice', type: 'pagey.ping' }] },
    },
    {
      title: 'Signed with another secret',
      options: { secret: 'another secret' },
      headers: {
        'x-pagerduty-signature': 'v1=9085b28603067c2e7fb348fcb021a79276053ce53b025eb1a0515f0959a09430',
      },
      body: '{"event":{"id":"01EXAMPLE","event_type":"incident.triggered","resource_type":"incident","occurred_at":"2026-11-20T11:00:03.521Z","data":{"id":"Q2QK8Z1XBD4F7N","type":"incident","number":48213,"status":"triggered","created_at":"2026-11-20T11:00:03Z","title":"Disk 92% full on db-prod-3","service":{"id":"PSVC01A","summary":"Checkout DB"},"priority":{"summary":"P2"},"urgency":"high"}}}',
      expect: { refused: 'bad-signature' },
    },
  ],
  verify,
  normalise(body, delivery) {
    const parsed = payload.safeParse(body);
    if (!parsed.success) {
      throw new TocsinError('bad-body', {
        message: 'The body is not a webhook of PagerDuty.',
        at: parsed.error.issues[0]?.path.slice(0, 2).join('.') || 'the document',
        allowed: 'its webhooks v3, with event.id and event.event_type',
      });
    }
    const { event } = parsed.data;
    // The id stands in the signed body; X-Webhook-Id does not.
    return { events: [alertOf(event, delivery) ?? noticeOf(event, delivery)], deliveryId: keyOf(event.id) };
  },
});

/** `v1=<hex>` several times while a secret is replaced. Other versions prove nothing that we know how to check. */
function verify(delivery: Delivery, given: Options): Verified {
  if (given.secret === undefined) return { ok: true, by: 'none' };
  const header = delivery.headers['x-pagerduty-signature'];
  if (header === undefined) return { ok: false, because: 'no X-PagerDuty-Signature header' };
  const signatures = header
    .split(',', 64)
    .map(text => text.trim())
    .filter(text => text.startsWith('v1='))
    .map(text => text.slice(3));
  return checkHmac({ secrets: given.secret, parts: [delivery.body], signatures, encoding: 'hex' })
    ? { ok: true, by: 'hmac' }
    : { ok: false, because: 'no v1 signature is made with a configured secret' };
}

function alertOf(event: PagerDutyEvent, delivery: Delivery): IncomingAlert | null {
  const says = Object.hasOwn(states, event.event_type) ? states[event.event_type] : undefined;
  const parsed = incident.safeParse(event.data);
  if (says === undefined || !parsed.success) return null;
  const about = parsed.data;
  const occurredAt = startOf(timeOf(event.occurred_at), delivery.at);
  const state = says === 'status' ? stateOf(about.status) : says;
  // A reopened incident fires again from now on; its creation was long ago.
  const created = event.event_type === 'incident.reopened' ? null : timeOf(about.created_at);
  return {
    kind: 'alert',
    state,
    // Not incident_key: two services may use the same key for different things, and an incident may move to another service.
    fingerprint: keyOf(about.id),
    title: titleOf(about.title, `Incident ${about.number ?? about.id}`),
    severity: severityOf(about.priority?.summary) ?? (about.urgency === 'low' ? 'warning' : 'error'),
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
    team: team?.summary,
    number: about.number == null ? null : String(about.number),
    incident_key: about.incident_key,
    status: about.status,
  };
  const present = Object.entries(all).filter((pair): pair is [string, string] => pair[1] != null && pair[1] !== '');
  return labelsOf(Object.fromEntries(present));
}

/** Whatever is not about the state of an incident: kept and posted. */
function noticeOf(event: PagerDutyEvent, delivery: Delivery): IncomingEvent {
  const parsed = z
    .object({ html_url: z.string().nullish(), content: z.string().nullish(), incident: reference })
    .safeParse(event.data ?? {});
  const about = parsed.success ? parsed.data : {};
  const subject = about.incident?.summary ?? '';
  return {
    kind: 'notice',
    type: titleOf(event.event_type).slice(0, 100),
    title: titleOf([event.event_type, subject, about.content].filter(Boolean).join(': ')),
    labels: labelsOf(event.agent?.summary ? { by: event.agent.summary } : {}),
    links: [...linkOf('Incident', about.incident?.html_url), ...linkOf('PagerDuty', about.html_url)],
    occurredAt: startOf(timeOf(event.occurred_at), delivery.at),
  };
}
