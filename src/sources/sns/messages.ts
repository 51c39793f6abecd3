import { isCode } from '../../kernel/errors.ts';
import { parseStrictJson } from '../../kernel/strict-json.ts';
import type { IncomingEvent } from '../../model/event.ts';
import { isMap, labelsOf, titleOf } from '../../model/incoming.ts';
import { alarmEvent, alarmOfMessage, isAlarmMessage } from '../eventbridge/alarm.ts';
import { arnOf } from '../eventbridge/arn.ts';
import { eventsOfBus, readBusEvent } from '../eventbridge/events.ts';
import { topicFacts } from './envelope.ts';
import type { Options } from './options.ts';

/** A message as somebody published it. */
export interface Published {
  topic: string;
  subject: string | null;
  text: string;
  /** When it was published, or arrived when that is not told, milliseconds since the epoch. */
  at: number;
}

/** The events of a message: an alarm of CloudWatch, an event of EventBridge, or a notice of anything else. */
export function eventsOfMessage(given: Published, options: Options, arrivedAt: number): IncomingEvent[] {
  const body = jsonIn(given.text);
  if (body !== null && isAlarmMessage(body))
    return [alarmEvent(alarmOfMessage(body, arnOf(given.topic)?.region ?? null), arrivedAt, options)];
  const event = body === null ? null : readBusEvent(body);
  return event === null || 'wrong' in event ? [notice(given)] : eventsOfBus(event, arrivedAt, options);
}

/** Null for a text that is no JSON object. */
function jsonIn(text: string): Record<string, unknown> | null {
  if (!text.trimStart().startsWith('{')) return null;
  try {
    const body = parseStrictJson(Buffer.from(text), { string: text.length });
    return isMap(body) ? body : null;
  } catch (error) {
    if (isCode(error, 'bad-body')) return null;
    throw error;
  }
}

function notice({ topic, subject, text, at }: Published): IncomingEvent {
  const line = text.trim().split('\n')[0];
  return {
    kind: 'notice',
    type: 'message',
    title: titleOf(subject, line, 'An empty message'),
    labels: labelsOf({ ...topicFacts(topic), ...(text === '' ? {} : { message: text }) }),
    links: [],
    occurredAt: at,
  };
}
