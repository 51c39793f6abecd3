import { defineSource, type Source } from '../../ports/source.ts';
import { look } from '../alertmanager/ask.ts';
import { alertFields, json, maxBody, normaliseGroup, payload } from '../alertmanager/group.ts';
import { listFiring } from '../alertmanager/list.ts';
import { grafanaEvent, ownFields } from './alerts.ts';
import { apiOf } from './ask.ts';
import { check } from './check.ts';
import { examples } from './examples.ts';
import { legacyFields, normaliseLegacy } from './legacy.ts';
import { type Options, options } from './options.ts';
import { openOrigin } from './origin.ts';
import { prove, verify, verifyHeaders } from './proof.ts';

const grafana: Source<Options> = defineSource<Options>({
  id: 'grafana',
  about:
    'Alerts of Grafana, from the webhook of a contact point: one event for each alert of a group. With `url` and `apiToken`, whether an alert still fires is asked there; otherwise the next webhook tells, up to a group interval later. With `annotate` it writes outcomes as annotations; with `silences`, what people silence here is silenced there.',
  options,
  fields: [...Object.keys(payload.shape), ...alertFields, ...ownFields, ...legacyFields],
  maxBody,
  json,
  delay: given => (given.url === undefined ? given.groupInterval : null),
  setup: {
    options: { secret: '{secret}', timestampHeader: 'X-Grafana-Alerting-Timestamp' },
    secret: 'ours',
    steps: [
      'Alerting, Contact points, Add contact point: integration Webhook, URL {url}',
      'Optional settings, HMAC Signature: secret {secret}, header X-Grafana-Alerting-Signature, timestamp header X-Grafana-Alerting-Timestamp. Before Grafana 11.6 there is no signature: use a token instead.',
      'Leave Disable resolved message off, press Test, and save.',
      'Notification policies: send what Tocsin is for to this contact point.',
    ],
    page: 'docs/grafana.md',
  },
  examples,
  verify,
  verifyHeaders,
  prove,
  normalise: (body, delivery, given) =>
    normaliseLegacy(body, delivery, given) ??
    normaliseGroup(body, delivery, {
      name: 'Grafana',
      limit: 'Max Alerts of the contact point',
      allowed: 'the payload of its webhook, with a list of alerts',
      remedy:
        'Remove the custom payload of the contact point or let it have alerts, as webhook.default.payload does; a source of the type webhook takes any other.',
      eventOf: (alert, group) => grafanaEvent(alert, group, delivery, given),
    }),
  canAsk: given => given.url !== undefined,
  expires: true,
  look: (alert, given, tools) => look(alert, apiOf(given), tools),
  listFiring: (given, tools) =>
    listFiring(apiOf(given), tools, (body, delivery) => grafana.normalise(body, delivery, given)),
  receivers: ({ receiver }) => (receiver === undefined ? [] : [receiver].flat()),
  origin: openOrigin,
  tells: ['note', 'silence', 'unsilence'],
  check,
  timing: ({ reopenAfter, repeatInterval }) => ({ reopenAfter, repeatInterval }),
});
export default grafana;
