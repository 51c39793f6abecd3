import { z } from 'zod';
import { TocsinError } from '../../kernel/errors.ts';
import { checkBasic, checkBearer } from '../../kernel/signature.ts';
import type { IncomingEvent } from '../../model/event.ts';
import {
  isMap,
  labelsOf,
  linkOf,
  plainText,
  severityOf,
  startOf,
  timeOf,
  titleOf,
  titleOfLabels,
} from '../../model/incoming.ts';
import { type Delivery, defineSource, type Source, type Verified } from '../../ports/source.ts';
import { look } from './ask.ts';
import { check } from './check.ts';
import { fingerprintOf } from './identity.ts';
import { listFiring } from './list.ts';
import { type Options, options } from './options.ts';

/**
 * Webhook version 4. Unknown keys of newer releases are allowed. What only adds facts counts as left out when it is null or something else:
 * senders that imitate Alertmanager write what they like. Source: prometheus/alertmanager template/template.go.
 */
const payload = z.object({
  receiver: z.string().nullish().catch(null),
  externalURL: z.string().nullish().catch(null),
  truncatedAlerts: z.number().nullish().catch(null),
  groupLabels: z.record(z.string(), z.unknown()).nullish().catch(null),
  alerts: z.array(z.unknown()),
});
type Payload = z.infer<typeof payload>;

const alertFields = ['status', 'labels', 'annotations', 'startsAt', 'endsAt', 'generatorURL', 'fingerprint'];

