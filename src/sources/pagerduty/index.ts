import { checkHmac, hmacOf } from '../../kernel/signature.ts';
import { type Delivery, defineSource, type Verified } from '../../ports/source.ts';
import { checkKeys } from './check.ts';
import { look } from './firing.ts';
import { canList, listFiring } from './listing.ts';
import { type Options, options } from './options.ts';
import { openOrigin } from './origin.ts';
import { fields, normaliseWebhook } from './webhooks.ts';

export default defineSource<Options>({
  id: 'pagerduty',
  about:
    'Incidents of PagerDuty, from its webhooks v3: each incident is one alert. Other types of event (notes, status updates, tasks, pings) are posted with their words and open nothing. With `apiToken` Tocsin acknowledges an incident while it remediates, writes the outcome as a note and knows who is on call; with `routingKey` it pages when a run does not help.',
  options,
  fields,
  // PagerDuty itself drops an event beyond 256 KiB.
  maxBody: 512 * 1024,
  delay: () => null,
  setup: {
    options: { secret: '{secret}' },
    secret: 'sender',
    steps: [
      'Integrations, Generic Webhooks (v3), New Webhook: URL {url}, the services or teams, and all incident events.',
      'Copy the secret that PagerDuty shows once, and set {variable} to it.',
    ],
    page: 'docs/pagerduty.md',
  },
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
      title: 'Somebody acknowledges it',
      options: { secret: 'an example secret' },
      headers: {
        'x-pagerduty-signature': 'v1=3ccf0f2b8556833c4ec083dda0610aeb735db04b483ac03fc8fe9399ad6f7403',
      },
      body: '{"event":{"id":"01EXAMPLH","event_type":"incident.acknowledged","resource_type":"incident","occurred_at":"2026-11-20T11:05:00.100Z","agent":{"id":"PUSER01","type":"user_reference","summary":"Mina"},"data":{"id":"Q2QK8Z1XBD4F7N","type":"incident","number":48213,"status":"acknowledged","created_at":"2026-11-20T11:00:03Z","title":"Disk 92% full on db-prod-3","service":{"id":"PSVC01A","summary":"Checkout DB"},"urgency":"high"}}}',
      expect: {
        deliveryId: '01EXAMPLH',
        events: [{ kind: 'alert', state: 'acknowledged', fingerprint: 'Q2QK8Z1XBD4F7N', by: 'Mina' }],
      },
    },
    {
      title: 'The incident is resolved',
      options: { secret: 'an example secret' },
      headers: {
        'x-pagerduty-signature': 'v1=09aacba483e6d3118e99b802fecbcb1424649c9a2d1123664cafee4809596fe5',
      },
      body: '{"event":{"id":"01EXAMPLG","event_type":"incident.resolved","resource_type":"incident","occurred_at":"2026-11-20T11:20:00.100Z","data":{"id":"Q2QK8Z1XBD4F7N","type":"incident","number":48213,"status":"resolved","created_at":"2026-11-20T11:00:03Z","title":"Disk 92% full on db-prod-3","service":{"id":"PSVC01A","summary":"Checkout DB"},"urgency":"high"}}}',
      expect: {
        deliveryId: '01EXAMPLG',
        events: [{ kind: 'alert', state: 'resolved', fingerprint: 'Q2QK8Z1XBD4F7N' }],
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
  verifyHeaders: headers =>
    headers['x-pagerduty-signature'] === undefined ? { ok: false, because: 'no X-PagerDuty-Signature header' } : null,
  prove: ({ body }, { secret }) =>
    secret?.[0] === undefined
      ? ({} as Record<string, string>)
      : { 'x-pagerduty-signature': `v1=${hmacOf(secret[0], [body]).toString('hex')}` },
  normalise: normaliseWebhook,
  canAsk: canList,
  look,
  listFiring,
  // It tells changes and repeats nothing, so that silence says nothing.
  timing: () => ({ reopenAfter: 15_000, repeatInterval: Number.POSITIVE_INFINITY }),
  origin: openOrigin,
  tells: ['acknowledge', 'note', 'resolve', 'recall', 'onCall', 'page', 'unpage'],
  tellsOnCall: given => given.apiToken !== undefined,
  check: checkKeys,
});

/** The header has several `v1=<hex>` signatures while a secret is rotated. Other versions are unknown and ignored. */
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
