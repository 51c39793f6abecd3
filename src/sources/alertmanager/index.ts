import { defineSource, type Source } from '../../ports/source.ts';
import { apiOf, look } from './ask.ts';
import { check } from './check.ts';
import { alertFields, eventOf, json, maxBody, normaliseGroup, payload } from './group.ts';
import { listFiring } from './list.ts';
import { type Options, options } from './options.ts';
import { openOrigin } from './origin.ts';
import { authorizationBy, proofOf } from './proof.ts';

const alertmanager: Source<Options> = defineSource<Options>({
  id: 'alertmanager',
  about:
    'Alerts of Prometheus, from the webhook of Alertmanager: one event for each alert of a group. With `url`, whether an alert still fires is asked there; otherwise the next webhook tells, up to a group_interval later. With `silences`, what people silence here is silenced there.',
  options,
  fields: [...Object.keys(payload.shape), ...alertFields],
  maxBody,
  json,
  delay: given => (given.url === undefined ? given.groupInterval : null),
  setup: {
    options: { token: '{secret}' },
    secret: 'ours',
    steps: [
      'Write the secret into a file that Alertmanager may read, /etc/alertmanager/tocsin-token: {secret}',
      'In alertmanager.yml add a receiver with webhook_configs: [{ url: "{url}", send_resolved: true, http_config: { authorization: { type: Bearer, credentials_file: /etc/alertmanager/tocsin-token } } }]',
      'Name the receiver in the route, and reload Alertmanager.',
    ],
    page: 'docs/sources.md#alertmanager',
  },
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
      title: 'The same target is up again',
      options: { basic: { user: 'prometheus', password: 'an example password' } },
      headers: { authorization: `Basic ${Buffer.from('prometheus:an example password').toString('base64')}` },
      body: JSON.stringify({
        version: '4',
        status: 'resolved',
        receiver: 'tocsin',
        alerts: [
          {
            status: 'resolved',
            labels: { alertname: 'TargetDown', instance: 'web-1:9100', severity: 'critical' },
            annotations: { summary: 'web-1 does not answer' },
            startsAt: '2026-11-20T09:14:07.331Z',
            endsAt: '2026-11-20T09:31:07.331Z',
            fingerprint: 'b3c1d5e2a9f0476c',
          },
        ],
      }),
      expect: {
        deliveryId: null,
        events: [
          {
            kind: 'alert',
            state: 'resolved',
            fingerprint: 'b3c1d5e2a9f0476c',
            endsAt: Date.UTC(2026, 10, 20, 9, 31, 7, 331),
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
  verify: (delivery, given) => proofOf(delivery.headers, given),
  verifyHeaders: proofOf,
  prove: (_delivery, given) => authorizationBy(given),
  normalise: (body, delivery, given) =>
    normaliseGroup(body, delivery, {
      name: 'Alertmanager',
      limit: 'max_alerts',
      allowed: 'version 4 of its webhook, with a list of alerts',
      eventOf: (alert, group) => eventOf(alert, group, delivery, given),
    }),
  canAsk: given => given.url !== undefined,
  expires: true,
  look: (alert, given, tools) => look(alert, apiOf(given), tools),
  listFiring: (given, tools) =>
    listFiring(apiOf(given), tools, (body, delivery) => alertmanager.normalise(body, delivery, given)),
  receivers: ({ receiver }) => (receiver === undefined ? [] : [receiver].flat()),
  origin: openOrigin,
  tells: ['silence', 'unsilence'],
  check,
  timing: ({ reopenAfter, repeatInterval }) => ({ reopenAfter, repeatInterval }),
});
export default alertmanager;
