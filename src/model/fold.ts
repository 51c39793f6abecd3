import type { Approval } from './approval.ts';
import type { Fact, FactOf } from './journal.ts';
import type { Run, Step } from './run.ts';
import { isEnded } from './run.ts';

/** Pure reducer: the run after one more fact of its stream. The first fact must be `run.created`. `at` is the time of the entry. */
export function foldRun(known: Run | null, fact: Fact, at: number): Run {
  if (fact.kind === 'run.created') return { ...fact.run, version: 1 };
  if (known === null) throw new Error(`a run's first entry is run.created, not ${fact.kind}`);
  // An ending is final, whatever a late writer appends. Only its explanation may change (`run.amended`).
  const next = isEnded(known.state) && fact.kind !== 'run.amended' ? known : settle(applyToRun(known, fact, at));
  return { ...next, version: known.version + 1, wakeAt: isEnded(next.state) ? null : wakeAt(next) };
}

/** A started run whose steps only wait is `waiting`: it holds no worker. */
function settle(run: Run): Run {
  if (run.startedAt === null || (run.state !== 'running' && run.state !== 'waiting')) return run;
  const works = run.steps.some(step => step.state === 'running') || !run.steps.some(step => step.state === 'waiting');
  return { ...run, state: works ? 'running' : 'waiting' };
}

function applyToRun(run: Run, fact: Fact, at: number): Run {
  switch (fact.kind) {
    case 'run.released':
      return { ...run, state: 'queued' };
    case 'run.started':
      return { ...run, state: 'running', startedAt: run.startedAt ?? at, crashes: run.crashes + 1 };
    case 'run.asking':
      return {
        ...run,
        state: 'asking',
        because: fact.because,
        question: { number: (run.question?.number ?? 0) + 1, step: fact.step },
      };
    case 'run.cancelling':
      return { ...run, cancel: { by: '', reason: fact.reason } };
    case 'run.finished':
      return {
        ...run,
        state: fact.state,
        because: fact.because,
        finishedAt: at,
        steps: run.steps.map(closed(fact, at)),
      };
    case 'run.amended':
      return { ...run, because: fact.because, state: fact.state ?? run.state };
    case 'step.answered':
      return { ...withStep(run, fact.step, answered(fact)), state: 'queued', because: null };
    default:
      return applyToSteps(run, fact, at);
  }
}

/** Facts of a step. Recorded progress shows that the worker did not crash, so it resets the crash count. */
function applyToSteps(run: Run, fact: Fact, at: number): Run {
  switch (fact.kind) {
    case 'step.started':
      return withStep(run, fact.step, step => ({
        ...step,
        type: fact.type,
        title: fact.title,
        state: 'running',
        attempts: fact.attempt,
        idempotent: fact.idempotent,
        inputDigest: fact.inputDigest,
        waiting: null,
        because: null,
        startedAt: step.startedAt ?? at,
      }));
    case 'step.waiting':
      return {
        ...withStep(run, fact.step, step => ({ ...step, state: 'waiting', waiting: fact.waiting })),
        crashes: 0,
      };
    case 'step.retrying':
      return {
        ...withStep(run, fact.step, step => ({
          ...step,
          state: 'waiting',
          because: fact.because,
          waiting: { for: 'retry', wakeAt: fact.wakeAt, on: null, since: at },
        })),
        crashes: 0,
      };
    case 'step.finished':
      return { ...withStep(run, fact.step, step => finished(step, fact, at)), crashes: 0 };
    case 'step.interrupted':
      return withStep(run, fact.step, step => ({ ...step, state: 'unknown', because: fact.because }));
    case 'step.undone':
      return withStep(run, fact.step, step => ({ ...step, state: 'undone' }));
    default:
      return run;
  }
}

