import { z } from 'zod';
import { TocsinError } from '../../kernel/errors.ts';
import { checkBasic, checkBearer } from '../../kernel/signature.ts';
import type { IncomingEvent } from '../../model/event.ts';
import { labelsOf, linkOf, severityOf, startOf, timeOf, titleOf } from '../../model/incoming.ts';
import { type Delivery, defineSource, type Source, type Verified } from '../../ports/source.ts';
import { look } from './ask.ts';
import { check } from './check.ts';
import { fingerprintOf } from './identity.ts';
import { listFiring } from './list.ts';
import { type Options, options } from './options.ts';

const texts = z.record(z.string(), z.string());

/** Webhook version 4. Unknown keys of newer releases are allowed. Source: prometheus/alertmanager template/template.go. */
const payload = z.object({
  version: z.string().optional(),
  receiver: z.string().optional(),
  groupKey: z.string().optional(),
  externalURL: z.string().optional(),
  truncatedAlerts: z.number().optional(),
  groupLabels: texts.optional(),
  alerts: z.array(
    z.object({
      status: z.enum(['firing', 'resolved']),
      labels: texts,
      annotations: texts.default({}),
      startsAt: z.string(),
      endsAt: z.string().optional(),
      generatorURL: z.string().optional(),
      fingerprint: z.string().optional(),
    }),
  ),
});
type Payload = z.infer<typeof payload>;
type PayloadAlert = Payload['alerts'][number];

const alertmanager: Source<Options> = defineSource<Options>({
  id: 'alertmanager',
  about:
    'Alerts of Prometheus, from the webhook of Alertmanager: one event for each alert of a group. With `url`, whether an alert still fires is asked there; otherwise the next webhook tells, up to a group_interval later.',
  options,
  fields: [...Object.keys(payload.shape), ...Object.keys(payload.shape.alerts.element.shape)],
  delay: given => (given.url === undefined ? given.groupInterval : null),
  examples: [
    {
      title: 'A target that is down',
      options: { token: 'an example token' },
      headers: { authorization: 'Bearer an example token' },
      body: JSON.stringify({
        version: '4',
        status: 'firing',
        receiver: 'tocsin',
        externalURL: 'https://alertmanager.example.com',
        alerts: [
          {
            status: 'firing',
            labels: { alertname: 'TargetDown', instance: 'web-1:9100', severity: 'critical' },
            annotations: { summary: 'web-1 does not answer', runbook_url: 'https://example.com/target-down' },
            startsAt: '2026-11-20T09:14:07.331Z',
            endsAt: '0001-01-01T00:00:00Z',
            fingerprint: 'b3c1d5e2a9f0476c',
          },
        ],
      }),
      expect: {
        deliveryId: null,
        events: [
          {
            kind: 'alert',
            state: 'firing',
            fingerprint: 'b3c1d5e2a9f0476c',
            title: 'web-1 does not answer',
            severity: 'critical',
            labels: { alertname: 'TargetDown', instance: 'web-1:9100', severity: 'critical' },
            startsAt: Date.UTC(2026, 10, 20, 9, 14, 7, 331),
            endsAt: null,
          },
        ],
      },
    },
    {
      title: 'Another token',
      options: { token: ['an example token', 'the next token'] },
      headers: { authorization: 'Bearer guessed' },
      body: '{"version":"4","alerts":[]}',
      expect: { refused: 'bad-signature' },
    },
    {
      title: 'Not a webhook of Alertmanager',
      options: {},
      headers: {},
      body: '{"alerts":"none"}',
      expect: { refused: 'bad-body' },
    },
  ],
  verify,
  normalise(body, delivery, given) {
    const parsed = payload.safeParse(body);
    if (!parsed.success) throw notAlertmanager(parsed.error);
    const events: IncomingEvent[] = parsed.data.alerts.map(alert => eventOf(alert, parsed.data, delivery, given));
    // Alertmanager signs no unique id and sends identical bodies again for an alert that fires again, so there is no delivery id.
    return {
      events: [...events, ...truncated(parsed.data, delivery)],
      deliveryId: null,
      receiver: parsed.data.receiver,
    };
  },
  canAsk: given => given.url !== undefined,
  expires: true,
  look,
  listFiring: (given, tools) => listFiring(given, tools, alertmanager),
  receivers: ({ receiver }) => (receiver === undefined ? [] : [receiver].flat()),
  check,
  timing: ({ reopenAfter, repeatInterval }) => ({ reopenAfter, repeatInterval }),
});
export default alertmanager;

function verify(delivery: Delivery, given: Options): Verified {
  if (given.token === undefined && given.basic === undefined) return { ok: true, by: 'none' };
  const header = delivery.headers['authorization'];
  if (given.token !== undefined && checkBearer(header, given.token)) return { ok: true, by: 'bearer' };
  const { basic } = given;
  if (basic !== undefined && checkBasic(header, { user: basic.user, passwords: basic.password })) {
    return { ok: true, by: 'basic' };
  }
  return { ok: false, because: header === undefined ? 'no Authorization header' : 'another token, user or password' };
}

function eventOf(alert: PayloadAlert, group: Payload, delivery: Delivery, given: Options): IncomingEvent {
  const { labels, annotations } = alert;
  const told = timeOf(alert.startsAt);
  const startsAt = startOf(told, delivery.at);
  const resolved = alert.status === 'resolved';
  const endsAt = resolved ? (timeOf(alert.endsAt) ?? delivery.at) : null;
  return {
    kind: 'alert',
    state: alert.status,
    fingerprint: fingerprintOf(alert),
    title: titleOf(annotations['summary'], labels['alertname'], annotations['description'], 'Alert without a name'),
    severity: severityOf(labels[given.severityLabel]) ?? 'warning',
    labels: labelsOf(labels),
    annotations: labelsOf(annotations),
    links: [
      ...linkOf('Source', alert.generatorURL),
      ...linkOf('Runbook', annotations['runbook_url'] ?? annotations['runbook']),
      ...linkOf('Dashboard', annotations['dashboard_url'] ?? annotations['dashboardURL'] ?? annotations['dashboard']),
      ...linkOf('Alertmanager', group.externalURL),
    ],
    startsAt,
    ...(told === startsAt ? { stretch: 'startsAt' as const } : {}),
    endsAt,
    occurredAt: endsAt ?? startsAt,
  };
}

/** A notice when alerts are missing: with max_alerts set, Alertmanager leaves alerts out and sends their number. */
function truncated(group: Payload, delivery: Delivery): IncomingEvent[] {
  const count = group.truncatedAlerts ?? 0;
  if (!(count > 0)) return [];
  return [
    {
      kind: 'notice',
      type: 'truncated',
      title: `Alertmanager left ${count} alerts of a group out (max_alerts)`,
      labels: labelsOf({ ...group.groupLabels, receiver: group.receiver ?? '' }),
      links: linkOf('Alertmanager', group.externalURL),
      occurredAt: delivery.at,
    },
  ];
}

function notAlertmanager(error: z.ZodError): TocsinError {
  // Deeper than alerts.0.labels the path consists of the sender's words.
  const at = error.issues[0]?.path.slice(0, 3).join('.') || 'the document';
  return new TocsinError('bad-body', {
    message: 'The body is not a webhook of Alertmanager.',
    at,
    allowed: 'version 4 of its webhook, with alerts[].status, labels and startsAt',
  });
}
