import { postponeStep } from '../../model/fold.ts';
import type { Fact } from '../../model/journal.ts';
import type { Step } from '../../model/run.ts';
import type { Change } from '../../ports/store.ts';
import type { Call, SessionParts } from './call.ts';
import { besideFact, type Leftovers, leftFact, withFar } from './leftovers.ts';
import { type Outcome, Stopped, type StopReason } from './step.ts';

/** Journals the outcome of an attempt. False when the step now waits. */
export async function record(
  call: Call,
  number: number,
  before: Step['waiting'],
  result: Awaited<ReturnType<SessionParts['attempt']>>,
  parts: SessionParts,
): Promise<boolean> {
  const { outcome, log, leftovers } = result;
  const attempt: Attempt = { call, number, log, leftovers, parts };
  await tellLeft(attempt, outcome);
  switch (outcome.kind) {
    case 'stopped':
      await recordStop(attempt, outcome.why);
      throw new Stopped(outcome.why);
    case 'done':
      await finish(attempt, {
        state: 'done',
        output: outcome.output,
        exitCode: outcome.exitCode,
        because: outcome.because ?? null,
        ...(outcome.window === undefined ? {} : { window: outcome.window }),
      });
      return true;
    case 'failed':
      await recordFailure(attempt, outcome);
      return true;
    case 'lost':
      await recordLost(attempt, outcome.because);
      return true;
    case 'waiting':
      await recordWait(attempt, before, outcome.result);
      return false;
  }
}

interface Attempt {
  call: Call;
  number: number;
  log: { digest: string; bytes: string } | null;
  leftovers: Leftovers;
  parts: SessionParts;
}

/** Said before the result, which may end the run. A worker that lost the run may append nothing; its log says it. */
async function tellLeft({ call, leftovers, parts }: Attempt, outcome: Outcome): Promise<void> {
  const { left } = leftovers;
  if (left === null || (outcome.kind === 'stopped' && outcome.why === 'lease-lost')) return;
  await parts.append(run => ({ facts: [leftFact(run.id, call.path, left)] }));
}

type FinishedFact = Extract<Fact, { kind: 'step.finished' }>;

async function finish(
  { call, number, log, parts }: Attempt,
  facts: Partial<FinishedFact> & Pick<FinishedFact, 'state'>,
): Promise<void> {
  await parts.result(run => ({
    facts: [finishedFact(run.id, call.path, number, { ...facts, log: log?.digest ?? null })],
    with: blobsOf(log),
  }));
}

function blobsOf(log: Attempt['log']): Change {
  return log === null ? {} : { blobs: [log] };
}

/** Nothing is journalled where the lease is lost: the run is another worker's. */
async function recordStop(attempt: Attempt, why: StopReason): Promise<void> {
  const { leftovers } = attempt;
  if (why === 'draining') await interruptAttempt(attempt, 'it was still running when the process had to stop');
  if (why === 'cancelled') await finish(attempt, { state: 'failed', because: withFar('cancelled', leftovers.far) });
}

async function recordFailure(attempt: Attempt, outcome: Extract<Outcome, { kind: 'failed' }>): Promise<void> {
  const { call, number, log, leftovers, parts } = attempt;
  const { output, exitCode, ending } = outcome;
  const { far } = leftovers;
  const { times, wait, factor } = call.options.retry;
  const because = withFar(outcome.because, far);
  if (number > times) return await finish(attempt, { state: 'failed', output, exitCode, because, ending });
  // Its outcome is not known: what it does elsewhere may still come to a good end. A second one beside it is for people to decide.
  if (far !== null && !call.options.idempotent) return await interruptAttempt(attempt, outcome.because);
  const wakeAt = Math.round(parts.now() + wait * factor ** (number - 1));
  await parts.append(run => ({
    facts: [
      { kind: 'step.retrying', run: run.id, step: call.path, attempt: number, because, wakeAt },
      ...(far === null ? [] : [besideFact(run.id, call.path, far)]),
    ],
    with: blobsOf(log),
  }));
}

/** What nobody could follow to its end so many times is not tried once more. */
const mostLost = 3;

async function recordLost(attempt: Attempt, because: string): Promise<void> {
  if (attempt.number < mostLost) await interruptAttempt(attempt, because);
  else await finish(attempt, { state: 'failed', because: withFar(because, attempt.leftovers.far) });
}

/** Journals that the outcome of the attempt is unknown; what follows is `onInterrupt` of the step. */
export async function interruptAttempt(
  { call, number, log, leftovers, parts }: Attempt,
  because: string,
): Promise<void> {
  const { far } = leftovers;
  const retries = call.options.onInterrupt === 'retry';
  await parts.append(run => ({
    facts: [
      { kind: 'step.interrupted', run: run.id, step: call.path, attempt: number, because: withFar(because, far) },
      ...(far === null || !retries ? [] : [besideFact(run.id, call.path, far)]),
    ],
    with: blobsOf(log),
  }));
}

/** A wait is journalled once; when only its next wake-up moves, only the run's document changes. */
async function recordWait(
  { call, parts }: Attempt,
  before: Step['waiting'],
  result: Extract<Outcome, { kind: 'waiting' }>['result'],
): Promise<void> {
  const { for: what, wakeAt } = result;
  const on = result.on ?? null;
  if (before === null || before.for !== what || before.on !== on) {
    const waiting = { for: what, wakeAt, on, since: before?.since ?? parts.now() };
    return await parts.append(run => ({ facts: [{ kind: 'step.waiting', run: run.id, step: call.path, waiting }] }));
  }
  if (before.wakeAt !== wakeAt)
    await parts.append(() => ({ facts: [], adjust: run => postponeStep(run, call.path, wakeAt) }));
}

export function finishedFact(
  run: string,
  step: string,
  attempt: number,
  facts: Partial<FinishedFact> & Pick<FinishedFact, 'state'>,
): Fact {
  return {
    kind: 'step.finished',
    run,
    step,
    attempt,
    output: null,
    exitCode: null,
    because: null,
    ending: null,
    log: null,
    ...facts,
  };
}