function finished(step: Step, fact: FactOf<'step.finished'>, at: number): Step {
  return {
    ...step,
    state: fact.state,
    attempts: Math.max(step.attempts, fact.attempt),
    output: fact.output,
    exitCode: fact.exitCode,
    because: fact.because,
    ending: fact.ending,
    window: fact.window ?? null,
    waiting: null,
    finishedAt: at,
  };
}

/** In an ended run no step runs or waits: a running step becomes `unknown` (no recorded result), a waiting one `failed`. */
function closed(end: FactOf<'run.finished'>, at: number): (step: Step) => Step {
  return step => {
    if (step.state === 'running')
      return { ...step, state: 'unknown', because: `the run ended ${end.state} before a result was recorded` };
    if (step.state !== 'waiting') return step;
    const ended = `the run ended ${end.state} while it waited`;
    const because = step.because === null ? ended : `${step.because}; ${ended}`;
    return { ...step, state: 'failed', because, waiting: null, finishedAt: at };
  };
}

function answered(fact: FactOf<'step.answered'>): (step: Step) => Step {
  if (fact.choice === 'retry') return step => ({ ...step, state: 'pending', because: null });
  const state = fact.choice === 'skip' ? 'skipped' : 'failed';
  const because = fact.choice === 'skip' ? 'a person skipped it' : 'a person aborted the run here';
  return step => ({ ...step, state, because: fact.reason ?? because });
}

function withStep(run: Run, id: string, change: (step: Step) => Step): Run {
  const at = run.steps.findIndex(step => step.id === id);
  if (at < 0) return { ...run, steps: [...run.steps, change(newStep(id))] };
  return { ...run, steps: run.steps.map((step, index) => (index === at ? change(step) : step)) };
}

/** A step in its initial state. */
export function newStep(id: string, facts: Partial<Step> = {}): Step {
  return {
    id,
    type: 'unknown',
    title: id,
    state: 'pending',
    attempts: 0,
    idempotent: false,
    inputDigest: null,
    waiting: null,
    exitCode: null,
    output: null,
    because: null,
    ending: null,
    window: null,
    startedAt: null,
    finishedAt: null,
    ...facts,
  };
}

/**
 * Pure: the run with another wake-up time for a waiting step. A look that found nothing new is not journalled, so the time is only in the
 * document; after a fold of the journal the step is looked at once too early, which does no harm.
 */
export function postponeStep(run: Run, id: string, at: number | null): Run {
  const steps = run.steps.map(step =>
    step.id === id && step.waiting !== null ? { ...step, waiting: { ...step.waiting, wakeAt: at } } : step,
  );
  const next = { ...run, steps };
  return { ...next, wakeAt: isEnded(next.state) ? null : wakeAt(next) };
}

function wakeAt(run: Run): number | null {
  const due = run.steps.flatMap(step =>
    step.state === 'waiting' && step.waiting?.wakeAt != null ? [step.waiting.wakeAt] : [],
  );
  return due.length === 0 ? null : Math.min(...due);
}

/** Pure reducer: the approval after one more fact of its stream. The first fact must be `approval.requested`. */
export function foldApproval(known: Approval | null, fact: Fact, at: number): Approval {
  if (fact.kind === 'approval.requested') return { ...fact.approval, version: 1 };
  if (known === null) throw new Error(`an approval's first entry is approval.requested, not ${fact.kind}`);
  const version = known.version + 1;
  if (known.state !== 'open') return { ...known, version };
  switch (fact.kind) {
    case 'approval.voted':
      return { ...known, version, votes: [...known.votes, fact.vote] };
    case 'approval.warned':
      return {
        ...known,
        version,
        warned: [...known.warned.filter(one => one.person !== fact.person), { person: fact.person, at }],
      };
    case 'approval.escalated':
      return {
        ...known,
        version,
        escalated: true,
        expiresAt: fact.expiresAt,
        ask: { ...known.ask, by: [fact.to], escalate: null },
      };
    case 'approval.closed':
      return { ...known, version, state: fact.state, because: fact.because, closedAt: at };
    default:
      return { ...known, version };
  }
}
