import { z } from 'zod';
import type { IncomingAlert, IncomingEvent, Severity } from '../../model/event.ts';
import { boundText, keyOf, labelsOf, linkOf, severityOf, titleOf } from '../../model/incoming.ts';
import type { Delivery } from '../../ports/source.ts';
import {
  defineSender,
  filled,
  labelsOfTags,
  newsTime,
  present,
  proofOptions,
  timingOptions,
} from '../webhook/sender.ts';
import { readTime } from '../webhook/times.ts';
import { examples } from './examples.ts';

const options = z.strictObject({ ...proofOptions, ...timingOptions });

/** A variable of the template without a value leaves nothing, `null`, or its own name. */
const text = filled(/^(null|None|\$[A-Z_]+(\[[^\]]*\])?)$/);

/** The payload that docs/alert-services.md gives to copy. Source of the variables: docs.datadoghq.com/integrations/webhooks. */
const body = z.looseObject({
  transition: text,
  alert_type: text,
  monitor_id: text,
  scope: text,
  alert_cycle_key: text,
  aggreg_key: text,
  priority: text,
  metric: text,
  query: text,
  status_summary: text,
  title: text,
  event_type: text,
  body: text,
  host: text,
  tags: text,
  link: text,
  event_id: text,
  date_ms: text,
  org_id: text,
  org_name: text,
});
type Body = z.infer<typeof body>;

/** Transitions of a monitor. `Re-` before one says the same again; of a renotification the type says what is repeated. */
const transitions = new Map<string, IncomingAlert['state']>([
  ['triggered', 'firing'],
  ['warn', 'firing'],
  ['no data', 'firing'],
  ['recovered', 'resolved'],
  ['warn recovered', 'resolved'],
  ['no data recovered', 'resolved'],
]);

export default defineSender<z.infer<typeof options>, Body>({
  id: 'datadog',
  name: 'Datadog',
  about:
    'Alerts of Datadog, from its webhooks integration with the payload of the documentation, by monitor and scope.',
  options,
  body,
  fields: Object.keys(body.shape),
  allowed: 'the payload of the documentation, with monitor_id or aggreg_key, and transition or alert_type',
  remedy: 'Copy the payload from docs/alert-services.md into the webhook of the integration.',
  setup: {
    options: { token: '{secret}' },
    secret: 'ours',
    steps: [
      'Integrations, Webhooks, New: URL {url}, custom headers {"Authorization": "Bearer {secret}"}, and the payload of the page below.',
      'Name @webhook-<its name> in the message of each monitor, outside of conditions.',
    ],
    page: 'docs/alert-services.md#datadog',
  },
  examples,
  read: (given, delivery) => ({ events: [eventOf(given, delivery)], deliveryId: null }),
});

function eventOf(given: Body, delivery: Delivery): IncomingEvent {
  const newsAt = newsTime(readTime(given.date_ms), delivery.at);
  const at = newsAt ?? delivery.at;
  const title = titleOf(bareTitle(given.title), given.status_summary, given.event_type);
  const links = linkOf('Datadog', given.link);
  const labels = labelsFor(given);
  const state = stateOf(given);
  const fingerprint = identityOf(given);
  if (state === null || fingerprint === null)
    return {
      kind: 'notice',
      type: boundText(given.event_type ?? 'event', 100),
      ...(fingerprint === null ? {} : { about: fingerprint }),
      title,
      labels,
      links,
      occurredAt: at,
    };
  const resolved = state === 'resolved';
  return {
    kind: 'alert',
    state,
    fingerprint,
    title,
    severity: severityFor(given),
    labels,
    annotations: labelsOf(
      present({
        description: given.body,
        status: given.status_summary,
        query: given.query,
        datadog_monitor_id: given.monitor_id,
        datadog_event_id: given.event_id,
        datadog_cycle: given.alert_cycle_key,
      }),
    ),
    links,
    startsAt: at,
    ...(newsAt === null ? {} : { newsAt }),
    endsAt: resolved ? at : null,
    occurredAt: at,
  };
}

/** Null for what is no change of a monitor's state: an event that somebody posted, an incident, a comment. */
function stateOf({ transition, alert_type: type }: Body): IncomingAlert['state'] | null {
  const word = (transition ?? '').toLowerCase();
  const known = transitions.get(word.replace(/^re-(?!notify)/, ''));
  if (known !== undefined) return known;
  if (word !== 'renotify' && word !== 're-notify') return null;
  return type === 'success' ? 'resolved' : 'firing';
}

/** The monitor and the group that it is about. The cycle is another for each episode, so it names no condition. */
function identityOf(given: Body): string | null {
  const { monitor_id: monitor, scope, aggreg_key: key, alert_cycle_key: cycle } = given;
  if (monitor !== null) return keyOf(`monitor:${given.org_id ?? ''}/${monitor}/${scope ?? ''}`);
  if (key !== null) return keyOf(`key:${key}`);
  return cycle === null ? null : keyOf(`cycle:${cycle}`);
}

/** The priority of the monitor, which people set for that; without one the kind of alert. */
function severityFor({ priority, alert_type: type, transition }: Body): Severity {
  if (priority !== null) return severityOf(priority) ?? 'warning';
  if (/warn/i.test(transition ?? '')) return 'warning';
  return severityOf(type === 'success' ? null : type) ?? 'warning';
}

function labelsFor(given: Body) {
  const own = { host: given.host, metric: given.metric, event_type: given.event_type, org: given.org_name };
  return labelsOf({ ...present(own), ...labelsOfTags(given.tags), ...labelsOfTags(given.scope) });
}

/** Without the words before it, which change with each transition: `[P2] [Triggered on {host:db-1}] Disk almost full`. */
function bareTitle(title: string | null): string | null {
  return title?.replace(/^(\[[^\]]{0,200}\]\s*){1,3}/, '') || title;
}