const alertmanager: Source<Options> = defineSource<Options>({
  id: 'alertmanager',
  about:
    'Alerts of Prometheus, from the webhook of Alertmanager: one event for each alert of a group. With `url`, whether an alert still fires is asked there; otherwise the next webhook tells, up to a group_interval later.',
  options,
  fields: [...Object.keys(payload.shape), ...alertFields],
  // Alertmanager sends a group whole: 5,000 alerts with 4 KB of texts each are 21 MB.
  maxBody: 32 * 1024 * 1024,
  // An alert has about one key for 30 bytes.
  json: { list: 'alerts', bytesPerKey: 16, cutsTexts: true },
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
  verify: (delivery, given) => verifyHeaders(delivery.headers, given),
  verifyHeaders,
  normalise(body, delivery, given) {
    const parsed = payload.safeParse(body);
    if (!parsed.success) throw notAlertmanager(parsed.error);
    const group = parsed.data;
    const first = delivery.part?.first ?? 0;
    const read = group.alerts.map((alert, index) => readAlert(alert, `alerts.${first + index}`));
    const events = read.flatMap(one => ('field' in one ? [] : [eventOf(one, group, delivery, given)]));
    const bad = read.flatMap(one => ('field' in one ? [one] : []));
    // Alertmanager signs no unique id and sends identical bodies again for an alert that fires again, so there is no delivery id.
    return {
      events: [...events, ...badAlerts(bad, delivery), ...truncated(group, delivery)],
      deliveryId: null,
      receiver: group.receiver ?? undefined,
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

function verifyHeaders(headers: Delivery['headers'], given: Options): Verified {
  if (given.token === undefined && given.basic === undefined) return { ok: true, by: 'none' };
  const header = headers['authorization'];
  if (given.token !== undefined && checkBearer(header, given.token)) return { ok: true, by: 'bearer' };
  const { basic } = given;
  if (basic !== undefined && checkBasic(header, { user: basic.user, passwords: basic.password })) {
    return { ok: true, by: 'basic' };
  }
  return { ok: false, because: header === undefined ? 'no Authorization header' : 'another token, user or password' };
}

interface ReadAlert {
  status: 'firing' | 'resolved';
  labels: Record<string, string>;
  annotations: Record<string, string>;
  startsAt: string | null;
  endsAt: string | null;
  generatorURL: string | null;
  fingerprint: string | null;
}

/** An alert that cannot be taken, and why: the path of the field, and what it must be. */
interface BadAlert {
  field: string;
  must: string;
  labels: Record<string, string>;
}

/**
 * Only what makes the alert is needed: its status, and its labels, which are its identity. Everything else is taken as far as it can be
 * read. A number or truth value as a label is the text that it is written as: labels are texts in Prometheus, so `9100` can only mean "9100".
 */
function readAlert(given: unknown, path: string): ReadAlert | BadAlert {
  if (!isMap(given)) return { field: path, must: 'an alert', labels: {} };
  const { labels, unread } = readTexts(given['labels']);
  if (!isMap(given['labels']) || unread > 0) return { field: `${path}.labels`, must: 'a map of texts', labels };
  const status = given['status'];
  if (status !== 'firing' && status !== 'resolved') {
    return { field: `${path}.status`, must: 'firing or resolved', labels };
  }
  return {
    status,
    labels,
    annotations: readAnnotations(given['annotations']),
    startsAt: plainText(given['startsAt']),
    endsAt: plainText(given['endsAt']),
    generatorURL: plainText(given['generatorURL']),
    fingerprint: plainText(given['fingerprint']),
  };
}

/** The texts of a map; null values count as left out. `unread`: how many are neither. */
function readTexts(given: unknown): { labels: Record<string, string>; unread: number } {
  const labels: Record<string, string> = Object.create(null);
  let unread = 0;
  for (const [name, value] of Object.entries(isMap(given) ? given : {})) {
    // The schemas of what is stored do not carry this name.
    if (name === '__proto__') continue;
    const text = plainText(value);
    if (text !== null) labels[name] = text;
    else if (value !== null) unread += 1;
  }
  return { labels, unread };
}

/** Annotations are words for people, so an alert is not lost for them. */
function readAnnotations(given: unknown): Record<string, string> {
  const { labels, unread } = readTexts(given);
  if (unread > 0) labels['tocsin_unread'] = `${unread} annotations are no texts and were left out`;
  else if (given != null && !isMap(given) && !isEmptyList(given)) {
    labels['tocsin_unread'] = 'the annotations are no map of texts and were left out';
  }
  return labels;
}

/** PHP writes an empty map like this. */
function isEmptyList(given: unknown): boolean {
  return Array.isArray(given) && given.length === 0;
}

function eventOf(alert: ReadAlert, group: Payload, delivery: Delivery, given: Options): IncomingEvent {
  const { labels, annotations } = alert;
  const told = timeOf(alert.startsAt);
  const startsAt = startOf(told, delivery.at);
  const resolved = alert.status === 'resolved';
  const endsAt = resolved ? (timeOf(alert.endsAt) ?? delivery.at) : null;
  const { summary, description } = annotations;
  return {
    kind: 'alert',
    state: alert.status,
    fingerprint: fingerprintOf(alert),
    title: titleOf(summary, labels['alertname'], description, unnamed(labels)),
    severity: severityOf(labels[given.severityLabel]) ?? 'warning',
    labels: labelsOf(labels),
    annotations: labelsOf(startsAt === told ? annotations : { ...annotations, tocsin_start: noStart }),
    links: [
      ...linkOf('Source', alert.generatorURL),
      ...linkOf('Runbook', annotations['runbook_url'] ?? annotations['runbook']),
      ...linkOf('Dashboard', annotations['dashboard_url'] ?? annotations['dashboardURL'] ?? annotations['dashboard']),
      ...linkOf('Alertmanager', group.externalURL),
    ],
    startsAt,
    // Alertmanager sees an end between two starts. An arrival or a start that no clock shows yet names nothing.
    ...(startsAt === told && { stretch: 'startsAt' as const }),
    endsAt,
    occurredAt: endsAt ?? startsAt,
  };
}

/** What an alert without any words is called; made only when it is needed. */
function unnamed(labels: Record<string, string>): string {
  return labels['alertname'] === undefined ? titleOfLabels(labels) || 'Alert without a name' : 'Alert without a name';
}

const noStart = 'the sender told no start that can be, so it is when this arrived';

/** How many alerts that cannot be taken are named, and of each further part of a delivery; the others are counted: nobody reads a thousand. */
const mostNamed = { first: 10, further: 1 };

/** A notice for each alert that cannot be taken. It names the field and has no words of the sender but its labels. */
function badAlerts(bad: readonly BadAlert[], delivery: Delivery): IncomingEvent[] {
  const common = { kind: 'notice' as const, type: 'bad-alert', links: [], occurredAt: delivery.at };
  const most = (delivery.part?.first ?? 0) === 0 ? mostNamed.first : mostNamed.further;
  const named = bad.slice(0, most).map(({ field, must, labels }) => ({
    ...common,
    title: `An alert of a group could not be taken: ${field} is not ${must}`,
    labels: labelsOf(labels),
  }));
  const next = bad[most];
  if (next === undefined) return named;
  const title = `${bad.length - most} more alerts of the group could not be taken, first ${next.field}: not ${next.must}`;
  return [...named, { ...common, title, labels: {} }];
}

/** A notice when alerts are missing: with max_alerts set, Alertmanager leaves alerts out and sends their number. */
function truncated(group: Payload, delivery: Delivery): IncomingEvent[] {
  const count = group.truncatedAlerts ?? 0;
  // Once for a delivery, with its last part.
  if (!(count > 0) || delivery.part?.last === false) return [];
  return [
    {
      kind: 'notice',
      type: 'truncated',
      title: `Alertmanager left ${count} alerts of a group out (max_alerts)`,
      labels: labelsOf({ ...readTexts(group.groupLabels).labels, receiver: group.receiver ?? '' }),
      links: linkOf('Alertmanager', group.externalURL),
      occurredAt: delivery.at,
    },
  ];
}

function notAlertmanager(error: z.ZodError): TocsinError {
  const at = error.issues[0]?.path.join('.') || 'the document';
  return new TocsinError('bad-body', {
    message: 'The body is not a webhook of Alertmanager.',
    at,
    allowed: 'version 4 of its webhook, with a list of alerts',
  });
}
