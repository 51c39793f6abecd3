import { showDuration } from '../../kernel/duration.ts';
import type { IncomingEvent } from '../../model/event.ts';
import { labelsOf, titleOf } from '../../model/incoming.ts';
import type { Delivery } from '../../ports/source.ts';
import { arnOf } from '../eventbridge/arn.ts';
import { type Envelope, topicFacts } from './envelope.ts';

/**
 * Somebody subscribed this address to an allowed topic. What confirms it is a command, not a link: programs that preview links would confirm
 * it by looking.
 */
export function subscriptionNotice(given: Envelope, { askedBack }: Delivery, at: number): IncomingEvent {
  const name = nameOf(given);
  if (askedBack?.ok === true) return notice('subscribed', `Subscribed to the topic ${name}`, given, at, {});
  const why = askedBack === undefined ? '' : `: it could not be done by itself, ${askedBack.because}`;
  const title = `The subscription to the topic ${name} has to be confirmed${why}`;
  return notice('subscription', title, given, at, { confirm: confirmCommand(given) });
}

/** Somebody ended the subscription: from now on nothing comes. */
export function unsubscribedNotice(given: Envelope, at: number): IncomingEvent {
  const title = `The subscription to the topic ${nameOf(given)} was ended: nothing of it arrives any more`;
  return notice('unsubscribed', title, given, at, { restore: confirmCommand(given) });
}

/** A message that is proven and yet not taken: what it says is only shown. */
export function tooOldNotice(given: Envelope, madeAt: number | null, at: number): IncomingEvent {
  const age = madeAt === null ? 'tells no time' : timeWords(at - madeAt);
  const title = `A message of the topic ${nameOf(given)} was not taken, because it ${age}: ${given.Subject ?? given.Type}`;
  return notice('too-old', title, given, at, { message: given.Message });
}

export function weakNotice(given: Envelope, at: number): IncomingEvent {
  const title = `A message of the topic ${nameOf(given)} was not taken, because it is signed with SHA-1: ${given.Subject ?? given.Type}`;
  const attribute = '--attribute-name SignatureVersion --attribute-value 2';
  const remedy = `aws sns set-topic-attributes --region ${regionOf(given)} --topic-arn ${given.TopicArn} ${attribute}`;
  return notice('weak-signature', title, given, at, { remedy });
}

function timeWords(age: number): string {
  return age >= 0 ? `is ${showDuration(age)} old` : `is from ${showDuration(-age)} after now`;
}

function notice(type: string, title: string, given: Envelope, at: number, more: Record<string, string>): IncomingEvent {
  const labels = labelsOf({ ...topicFacts(given.TopicArn), ...more });
  return { kind: 'notice', type, title: titleOf(title), labels, links: [], occurredAt: at };
}

/** For a shell, so nothing but the characters of a token is let through. */
function confirmCommand(given: Envelope): string {
  const token = /^[A-Za-z0-9]+$/.test(given.Token ?? '') ? given.Token : '<token>';
  return `aws sns confirm-subscription --region ${regionOf(given)} --topic-arn ${given.TopicArn} --token ${token} --authenticate-on-unsubscribe true`;
}

function regionOf({ TopicArn }: Envelope): string {
  return arnOf(TopicArn)?.region ?? '';
}

function nameOf({ TopicArn }: Envelope): string {
  return arnOf(TopicArn)?.resource ?? TopicArn;
}
