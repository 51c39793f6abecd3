import type { Json } from '../../kernel/canonical.ts';
import type { Clock } from '../../kernel/clock.ts';
import { showDuration } from '../../kernel/duration.ts';
import { explainError, isCode, TocsinError } from '../../kernel/errors.ts';
import { over } from '../../kernel/over.ts';
import { redactJson, redactText, type Secrets } from '../../kernel/redact/redact.ts';
import type { Step } from '../../model/run.ts';
import type { StepContext, StepResult, StepType } from '../../ports/step.ts';

/** The outcome of one attempt. `stopped` means that it was ended from outside; `why` is the cause. */
export type Outcome =
  | { kind: 'done'; output: Json; exitCode: number | null; because?: string | null; window?: number | undefined }
  | { kind: 'failed'; because: string; output: Json; exitCode: number | null; ending: Step['ending'] }
  | { kind: 'waiting'; result: Extract<StepResult, { state: 'waiting' }> }
  /** Nobody can say how it ended, because what started it is gone. */
  | { kind: 'lost'; because: string }
  | { kind: 'stopped'; why: 'cancelled' | 'draining' | 'lease-lost' };

export type StopReason = Extract<Outcome, { kind: 'stopped' }>['why'];

/** The abort reason of an attempt's signal, which says why it was stopped. */
export class Stopped extends Error {
  readonly why: StopReason;
  constructor(why: StopReason) {
    super(why);
    this.why = why;
  }
}

export interface Attempt {
  type: StepType;
  input: unknown;
  context(signal: AbortSignal): StepContext;
  /** Milliseconds; null for never. */
  timeout: number | null;
  /** Aborted with a Stopped when the whole session has to end. */
  session: AbortSignal;
  clock: Clock;
}

/** The outcome without what must never be shown: it is journalled, shown on cards and read by the next steps. */
export function redactOutcome(outcome: Outcome, hidden: Secrets): Outcome {
  switch (outcome.kind) {
    case 'done':
      return { ...outcome, output: redactJson(outcome.output, hidden) };
    case 'failed':
      return {
        ...outcome,
        because: redactText(outcome.because, hidden),
        output: redactJson(outcome.output, hidden),
      };
    default:
      return outcome;
  }
}

/** How long a driver may take to return after its signal was aborted, milliseconds; then the attempt ends without it. */
const patience = 30_000;

/**
 * Runs one attempt of one step, with time-out and abort. Never rejects: an error of a driver makes a failed attempt that names the error.
 */
export async function attemptStep(attempt: Attempt): Promise<Outcome> {
  const end = new AbortController();
  const done = new AbortController();
  const { timeout, clock, session } = attempt;
  // Not AbortSignal.any: its bookkeeping for the garbage collector would slow a short step.
  const endWithSession = () => end.abort(session.reason);
  if (session.aborted) endWithSession();
  else session.addEventListener('abort', endWithSession, { once: true });
  let timedOut = false;
  if (timeout !== null) {
    void clock.sleep(timeout, done.signal).then(
      () => {
        timedOut = !end.signal.aborted;
        end.abort(new TocsinError('step-timeout'));
      },
      () => {},
    );
  }
  try {
    const result = await Promise.race([
      attempt.type.run(attempt.input, attempt.context(end.signal)),
      abandoned(end.signal, done.signal, clock),
    ]);
    // A step that is done counts as done, also when it was stopped in the same moment. Any other result is explained by what stopped it.
    if (result.state === 'done') return outcomeOf(result);
    return stopped(session) ?? (timedOut ? tooLong(timeout, { result }) : outcomeOf(result));
  } catch (error) {
    return stopped(session) ?? (timedOut ? tooLong(timeout, { error }) : failure(error));
  } finally {
    session.removeEventListener('abort', endWithSession);
    done.abort(over);
  }
}

/** Rejects when the driver ignores its abort for too long, so that one bad driver cannot hold a worker for ever. */
async function abandoned(signal: AbortSignal, done: AbortSignal, clock: Clock): Promise<never> {
  await new Promise<void>(resolve => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
  await clock.sleep(patience, done).catch(() => {});
  throw signal.reason;
}

function stopped(session: AbortSignal): Outcome | null {
  return session.aborted && session.reason instanceof Stopped ? { kind: 'stopped', why: session.reason.why } : null;
}

/** What the step had got until then stays readable; what it waited for is said where it says so itself. */
function tooLong(timeout: number | null, came: { result: StepResult } | { error: unknown }): Outcome {
  const got = 'result' in came && came.result.state === 'failed' ? came.result : null;
  const error = 'error' in came && came.error instanceof TocsinError ? came.error : null;
  const waited = error === null || error.code === 'step-timeout' ? '' : `: ${error.message}`;
  return {
    kind: 'failed',
    because: `it took longer than its timeout of ${showDuration(timeout ?? 0)} and was stopped${waited}`,
    output: got?.output ?? null,
    exitCode: got?.exitCode ?? null,
    ending: null,
  };
}

function outcomeOf(result: StepResult): Outcome {
  switch (result.state) {
    case 'done':
      return {
        kind: 'done',
        output: result.output,
        exitCode: result.exitCode ?? null,
        because: result.because ?? null,
        window: result.window,
      };
    case 'failed':
      return {
        kind: 'failed',
        because: result.because,
        output: result.output ?? null,
        exitCode: result.exitCode ?? null,
        ending: result.ending ?? null,
      };
    case 'waiting':
      return { kind: 'waiting', result };
  }
}

function failure(error: unknown): Outcome {
  if (isCode(error, 'spawner-lost')) return { kind: 'lost', because: error.message };
  const because = isCode(error, 'lease-lost') ? 'the lease was lost' : explainError(error);
  return { kind: 'failed', because, output: null, exitCode: null, ending: null };
}
