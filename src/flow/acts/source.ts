import { showDuration } from '../../kernel/duration.ts';
import type { Act, ActAnswer } from '../../model/act.ts';
import { type Actor, identityOf } from '../../model/actor.ts';
import { type Fact, streamOf } from '../../model/journal.ts';
import type { Recording } from '../../model/recording.ts';
import type { ConfiguredSource } from '../../ports/catalogue.ts';
import { acceptedOutcome } from '../pipeline/delivery-log.ts';
import type { TakenReport } from '../pipeline/intake.ts';
import { mayRecord } from '../pipeline/recorder.ts';
import { testDelivery } from '../pipeline/test-delivery.ts';
import { type ActParts, refused, unknown } from './parts.ts';

/** Delivers an example of the source to itself, proven by this server. Nothing is decided for it (pipeline/test-events.ts). */
export async function performTest(
  who: Actor,
  act: Extract<Act, { kind: 'test' }>,
  parts: ActParts,
): Promise<ActAnswer> {
  const source = sourceOf(act.source, parts);
  const at = parts.clock.now();
  const test = testDelivery(source, at);
  if (!test.ok) {
    const text = `No example of ${source.driver.id} fits the options of ${source.name} (${test.because.replace(/\.$/, '')}), so it cannot be tested from here. Send a test from the sender itself.`;
    return refused('conflict', 409, text);
  }
  const { delivery, title } = test;
  const events: string[] = [];
  const taken = (report: TakenReport) => {
    events.push(...report.events.map(one => one.event));
    const outcome = acceptedOutcome(report, true);
    const seen = { source: source.name, address: null, bytes: delivery.body.length, proven: report.trusted };
    parts.deliveries.seen({ ...seen, outcome });
  };
  await parts.intake.receive(source.name, delivery, { test: true, taken });
  await journal(who, source.name, { kind: 'source.tested', source: source.name, example: title, events }, parts);
  const many = events.length === 1 ? 'One event was' : `${events.length} events were`;
  return {
    ok: true,
    text: `The source takes its example “${title}”. ${many} posted where the routes say, marked as a test; nothing is decided or run for it.`,
  };
}

/** How many recordings there may be at a time. */
const mostRecordings = 5;

/** From now on the next deliveries of the source are kept without their secrets. */
export async function performRecord(
  who: Actor,
  act: Extract<Act, { kind: 'record' }>,
  parts: ActParts,
): Promise<ActAnswer> {
  const source = sourceOf(act.source, parts);
  if (!mayRecord(source))
    return refused('conflict', 409, `What is sent to ${source.name} is never kept, so it cannot be recorded.`);
  const { deliveries: most, unproven, reason } = act;
  const at = parts.clock.now();
  const until = at + act.duration;
  await parts.recorder.sweep();
  if ((await parts.store.recordings()).length >= mostRecordings)
    return refused('conflict', 409, `There are ${mostRecordings} recordings already. Delete one, or wait.`);
  const id = parts.ids.next('rec');
  const doc: Recording = { id, source: source.name, by: identityOf(who), at, until, most, unproven };
  const fact: Fact = { kind: 'source.recording', source: source.name, recording: id, most, until, unproven, reason };
  await parts.feed.commit({
    entries: [{ stream: streamOf.source(source.name), actor: who, at, fact }],
    rows: [{ table: 'recording', doc }],
  });
  parts.recorder.changed();
  const what = most === 1 ? 'The next delivery' : `The next ${most} deliveries`;
  return {
    ok: true,
    text: `${what} of ${source.name} within ${showDuration(act.duration)} will be kept.`,
    recording: id,
  };
}

/** Deletes a recording with what it kept. Who asked for it may, and operators. */
export async function performStopRecording(
  who: Actor,
  act: Extract<Act, { kind: 'unrecord' }>,
  parts: ActParts,
): Promise<ActAnswer> {
  const known = (await parts.store.recordings()).find(one => one.id === act.recording);
  if (known === undefined) return refused('not-found', 404, 'There is no such recording, or it is over.');
  const { source } = known;
  const fact: Fact = { kind: 'source.recording-ended', source, recording: known.id };
  await parts.feed.commit({
    entries: [{ stream: streamOf.source(source), actor: who, at: parts.clock.now(), fact }],
    rows: [{ table: 'recording-gone', id: known.id }],
  });
  parts.recorder.changed();
  return { ok: true, text: 'The recording is deleted.' };
}

function sourceOf(name: string, { catalogue }: ActParts): ConfiguredSource {
  const { sources } = catalogue.current();
  const takes = [...sources.values()].filter(one => one.driver.prove !== undefined);
  const found = takes.find(one => one.name === name);
  if (found !== undefined) return found;
  const names = takes.map(one => one.name);
  throw unknown(sources.has(name) ? 'source with deliveries' : 'source', name, names);
}

async function journal(who: Actor, source: string, fact: Fact, { feed, clock }: ActParts): Promise<void> {
  await feed.commit({ entries: [{ stream: streamOf.source(source), actor: who, at: clock.now(), fact }] });
}
