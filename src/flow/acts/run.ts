import { TocsinError } from '../../kernel/errors.ts';
import type { Act, ActAnswer } from '../../model/act.ts';
import { type Actor, nameOf } from '../../model/actor.ts';
import type { Fact } from '../../model/journal.ts';
import { isEnded, type Run } from '../../model/run.ts';
import { journalCancel } from '../pipeline/cancel.ts';
import { voidApprovals } from '../pipeline/close.ts';
import { type ActParts, refused, unknown } from './parts.ts';

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
  await parts.dispatcher.wake({ run: after.id, first: true });
  return { ok: true, text: 'Cancelling: the step that runs is being stopped.', run: after.id };
}

type Answer = Extract<Act, { kind: 'answer' }>;

/** Answers a run in `asking`: retry, skip or abort the step whose outcome is unknown. Rejects with `not-found` or `not-asked`. */
export async function performAnswer(who: Actor, act: Answer, parts: ActParts): Promise<ActAnswer> {
  const known = await parts.store.run(act.run);
  if (known === null) throw unknown('run', act.run, []);
  let because: string | null = null;
  const after = await parts.streams.run(known.id, who, run => {
    because = whyNot(run, act);
    return because === null ? answerFacts(run, act, who) : null;
  });
  if (because !== null) throw new TocsinError('not-asked', { message: because });
  await parts.dispatcher.wake({ run: after.id, first: true });
  return { ok: true, text: `Noted: ${act.choice} ${act.step}.`, run: after.id };
}

/**
 * Null when the answer is to what the run asks now, else why not. A button in an old post can be pressed after its question was answered,
 * also when the run asks about the same step again. Each question takes one answer, because the answer takes the run out of `asking`.
 */
function whyNot(run: Run, act: Answer): string | null {
  if (run.state !== 'asking') return `The run is ${run.state} and asks nothing.`;
  const { question } = run;
  const asks = `It asks: ${run.because ?? 'what to do'}`;
  if (act.question !== undefined && act.question !== question?.number)
    return `Question ${act.question} of the run is over. ${asks}`;
  const open = run.steps.filter(step => step.state === 'unknown').map(step => step.id);
  // The buttons of a question about the replay name the last step (see thread/cards/cards.ts); the question itself names the one that differs.
  const last = open.length > 0 ? undefined : run.steps.at(-1)?.id;
  if ([...open, question?.step, last].includes(act.step)) return null;
  return `The run does not ask about "${act.step}" now. ${asks}`;
}

function answerFacts(run: Run, act: Answer, who: Actor): { facts: Fact[] } {
  const step = run.steps.find(one => one.id === act.step);
  const reason = `${nameOf(who)}${act.reason === null ? '' : `: ${act.reason}`}`;
  // A question about the replay is not about a step's outcome, so the journalled outcome of the step stays.
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
