import { markWith } from '../webhook/mark.ts';
import { defineSender, text } from '../webhook/sender.ts';
import { check } from './check.ts';
import { examples } from './examples.ts';
import { type Options, options } from './options.ts';
import { openOrigin } from './origin.ts';
import { prove, verify, verifyHeaders } from './proof.ts';
import { type Body, body, fields, read } from './read.ts';

export default defineSender<Options, Body>({
  id: 'sentry',
  name: 'Sentry',
  about:
    'Issue alerts, metric alerts and issues of Sentry, from the webhooks of an internal integration. An issue resolves when somebody resolves it, a metric alert by itself. With `apiToken` Tocsin writes outcomes as comments of issues.',
  options,
  body,
  fields,
  allowed: 'a webhook of an integration, with action and data',
  remedy:
    'Take an internal integration with a webhook URL and the alert rule action of its name; the older plugin Webhooks sends another body.',
  // An event has stack traces with the code around each line.
  json: { bytesPerKey: 16, cutsTexts: true },
  setup: {
    options: { secret: '{secret}' },
    secret: 'sender',
    steps: [
      'Settings, Custom Integrations, Create New Integration, Internal Integration: webhook URL {url}, Alert Rule Action on, permission Issue & Event: Read.',
      'Copy the Client Secret, and set {variable} to it.',
      'Add the action of the name of the integration to each alert rule.',
    ],
    page: 'docs/alert-services.md#sentry',
  },
  examples,
  verify,
  verifyHeaders,
  prove,
  read: (given, delivery, own) =>
    isOwn(given, own) ? { events: [], deliveryId: null, echo: 'note' } : read(given, delivery, own),
  origin: openOrigin,
  tells: ['note', 'resolve'],
  toAsk: 'Set apiToken and organization, if you want that.',
  check,
});

/** True for the webhook of Tocsin's own comment, where the integration subscribes to comments. */
function isOwn({ data }: Body, { apiToken }: Options): boolean {
  return apiToken !== undefined && markWith(apiToken).isOwn(text.parse(data['comment']) ?? '');
}
