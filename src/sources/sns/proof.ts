import { verify as verifySignature } from 'node:crypto';
import { checkBasic } from '../../kernel/signature.ts';
import { timeOf } from '../../model/incoming.ts';
import type { Delivery, Verified } from '../../ports/source.ts';
import { authorizationBy } from '../alertmanager/proof.ts';
import { signerIn } from './certificate.ts';
import { certificateUrl, confirmationUrl, type Envelope, envelopeIn, signedText } from './envelope.ts';
import type { Options } from './options.ts';

/** True for raw message delivery: the body is the message alone. Source: Amazon SNS developer guide, raw message delivery. */
export function isRaw(headers: Delivery['headers']): boolean {
  return headers['x-amz-sns-rawdelivery']?.trim().toLowerCase() === 'true';
}

/** What the headers alone decide: the password, where one is configured. Raw messages have no signature and need it. */
export function verifyHeaders(headers: Delivery['headers'], { basic }: Options): Verified | null {
  if (basic === undefined) return isRaw(headers) ? { ok: false, because: 'a raw message has no signature' } : null;
  const held = checkBasic(headers['authorization'], { user: basic.user, passwords: basic.password });
  if (!held) return { ok: false, because: 'another user or password' };
  return isRaw(headers) ? { ok: true, by: 'basic' } : null;
}

/** The certificate of a message of an allowed topic: nothing is fetched for anybody else. */
export function keyAt(delivery: Delivery, given: Options): string | null {
  if (verifyHeaders(delivery.headers, given) !== null) return null;
  const envelope = envelopeIn(delivery.body);
  return envelope === null || !isAllowed(envelope, given) ? null : certificateUrl(envelope);
}

/**
 * The password where one is configured, an allowed topic, and the signature by a certificate of SNS. A signature over SHA-1 proves nothing
 * unless the options say so: then all that is made of the message is a notice about that.
 */
export function verify(delivery: Delivery, given: Options): Verified {
  const early = verifyHeaders(delivery.headers, given);
  if (early !== null) return early;
  const envelope = envelopeIn(delivery.body);
  if (envelope === null)
    // Its password proves the sender, and normalise says what is wrong with the body.
    return given.basic === undefined ? { ok: false, because: 'no message of SNS' } : { ok: true, by: 'basic' };
  if (!isAllowed(envelope, given)) return { ok: false, because: 'the topic is not in topics' };
  if (certificateUrl(envelope) === null)
    return { ok: false, because: 'the certificate is not below the host of SNS in the region of the topic' };
  const signer = signerIn(delivery.key ?? '', delivery.at);
  if (signer === null) return { ok: false, because: 'there is no valid certificate of SNS' };
  const digest = envelope.SignatureVersion === '2' ? 'sha256' : 'sha1';
  const signature = Buffer.from(envelope.Signature, 'base64');
  if (!verifySignature(digest, Buffer.from(signedText(envelope)), signer, signature))
    return { ok: false, because: 'the signature is not of this message' };
  return { ok: true, by: isWeak(envelope, given) ? 'none' : 'signature' };
}

/** True for a signature over SHA-1 that does not count. */
export function isWeak({ SignatureVersion }: Envelope, { sha1 }: Options): boolean {
  return SignatureVersion === '1' && sha1 !== true;
}

export function isAllowed({ TopicArn }: Pick<Envelope, 'TopicArn'>, { topics }: Options): boolean {
  return topics.includes(TopicArn);
}

/** The confirmation of a subscription to an allowed topic, when the options say that it is given. */
export function askBack(delivery: Delivery, given: Options): string | null {
  if (given.confirm !== true || isRaw(delivery.headers)) return null;
  const envelope = envelopeIn(delivery.body);
  if (envelope?.Type !== 'SubscriptionConfirmation' || !isAllowed(envelope, given)) return null;
  return isFresh(envelope, delivery, given) ? confirmationUrl(envelope) : null;
}

/** How far a clock may be ahead, milliseconds. */
const ahead = 5 * 60_000;

export function isFresh({ Timestamp }: Envelope, { at }: Delivery, { maxAge }: Options): boolean {
  const made = timeOf(Timestamp);
  return made !== null && at - made <= maxAge && made - at <= ahead;
}

/** The password, which is all that another sender than SNS can have. */
export function prove(_delivery: Delivery, given: Options): Record<string, string> {
  return authorizationBy({ basic: given.basic });
}
