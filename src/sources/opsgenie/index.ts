import { z } from 'zod';
import type { IncomingAlert, IncomingEvent } from '../../model/event.ts';
import { boundText, keyOf, labelsOf, linkOf, severityOf, startOf, titleOf, urlPart } from '../../model/incoming.ts';
import type { Delivery } from '../../ports/source.ts';
import { markWith } from '../webhook/mark.ts';
import { defineSender, newsTime, present, text, textsOf } from '../webhook/sender.ts';
import { readTime } from '../webhook/times.ts';
import { check } from './check.ts';
import { examples } from './examples.ts';
import { canWrite, keyOf as keyOfApi, type Options, options } from './options.ts';
import { openOrigin } from './origin.ts';

const texts = z
  .unknown()
  .optional()
  .transform(value => (Array.isArray(value) ? value.map(one => text.parse(one)).filter(one => one !== null) : []));

/** What its webhook integration posts. Source: support.atlassian.com/opsgenie, alert action data. */
const body = z.looseObject({
  action: z.string().min(1),
  source: z.looseObject({ name: text, type: text }).nullish().catch(null),
  alert: z.looseObject({
    alertId: z.string().min(1),
    alias: text,
    tinyId: text,
    message: text,
    description: text,
    username: text,
    source: text,
    entity: text,
    priority: text,
    note: text,
    createdAt: text,
    updatedAt: text,
    tags: texts,
    details: z.record(z.string(), z.unknown()).nullish().catch(null),
  }),
  integrationName: text,
});
type Body = z.infer<typeof body>;

/** The actions that change the state of an alert; every other one is a notice in its thread. */
const states = new Map<string, IncomingAlert['state']>([
  ['create', 'firing'],
  ['acknowledge', 'acknowledged'],
  ['unacknowledge', 'unacknowledged'],
  ['close', 'resolved'],
  // Nothing comes of it any more, and nobody said that it is well.
  ['delete', 'resolved'],
]);

export default defineSender<Options, Body>({
  id: 'opsgenie',
  name: 'Opsgenie',
  about:
    'Alerts of Opsgenie and of Jira Service Management, from a webhook integration: created, acknowledged, closed. With `apiKey` or `jsm` Tocsin acknowledges alerts while it remediates and writes outcomes as notes.',
  options,
  body,
  fields: [...Object.keys(body.shape), ...Object.keys(body.shape.alert.shape)],
  allowed: 'its webhook, with action, and alert.alertId',
  remedy: 'Take the integration Webhook; a source of the type webhook takes any other JSON.',
  setup: {
    options: { token: '{secret}' },
    secret: 'ours',
    steps: [
      'Settings, Integrations, Add, Webhook: URL {url}, a custom header Authorization with the value: Bearer {secret}',
      'Choose the actions Create, Acknowledge, UnAcknowledge, Close and Add Note.',
    ],
    page: 'docs/alert-services.md#opsgenie',
  },
  examples,
  read: (given, delivery, own) =>
    isOwn(given, own)
      ? { events: [], deliveryId: null, echo: 'note' }
      : { events: [eventOf(given, delivery, own)], deliveryId: null },
  origin: openOrigin,
  tells: ['acknowledge', 'note', 'resolve', 'recall'],
  toAsk: 'Set apiKey, or jsm for Jira Service Management, if you want that.',
  check,
});

/** True for an action that Tocsin did itself, with a note. A close is none: it ends the alert. */
function isOwn({ action, alert }: Body, given: Options): boolean {
  if (!canWrite(given) || !/^(addnote|acknowledge|unacknowledge)$/i.test(action)) return false;
  return markWith(keyOfApi(given)).isOwn(alert.note ?? '');
}

function eventOf(given: Body, delivery: Delivery, { site }: Options): IncomingEvent {
  const { alert } = given;
  const state = states.get(given.action.toLowerCase());
  const fingerprint = keyOf(alert.alias ?? alert.alertId);
  // `createdAt` is in milliseconds, `updatedAt` in nanoseconds.
  const newsAt = newsTime(readTime(alert.updatedAt), delivery.at);
  const at = newsAt ?? delivery.at;
  const createdAt = readTime(alert.createdAt);
  const startsAt = startOf(typeof createdAt === 'number' ? createdAt : null, at);
  const links =
    site === undefined ? [] : linkOf('Opsgenie', `${site.replace(/\/$/, '')}/alert/detail/${urlPart(alert.alertId)}`);
  const own = { source: alert.source, entity: alert.entity, priority: alert.priority, tags: alert.tags.join(',') };
  const labels = labelsOf({ ...present(own), ...textsOf(alert.details) });
  if (state === undefined)
    return {
      kind: 'notice',
      type: boundText(given.action, 100),
      about: fingerprint,
      title: titleOf([alert.username, given.action, alert.note ?? alert.message].filter(Boolean).join(': ')),
      labels,
      links,
      occurredAt: at,
    };
  return {
    kind: 'alert',
    state,
    fingerprint,
    title: titleOf(alert.message, 'Alert of Opsgenie without a message'),
    severity: severityOf(alert.priority) ?? 'warning',
    labels,
    annotations: labelsOf(
      present({
        description: alert.description,
        note: alert.note,
        opsgenie_id: alert.alertId,
        opsgenie_tiny_id: alert.tinyId,
        integration: given.integrationName,
      }),
    ),
    links,
    startsAt,
    // An alias is used again once its alert is closed; the new one was created later.
    ...(startsAt === createdAt ? { stretch: 'startsAt' as const } : {}),
    ...(newsAt === null ? {} : { newsAt }),
    ...(state === 'acknowledged' && alert.username !== null ? { by: boundText(alert.username, 200) } : {}),
    ...(given.action.toLowerCase() === 'delete' ? { noCure: 'it was deleted at its origin' } : {}),
    endsAt: state === 'resolved' ? at : null,
    occurredAt: at,
  };
}
