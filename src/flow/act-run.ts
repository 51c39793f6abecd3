import type { Act, ActAnswer } from '../model/act.ts';
import { type Actor, nameOf } from '../model/actor.ts';
import { type Fact, streamOf } from '../model/journal.ts';
import { isEnded, type Run } from '../model/run.ts';
import { type ActParts, refused, unknown } from './act-parts.ts';
import { journalCancel } from './cancel.ts';
import { voidApprovals } from './engine-parts.ts';

export async function performCancel(
  who: Actor,
  act: Extract<Act, { kind: 'cancel' }>,
  parts: ActParts,
): Promise<ActAnswer> {
  const known = await parts.store.run(act.run);
  if (known === null) throw unknown('run', act.run, []);
  if (isEnded(known.state)) return refused('conflict', 409, `The run is ${known.state} already.`);
  const because = `${nameOf(who)} cancelled it${act.reason === null ? '' : `: ${act.reason}`}`;
  const after = await journalCancel(parts.streams, known.id, who, because);
  if (isEnded(after.state)) {
    await voidApprovals(after.id, because, parts);
    return { ok: true, text: 'Cancelled.', run: after.id };
  }
  parts.interrupt(after.id);
  await parts.dispatcher.ring({ run: after.id, first: true });
  return { ok: true, text: 'Cancelling: the step that runs is being stopped.', run: after.id };
}

/** The answer to `asking`: Retry, Skip or Abort the step whose outcome nobody knows. */
export async function performAnswer(
  who: Actor,
  act: Extract<Act, { kind: 'answer' }>,
  parts: ActParts,
): Promise<ActAnswer> {
  const known = await parts.store.run(act.run);
  if (known === null) throw unknown('run', act.run, []);
  const question = await newestQuestion(known, parts);
  let because: string | null = null;
  const after = await parts.streams.run(known.id, who, run => {
    because = whyNot(run, act, question);
    return because === null ? answerFacts(run, act, who) : null;
  });
  if (because !== null) return refused('conflict', 409, because);
  await parts.dispatcher.ring({ run: after.id, first: true });
  return { ok: true, text: `Noted: ${act.choice} ${act.step}.`, run: after.id };
}

/** The step that the newest question names, and the version of the run at which it was read. */
interface Question {
  step: string;
  version: number;
}

async function newestQuestion(run: Run, parts: ActParts): Promise<Question | null> {
  if (run.state !== 'asking') return null;
  const entries = await parts.store.stream(streamOf.run(run.id));
  const asked = entries.flatMap(({ fact }) => (fact.kind === 'run.asking' ? [fact.step] : [])).at(-1);
  return { step: asked ?? '', version: entries.length };
}

/** Null when the answer is to what the run asks now. A button stays pressable in an old post after its question was answered. */
function whyNot(run: Run, act: Extract<Act, { kind: 'answer' }>, question: Question | null): string | null {
  if (run.state !== 'asking') return `The run is ${run.state} and asks nothing.`;
  const open = run.steps.filter(step => step.state === 'unknown').map(step => step.id);
  if (open.includes(act.step)) return null;
  if (question?.version !== run.version) return 'The run has moved on just now: look at what it asks.';
  // The buttons of a question about the replay name the last step (see cards.ts); the question itself names the one that differs.
  const asked = open.length > 0 ? [question.step] : [question.step, run.steps.at(-1)?.id ?? ''];
  if (asked.includes(act.step)) return null;
  return `The run does not ask about "${act.step}" now. It asks: ${run.because ?? `what to do with "${question.step}"`}`;
}

function answerFacts(run: Run, act: Extract<Act, { kind: 'answer' }>, who: Actor): { facts: Fact[] } {
  const step = run.steps.find(one => one.id === act.step);
  const reason = `${nameOf(who)}${act.reason === null ? '' : `: ${act.reason}`}`;
  // A question about the replay is not about a step's outcome: what is journalled of the step stays.
  if (step?.state !== 'unknown') {
    return act.choice === 'abort'
      ? { facts: [{ kind: 'run.finished', run: run.id, state: 'failed', because: `aborted by ${reason}` }] }
      : { facts: [{ kind: 'run.released', run: run.id, because: `${act.choice} by ${reason}` }] };
  }
  return {
    facts: [
      { kind: 'step.answered', run: run.id, step: act.step, choice: act.choice, reason: `${act.choice} by ${reason}` },
    ],
  };
}
