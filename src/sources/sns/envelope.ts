import { z } from 'zod';
import { parseStrictJson } from '../../kernel/strict-json.ts';
import { arnOf } from '../eventbridge/arn.ts';

/**
 * What SNS posts to an address, unless raw message delivery is on. Source: Amazon SNS developer guide, HTTP/HTTPS notification,
 * subscription confirmation and unsubscribe confirmation JSON format.
 */
/** No member of the signed text but the message may hold a line break: it could stand for the members after it. */
const line = z.string().regex(/^[^\n\r]*$/);

const envelope = z.object({
  Type: z.enum(['Notification', 'SubscriptionConfirmation', 'UnsubscribeConfirmation']),
  MessageId: line.min(1).max(200),
  TopicArn: line.max(2000),
  Subject: line.nullish(),
  Message: z.string(),
  Timestamp: line.max(100),
  SignatureVersion: z.enum(['1', '2']),
  Signature: z.string().max(4000),
  SigningCertURL: z.string().max(500),
  Token: line.max(2000).optional(),
  SubscribeURL: line.max(4000).optional(),
});
export type Envelope = z.infer<typeof envelope>;

export const envelopeFields = [...Object.keys(envelope.shape), 'x-amz-sns-topic-arn'];

/** The envelope, or the path of what is not as documented. Throws `bad-body` for what is no JSON. */
export function readEnvelope(body: unknown): Envelope | { wrong: string } {
  const parsed = envelope.safeParse(body);
  if (!parsed.success) return { wrong: parsed.error.issues[0]?.path.join('.') || 'the document' };
  // Of other types no subject is signed, so anybody can have written it.
  return parsed.data.Type === 'Notification' ? parsed.data : { ...parsed.data, Subject: null };
}

/** The envelope in these bytes; null for anything else. */
export function envelopeIn(bytes: Buffer): Envelope | null {
  try {
    const read = readEnvelope(parseStrictJson(bytes, { string: bytes.length }));
    return 'wrong' in read ? null : read;
  } catch {
    return null;
  }
}

/** In the order of bytes. Source: Amazon SNS developer guide, Verifying the signatures of Amazon SNS messages. */
const signedKeys = {
  Notification: ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type'],
  SubscriptionConfirmation: ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'],
  UnsubscribeConfirmation: ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'],
} as const;

/** The signed text: name and value of each signed member that is there, each on a line. */
export function signedText(given: Envelope): string {
  return signedKeys[given.Type].map(key => (given[key] == null ? '' : `${key}\n${given[key]}\n`)).join('');
}

/**
 * The host of SNS in the region of a topic, which signs its messages: a name that only begins alike may be a bucket of S3
 * (`sns.s3-us-west-2.amazonaws.com`). Source: AWS General Reference, Amazon SNS endpoints; aws-sdk-java SnsMessageManager, whose host is
 * the one of its region too.
 */
export function hostOf(topic: string): string | null {
  const arn = arnOf(topic);
  return arn === null ? null : `sns.${arn.region}.amazonaws.com${arn.partition === 'aws-cn' ? '.cn' : ''}`;
}

/** The rest of an address at the host of SNS in the region of the topic; null for any other address. */
function restOf(address: string, { TopicArn }: Envelope): string | null {
  const start = `https://${hostOf(TopicArn)}/`;
  return address.startsWith(start) ? address.slice(start.length) : null;
}

/**
 * The address of the signing certificate, or null for one that is not at the host of SNS itself. The text is held to its one plain form,
 * so that no parser can read another host in it: no user, port, query, fragment, backslash, escape or dot segment.
 */
export function certificateUrl(given: Envelope): string | null {
  const path = restOf(given.SigningCertURL, given);
  return path !== null && /^([A-Za-z0-9_-]+\/)*[A-Za-z0-9_-]+\.pem$/.test(path) ? given.SigningCertURL : null;
}

/**
 * The address that confirms a subscription, or null for one that is not at the host of SNS, or confirms another topic or anything else
 * than the token of this message. It is made anew of these parts.
 */
export function confirmationUrl(envelope: Envelope): string | null {
  const { SubscribeURL = '', TopicArn, Token } = envelope;
  const found = /^\?([\x21-\x22\x24-\x7e]+)$/.exec(restOf(SubscribeURL, envelope) ?? '');
  if (found === null || Token === undefined) return null;
  const given = new URLSearchParams(found[1]);
  const says = (name: string, value: string) => given.getAll(name).join(' ') === value;
  if (!says('Action', 'ConfirmSubscription') || !says('TopicArn', TopicArn) || !says('Token', Token)) return null;
  return `https://${hostOf(TopicArn)}/?${new URLSearchParams({ Action: 'ConfirmSubscription', TopicArn, Token })}`;
}

export function topicFacts(topic: string): Record<string, string> {
  const arn = arnOf(topic);
  return arn === null ? { topic } : { topic: arn.resource, account: arn.account, region: arn.region };
}
