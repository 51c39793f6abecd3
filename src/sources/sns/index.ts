import { sha256 } from '../../kernel/canonical.ts';
import { TocsinError } from '../../kernel/errors.ts';
import { checkUtf8, parseStrictJson } from '../../kernel/strict-json.ts';
import { keyOf, timeOf } from '../../model/incoming.ts';
import { type Delivery, defineSource, type Normalised } from '../../ports/source.ts';
import { check } from './check.ts';
import { type Envelope, envelopeFields, readEnvelope } from './envelope.ts';
import { examples } from './examples.ts';
import { eventsOfMessage } from './messages.ts';
import { type Options, options, warnings } from './options.ts';
import { askBack, isAllowed, isFresh, isRaw, isWeak, keyAt, prove, verify, verifyHeaders } from './proof.ts';
import { subscriptionNotice, tooOldNotice, unsubscribedNotice, weakNotice } from './subscription.ts';

export default defineSource<Options>({
  id: 'sns',
  about:
    'Topics of Amazon SNS, by an HTTPS subscription: alarms of CloudWatch, events of EventBridge, and notices of anything else. Each message is proven by the signature of SNS, version 2, and by its topic.',
  options,
  // SNS says text/plain unless its delivery policy names another type, whatever the body is.
  contentTypes: 'any',
  json: { cutsTexts: true },
  fields: envelopeFields,
  setup: {
    options: { topics: ['arn:aws:sns:eu-west-1:123456789012:alarms'] },
    secret: null,
    steps: [
      'Put the ARN of your topic into tocsin.yaml, under sources.{name}.topics.',
      'aws sns set-topic-attributes --topic-arn <the ARN> --attribute-name SignatureVersion --attribute-value 2',
      'aws sns subscribe --topic-arn <the ARN> --protocol https --notification-endpoint {url}',
      'Confirm the subscription as the post in the thread says.',
    ],
    page: 'docs/aws.md#sns',
  },
  examples,
  keyAt,
  verify,
  verifyHeaders,
  prove,
  askBack,
  timing: () => ({ reopenAfter: 15_000, repeatInterval: Number.POSITIVE_INFINITY }),
  parse({ headers, body }) {
    if (!isRaw(headers)) return parseStrictJson(body, { string: body.length });
    checkUtf8(body);
    return body.toString('utf8');
  },
  normalise: (body, delivery, given) =>
    typeof body === 'string' && isRaw(delivery.headers)
      ? normaliseRaw(body, delivery, given)
      : normaliseEnvelope(body, delivery, given),
  warnings,
  check,
});

function normaliseEnvelope(body: unknown, delivery: Delivery, given: Options): Normalised {
  const read = readEnvelope(body);
  if ('wrong' in read)
    throw new TocsinError('bad-body', {
      message: 'The body is not a message of SNS.',
      at: read.wrong,
      allowed: 'what SNS posts to a subscription, with raw message delivery off',
    });
  if (!isAllowed(read, given)) throw otherTopic('TopicArn');
  return { events: eventsOf(read, delivery, given), deliveryId: keyOf(read.MessageId) };
}

function eventsOf(read: Envelope, delivery: Delivery, given: Options): Normalised['events'] {
  const { at } = delivery;
  const madeAt = timeOf(read.Timestamp);
  if (isWeak(read, given)) return [weakNotice(read, at)];
  if (madeAt === null || !isFresh(read, delivery, given)) return [tooOldNotice(read, madeAt, at)];
  switch (read.Type) {
    case 'SubscriptionConfirmation':
      return [subscriptionNotice(read, delivery, madeAt)];
    case 'UnsubscribeConfirmation':
      return [unsubscribedNotice(read, madeAt)];
    case 'Notification': {
      const published = { topic: read.TopicArn, subject: read.Subject ?? null, text: read.Message, at: madeAt };
      return eventsOfMessage(published, given, at);
    }
  }
}

/** Its headers are as proven as its body, by the password. They tell the topic and the id, and no time. */
function normaliseRaw(text: string, { headers, body, at }: Delivery, given: Options): Normalised {
  const topic = headers['x-amz-sns-topic-arn'] ?? '';
  if (!isAllowed({ TopicArn: topic }, given)) throw otherTopic('x-amz-sns-topic-arn');
  const id = headers['x-amz-sns-message-id'];
  const events = eventsOfMessage({ topic, subject: null, text, at }, given, at);
  return { events, deliveryId: id === undefined ? null : keyOf(`${id} ${sha256(body)}`) };
}

function otherTopic(at: string): TocsinError {
  return new TocsinError('bad-body', {
    message: 'The message is of a topic that does not lead here.',
    at,
    allowed: 'the topics that tocsin.yaml names for this source',
  });
}
