import { createHash } from 'node:crypto';
import type { Message } from '@aws-sdk/client-sqs';
import { messageOf } from '../../kernel/errors.ts';
import type { IncomingEvent } from '../../model/event.ts';
import { labelsOf, titleOf } from '../../model/incoming.ts';
import { type Fault, faultOf } from './fault.ts';
import { type ObjectRef, readMessage } from './notification.ts';
import { keyOf, nameOf, type ReadTools, readObject } from './read.ts';
import { atMost } from './wait.ts';

/** Received so often without an end, it is what ends the process that reads it. */
const mostReceives = 20;
/** The queue's words for a message that is visible again. Source: SQS API reference, ChangeMessageVisibility and DeleteMessage. */
const seenAgain = /^(ReceiptHandleIsInvalid|MessageNotInflight|InvalidParameterValue)$/;
/** Milliseconds. */
const anHour = 3_600_000;
/** The longest that a message waits for its next try, seconds. */
const longestWait = 900;

/**
 * Handles one message to its end: what can be read is counted, what never can becomes a dead letter, and then the message is deleted. What
 * may go better later leaves the message in the queue. Resolves to what keeps the whole source from reading, or null. Never rejects.
 */
export async function handleMessage(message: Message, tools: ReadTools): Promise<Fault | null> {
  const { ReceiptHandle: handle = '' } = message;
  const beat = keepHidden(handle, tools);
  try {
    const left = await workOff(message, tools);
    if (left === null) await tools.aws.remove(handle);
    else await tools.aws.hide(handle, left.wait);
    return left?.fault.blame === 'source' ? left.fault : null;
  } catch (error) {
    if (tools.signal.aborted) {
      // Another node need not wait for what this one leaves.
      await atMost(
        2000,
        tools.aws.hide(handle, 0).catch(() => {}),
        tools.tools.clock,
      );
      return null;
    }
    const fault = faultOf(error);
    tools.tools.log.warn({ because: messageOf(error) }, 'a message could not be ended and will come again');
    // What was counted is not counted again, so a message that was seen by others meanwhile does no harm.
    return seenAgain.test(fault.code) ? null : { ...fault, blame: 'source' };
  } finally {
    beat.stop();
  }
}

interface Left {
  fault: Fault;
  /** Seconds until the next try. */
  wait: number;
}

/** Reads all objects of a message. Resolves to why it must stay, null when it is done with. */
async function workOff(message: Message, tools: ReadTools): Promise<Left | null> {
  const { Body: body = '', MD5OfBody: sum, Attributes } = message;
  const receives = Number(Attributes?.ApproximateReceiveCount ?? 1);
  if (sum !== undefined && receives <= mostReceives && createHash('md5').update(body).digest('hex') !== sum)
    return { fault: { blame: 'passing', code: 'MD5', because: 'the body does not fit its MD5' }, wait: 1 };
  const read = readMessage(body);
  if (read.kind === 'nothing') return null;
  if (read.kind === 'unknown') return await keepUnknown(message, read.because, receives, tools);
  let left: Left | null = null;
  for (const ref of read.objects) left = (await workOffObject(ref, receives, tools)) ?? left;
  return left;
}

async function workOffObject(ref: ObjectRef, receives: number, tools: ReadTools): Promise<Left | null> {
  if (receives > mostReceives) {
    const because = `it was received ${receives - 1} times and never read to its end`;
    return await bury(ref, { blame: 'object', code: 'too-many-receives', because }, receives, tools);
  }
  try {
    await readObject(ref, tools);
    return null;
  } catch (error) {
    if (tools.signal.aborted) throw error;
    const fault = faultOf(error);
    const isOver = fault.blame === 'object' || (fault.blame === 'passing' && receives >= tools.given.attempts);
    if (isOver) return await bury(ref, fault, receives, tools);
    tools.tools.log.warn({ object: nameOf(ref), receives, ...fault }, 'an object is tried again');
    return { fault, wait: Math.min(longestWait, 15 * 2 ** Math.min(receives, 10)) };
  }
}

/** Puts an object on the list. When the list is full, the message stays. */
async function bury(ref: ObjectRef, fault: Fault, attempts: number, tools: ReadTools): Promise<Left | null> {
  return await put({ key: keyOf(ref), from: nameOf(ref), again: againOf(ref, fault.code), attempts }, fault, tools);
}

/** A message that is none of S3 is on the list by its id. Its text is not kept. */
async function keepUnknown(message: Message, because: string, attempts: number, tools: ReadTools) {
  const from = `message ${message.MessageId ?? 'without an id'}`;
  const fault: Fault = { blame: 'object', code: 'bad-message', because };
  return await put({ key: from, from, again: null, attempts }, fault, tools);
}

async function put(
  letter: { key: string; from: string; again: string | null; attempts: number },
  fault: Fault,
  { tools }: ReadTools,
): Promise<Left | null> {
  const { code, because } = fault;
  if (!(await tools.letters.put({ ...letter, code, because }))) return fullOf(fault);
  tools.log.warn({ from: letter.from, code, because }, 'it could not be read, and is a dead letter');
  const now = tools.clock.now();
  await tools.emit([noticeOf(letter.from, fault, now)], `dead-letter/${Math.floor(now / anHour)}`);
  return null;
}

/** One in an hour, for each source: the others are on the list. */
function noticeOf(from: string, { code, because }: Fault, now: number): IncomingEvent {
  return {
    kind: 'notice',
    type: 'dead-letter',
    title: titleOf(
      `Could not be read: ${from} (${code}). See Sources in the console, which has the others of this hour too.`,
    ),
    labels: labelsOf({ object: from, code, because }),
    links: [],
    occurredAt: now,
  };
}

/** The code of a list that takes no more. */
export const listFull = 'dead-letters-full';

function fullOf({ code, because }: Fault): Left {
  const full = `the list of dead letters is full, and there is more: ${code}: ${because}`;
  return { fault: { blame: 'source', code: listFull, because: full }, wait: longestWait };
}

/** What a later try needs. After one that found no record, it counts although it was committed. */
function againOf(ref: ObjectRef, code: string): string {
  return JSON.stringify({ ...ref, anew: code === 'no-records' });
}

/** Extends the time for which others do not see the message, while it is worked on. */
function keepHidden(handle: string, { aws, given, tools, signal }: ReadTools): { stop(): void } {
  const stopping = new AbortController();
  const seconds = Math.ceil(given.visibility / 1000);
  const ended = AbortSignal.any([stopping.signal, signal]);
  const beat = async () => {
    for (;;) {
      await tools.clock.sleep(given.visibility / 3, ended);
      // One that is seen again comes twice, and counts once.
      await aws.hide(handle, seconds).catch(error => {
        tools.log.warn({ because: messageOf(error) }, 'a message could not be hidden for longer');
      });
    }
  };
  beat().catch(() => {});
  return { stop: () => stopping.abort() };
}
