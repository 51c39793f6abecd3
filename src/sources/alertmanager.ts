import { z } from 'zod';
import { canonicalJson, sha256 } from '../kernel/canonical.ts';
import { duration } from '../kernel/duration.ts';
import { TocsinError } from '../kernel/errors.ts';
import { checkBasic, checkBearer, secretList } from '../kernel/signature.ts';
import type { Alert } from '../model/alert.ts';
import type { IncomingEvent } from '../model/event.ts';
import { keyOf, labelsOf, linkOf, severityOf, startOf, timeOf, titleOf } from '../model/incoming.ts';
import { type AskTools, type Delivery, defineSource, type Verified } from '../ports/source.ts';

const options = z.strictObject({
  token: secretList
    .optional()
    .meta({ description: 'The bearer token that Alertmanager sends (http_config.authorization).' }),
  basic: z
    .strictObject({ user: z.string().min(1), password: secretList })
    .optional()
    .meta({ description: 'The user and password that Alertmanager sends (http_config.basic_auth).' }),
  url: z
    .url({ protocol: /^https?$/ })
    .optional()
    .meta({
      description: 'Where Alertmanager answers, so that `verify` can ask it at once whether an alert still fires.',
    }),
  headers: z
    .record(z.string(), z.string())
    .default({})
    .meta({ description: 'Headers for requests to `url`, for example Authorization.' }),
  groupInterval: duration
    .prefault('5m')
    .meta({ description: 'The longest group_interval of the routes that lead here.' }),
  settle: duration
    .prefault('2m')
    .meta({ description: 'For how long after its start Alertmanager may not know yet which alerts fire.' }),
  severityLabel: z.string().default('severity').meta({ description: 'The label that holds the severity.' }),
});
type Options = z.infer<typeof options>;

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

export default defineSource<Options>({
  id: 'alertmanager',
  about:
    'Alerts of Prometheus, from the webhook of Alertmanager: one event for each alert of a group. With `url`, whether an alert still fires is asked there; otherwise the next webhook tells, up to a group_interval later.',
  options,
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
    return { events: [...events, ...truncated(parsed.data, delivery)], deliveryId: null };
  },
  isFiring,
});

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
  const startsAt = startOf(timeOf(alert.startsAt), delivery.at);
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
    endsAt,
    occurredAt: endsAt ?? startsAt,
  };
}

/** Releases before about 0.17 send no fingerprint; then a hash of the labels is used, which are the identity in Alertmanager too. */
function fingerprintOf(alert: { labels: Record<string, string>; fingerprint?: string | undefined }): string {
  if (alert.fingerprint !== undefined && alert.fingerprint !== '') return keyOf(alert.fingerprint);
  return `labels:${sha256(canonicalJson(alert.labels)).slice(0, 32)}`;
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

const listed = z.array(
  z.object({
    fingerprint: z.string().optional(),
    labels: texts,
    endsAt: z.string(),
    status: z.object({ state: z.string() }),
  }),
);
const apiStatus = z.object({ uptime: z.string(), cluster: z.object({ status: z.string() }).optional() });

/** Asks API v2. The list has active, silenced and inhibited alerts, but no resolved ones. Source: Alertmanager api/v2/openapi.yaml. */
async function isFiring(alert: Alert, given: Options, tools: AskTools): Promise<'firing' | 'resolved' | 'unknown'> {
  if (given.url === undefined) return 'unknown';
  const { body, at } = await ask(`alerts?${filters(alert)}`, given, tools);
  // Alertmanager drops ended alerts by its own clock, so `at` is its time (the Date header) and not ours.
  const fires = listed
    .parse(body)
    .some(one => fingerprintOf(one) === alert.fingerprint && (timeOf(one.endsAt) ?? at) >= at);
  if (fires) return 'firing';
  const status = apiStatus.parse((await ask('status', given, tools)).body);
  const young = at - (timeOf(status.uptime) ?? 0) < given.settle;
  // After a restart the list is empty until Prometheus has sent all alerts again, so an absent alert proves nothing yet.
  return young || status.cluster?.status === 'settling' ? 'unknown' : 'resolved';
}

/** Label matchers that narrow the list; the result is then compared by fingerprint. Labels that were cut or need quoting are left out. */
function filters(alert: Alert): string {
  const query = new URLSearchParams({ active: 'true', silenced: 'true', inhibited: 'true', unprocessed: 'true' });
  const plain = Object.entries(alert.labels).filter(
    ([name, value]) =>
      /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) && value.length <= 200 && !/[\u0000-\u001f\ufffd]/.test(value),
  );
  for (const [name, value] of plain.slice(0, 8)) query.append('filter', `${name}=${JSON.stringify(value)}`);
  return query.toString();
}

/** The longest response, UTF-16 code units of text. */
const largestAnswer = 16 * 1024 * 1024;

async function ask(path: string, given: Options, tools: AskTools): Promise<{ body: unknown; at: number }> {
  const response = await tools.fetch(`${given.url?.replace(/\/+$/, '')}/api/v2/${path}`, {
    headers: { accept: 'application/json', ...given.headers },
    // A redirect could send our headers to another host.
    redirect: 'error',
    signal: tools.signal,
  });
  const text = await readText(response);
  if (!response.ok) throw new Error(`Alertmanager answered ${response.status} to ${path.split('?')[0]}`);
  const date = Date.parse(response.headers.get('date') ?? '');
  return { body: JSON.parse(text), at: Number.isFinite(date) ? date : tools.clock.now() };
}

async function readText(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > largestAnswer) throw new Error(`Alertmanager answered with more than ${largestAnswer} bytes`);
  }
  return text + decoder.decode();
}
