import { z } from 'zod';
import type { IncomingEvent, Severity } from '../../model/event.ts';
import { isMap, keyOf, keyPart, labelsOf, linkOf, timeOf, titleOf } from '../../model/incoming.ts';
import type { Delivery } from '../../ports/source.ts';
import {
  defineSender,
  filled,
  newsTime,
  present,
  proofOptions,
  quietOption,
  quietText,
  text,
  textsOf,
  timingOptions,
} from '../webhook/sender.ts';
import { examples } from './examples.ts';

const options = z.strictObject({
  ...proofOptions,
  ...timingOptions,
  quiet: quietOption.prefault('1h').meta({
    description: `Graylog tells no end, and an event each time that the condition holds: ${quietText}`,
  }),
  recovered: z.string().min(1).max(100).default(' recovered').meta({
    description:
      'How the titles of event definitions end that find the end of what another one finds: `Disk full recovered` resolves what `Disk full` opened.',
  }),
});
type Options = z.infer<typeof options>;

/** What Graylog writes for what it does not know. */
const told = filled(/^<unknown>$/);
const texts = z.record(z.string(), z.unknown()).nullish().catch(null);

/**
 * What an HTTP notification posts, and a custom one as JSON without a template. Source: Graylog2/graylog2-server,
 * events/notifications/EventNotificationModelData.java and events/event/EventDto.java; the test from a request of Graylog 3.
 */
const body = z.looseObject({
  event_definition_id: told,
  event_definition_type: told,
  event_definition_title: told,
  event_definition_description: told,
  remediation_steps: told,
  event: z.looseObject({
    id: text,
    timestamp: text,
    timestamp_processing: text,
    message: text,
    source: text,
    key_tuple: z.array(z.unknown()).nullish().catch(null),
    priority: z.number().nullish().catch(null),
    alert: z.boolean().nullish().catch(null),
    fields: texts,
    group_by_fields: texts,
    replay_info: z.unknown().optional(),
  }),
  backlog: z.array(z.unknown()).nullish().catch(null),
});
type Body = z.infer<typeof body>;

/** Its priorities from low to critical. */
const severities: readonly Severity[] = ['info', 'warning', 'error', 'critical'];

/** The most messages of a backlog that are shown. */
const mostShown = 5;

export default defineSender<Options, Body>({
  id: 'graylog',
  name: 'Graylog',
  about:
    'Events of Graylog, from its HTTP notification, by event definition and key. A second definition named like the first, with ` recovered` after it, tells the end; without one it is over once nothing more came for `quiet`.',
  options,
  body,
  json: { bytesPerKey: 16, cutsTexts: true },
  fields: [...Object.keys(body.shape), ...Object.keys(body.shape.event.shape)],
  allowed: 'the HTTP notification of Graylog, with event, and event_definition_title or event_definition_id',
  remedy: 'Take an HTTP Notification, or a Custom HTTP Notification with POST, JSON and an empty body template.',
  setup: {
    options: { basic: { user: '{name}', password: '{secret}' } },
    secret: 'ours',
    steps: [
      'System, Configurations, URL Allowlist: add {url}',
      'Alerts, Notifications, Create: type HTTP Notification, URL {url}, Basic Authentication {name}:{secret}; Execute Test Notification shows a notice here.',
      'Add the notification to each event definition.',
    ],
    page: 'docs/alert-services.md#graylog',
  },
  examples,
  read: (given, delivery, chosen) => ({ events: [eventOf(given, delivery, chosen)], deliveryId: null }),
});

function eventOf(given: Body, delivery: Delivery, { recovered }: Options): IncomingEvent {
  const { event } = given;
  const newsAt = newsTime(timeOf(event.timestamp_processing) ?? timeOf(event.timestamp), delivery.at);
  const at = newsAt ?? delivery.at;
  const name = given.event_definition_title ?? given.event_definition_id;
  const keys = (event.key_tuple ?? []).map(one => text.parse(one) ?? '');
  const resolved = name?.endsWith(recovered) === true && name.length > recovered.length;
  const condition = resolved ? name.slice(0, -recovered.length) : name;
  const title = titleOf([condition, keys.filter(Boolean).join(', ')].filter(Boolean).join(': '), event.message);
  const labels = labelsOf({
    ...textsOf(event.fields),
    ...textsOf(event.group_by_fields),
    ...present({ definition: condition, key: keys.join(','), source: event.source }),
  });
  const links = linkOf('Graylog', isMap(event.replay_info) ? text.parse(event.replay_info['url']) : null);
  const isTest = given.event_definition_type === 'test-dummy-v1';
  if (isTest || condition === null || event.alert === false)
    return { kind: 'notice', type: isTest ? 'test' : 'event', title, labels, links, occurredAt: at };
  return {
    kind: 'alert',
    state: resolved ? 'resolved' : 'firing',
    // What stands in a log must not be able to name another condition than its own.
    fingerprint: keyOf([condition, ...keys].map(keyPart).join('/')),
    title,
    severity: severities[(event.priority ?? 2) - 1] ?? 'warning',
    labels,
    annotations: labelsOf(
      present({
        message: event.message,
        description: given.event_definition_description,
        remediation: given.remediation_steps,
        backlog: backlogOf(given),
        graylog_event_id: event.id,
      }),
    ),
    links,
    startsAt: at,
    ...(newsAt === null ? {} : { newsAt }),
    endsAt: resolved ? at : null,
    occurredAt: at,
  };
}

/** The first messages behind the event, one a line. */
function backlogOf({ backlog }: Body): string {
  const messages = (backlog ?? []).flatMap(one => (isMap(one) ? (text.parse(one['message']) ?? []) : []));
  const more = messages.length > mostShown ? [`and ${messages.length - mostShown} more`] : [];
  return [...messages.slice(0, mostShown), ...more].join('\n');
}
