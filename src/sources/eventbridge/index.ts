import { TocsinError } from '../../kernel/errors.ts';
import { keyOf } from '../../model/incoming.ts';
import { type Delivery, defineSource, type Normalised } from '../../ports/source.ts';
import { busFields, readBusEvent } from './bus-event.ts';
import { check } from './check.ts';
import { eventsOfBus } from './events.ts';
import { examples } from './examples.ts';
import { type Options, options, warnings } from './options.ts';
import { prove, verify, verifyHeaders } from './proof.ts';

export default defineSource<Options>({
  id: 'eventbridge',
  about:
    'Events of Amazon EventBridge, by an API destination: alarms of CloudWatch, findings of GuardDuty and Security Hub, services of ECS, AWS Health and calls recorded by CloudTrail, of which those that write are changes too; any other event is kept as a notice.',
  options,
  json: { cutsTexts: true },
  fields: busFields,
  setup: {
    options: { apiKey: { name: 'X-Api-Key', value: '{secret}' } },
    secret: 'ours',
    steps: [
      'aws events create-connection --name tocsin --authorization-type API_KEY --auth-parameters \'{"ApiKeyAuthParameters":{"ApiKeyName":"X-Api-Key","ApiKeyValue":"{secret}"}}\'',
      'aws events create-api-destination --name tocsin --connection-arn <the ARN of the connection> --http-method POST --invocation-endpoint {url}',
      'Make a rule with this destination as its target, and a dead-letter queue.',
    ],
    page: 'docs/aws.md#eventbridge',
  },
  examples,
  verify,
  verifyHeaders,
  prove,
  timing: () => ({ reopenAfter: 15_000, repeatInterval: Number.POSITIVE_INFINITY }),
  normalise,
  warnings,
  check,
});

/** The id is the same in every try, which EventBridge makes for 24 hours; deliveries are remembered for longer. */
function normalise(body: unknown, { at }: Delivery, given: Options): Normalised {
  const event = readBusEvent(body);
  if ('wrong' in event)
    throw new TocsinError('bad-body', {
      message: 'The body is not an event of EventBridge.',
      at: event.wrong,
      allowed: 'the matched event as it is, without an input transformer',
    });
  return { events: eventsOfBus(event, at, given), deliveryId: keyOf(event.id) };
}
