import type { Json } from '../../kernel/canonical.ts';
import { parseDuration } from '../../kernel/duration.ts';
import { isCode, TocsinError } from '../../kernel/errors.ts';
import { postponeStep } from '../../model/fold.ts';
import type { Fact } from '../../model/journal.ts';
import { isEnded, type Run, type Step } from '../../model/run.ts';
import type { StepOptions } from '../../ports/runbook.ts';
import type { StepType } from '../../ports/step.ts';
import type { Change } from '../../ports/store.ts';
import { failedGuard } from '../journal/streams.ts';
import type { Decide } from './journal.ts';
import { type Outcome, Stopped, type StopReason } from './step.ts';
import type { Waiter } from './waiter.ts';

/** A step that failed for good; a TypeScript runbook may catch it and go on. */
export class StepFailed extends Error {
  readonly step: string;
  readonly ending: NonNullable<Step['ending']>;
  constructor(step: string, because: string, ending: Step['ending']) {
    super(`${step}: ${because}`);
    this.name = 'StepFailed';
    this.step = step;
    this.ending = ending ?? 'failed';
  }
}

/** What steps need of their session: one worker's time with one run, from replay until the end, a wait or a stop. */
export interface SessionParts {
  /** The run as of the last append. */
  run(): Run;
  /** Appends under the lease; rejects with Stopped `lease-lost` when the lease is gone. */
  append(decide: Decide): Promise<void>;
  /**
   * Records a result; resolves when the runbook may read it. YAML may at once, because what follows is committed with it or after it, see
   * flow/run/journal.ts. The code of a TypeScript runbook can act on it outside of the journal, so there it is durable first.
   */
  result(decide: Decide): void | Promise<void>;
  steps: ReadonlyMap<string, StepType>;
  /** The time-out of a step that names none, milliseconds. */
  defaultTimeout: number;
  now(): number;
  /**
   * Resolves to true when a committed decision or approval for exactly this plan stands, and to false when there is none, or when the
   * process stops. Rejects with `plan-changed` when the snapshot is not intact. (The change that journals the start checks for a halt.)
   */
  mayStart(): Promise<boolean>;
  /** Kills the processes that an interrupted attempt of this step left behind. */
  reap(step: string): Promise<void>;
  attempt(work: {
    type: StepType;
    input: unknown;
    step: string;
    number: number;
    timeout: number | null;
    waiting: Step['waiting'];
  }): Promise<{ outcome: Outcome; log: { digest: string; bytes: string } | null }>;
  token: number;
}

export interface Call {
  path: string;
  type: StepType;
  given: unknown;
  options: Required<Pick<StepOptions, 'idempotent' | 'onInterrupt'>> & {
    title: string;
    timeout: number | null;
    retry: { times: number; wait: number; factor: number };
  };
  digest: string;
}

/** The output of a skipped step: a runbook that reads it finds the members of `exec`. */
const unset = { exitCode: null, stdout: '', stderr: '' };

/** Advances one step from its journalled state until it ends or has to wait. */
export async function performCall(call: Call, parts: SessionParts, waiter: Waiter): Promise<Json> {
  for (;;) {
    const recorded = stepOf(parts.run(), call.path);
    checkReplay(call, recorded);
    switch (recorded?.state ?? 'pending') {
      case 'done':
      case 'undone':
        return recorded?.output ?? null;
      case 'skipped':
        return recorded?.output ?? unset;
      case 'failed':
        throw new StepFailed(call.path, recorded?.because ?? 'failed', recorded?.ending ?? null);
      case 'running':
        await interrupt(call, recorded, parts);
        break;
      case 'unknown':
        if (!(await settleUnknown(call, recorded, parts))) return await waiter.forEver();
        break;
      case 'waiting':
        if (!(await resumeWait(call, recorded, parts))) return await waiter.forEver();
        break;
      case 'pending':
        if (!(await start(call, recorded, parts))) return await waiter.forEver();
        break;
    }
  }
}

/** A deterministic runbook does the same on replay. Throws `replay-differs` where it does not. */
function checkReplay(call: Call, recorded: Step | null) {
  if (recorded === null || recorded.inputDigest === null) return;
  if (recorded.type === call.type.id && recorded.inputDigest === call.digest) return;
  throw new TocsinError('replay-differs', {
    at: call.path,
    message: `On replay the step "${call.path}" is not what is journalled: ${recorded.type === call.type.id ? 'its input differs' : `it is ${call.type.id}, not ${recorded.type}`}.`,
  });
}

/** Journals that a step was interrupted: it was started under an earlier lease, and its outcome is not recorded. */
async function interrupt(call: Call, recorded: Step | null, parts: SessionParts) {
  await parts.reap(call.path);
  const attempt = recorded?.attempts ?? 1;
  await parts.append(run => ({
    facts: [
      {
        kind: 'step.interrupted',
        run: run.id,
        step: call.path,
        attempt,
        because: 'it was started, and no result was recorded before the process ended',
      },
    ],
  }));
}

/** True when the step can go on; false when it has to wait, for example for a person's answer. */
async function settleUnknown(call: Call, recorded: Step | null, parts: SessionParts): Promise<boolean> {
  const attempt = recorded?.attempts ?? 1;
  switch (call.options.onInterrupt) {
    case 'retry':
      await parts.reap(call.path);
      return await start(call, recorded, parts);
    case 'skip':
      await parts.append(run => ({
        facts: [
          finishedFact(run.id, call.path, attempt, {
            state: 'skipped',
            because: 'interrupted; the runbook says to skip it then',
          }),
        ],
      }));
      return true;
    case 'fail':
      await parts.append(run => ({
        facts: [
          finishedFact(run.id, call.path, attempt, {
            state: 'failed',
            because: 'interrupted; the runbook says to fail then',
          }),
        ],
      }));
      return true;
    case 'ask':
      await parts.append(run =>
        run.state === 'asking'
          ? null
          : {
              facts: [
                {
                  kind: 'run.asking',
                  run: run.id,
                  step: call.path,
                  because: `Nobody knows what "${call.path}" did: ${recorded?.because ?? 'it was interrupted'}.`,
                },
              ],
            },
      );
      return false;
  }
}

/** True when the wait is over or the step moved on. */
async function resumeWait(call: Call, recorded: Step | null, parts: SessionParts): Promise<boolean> {
  const waiting = recorded?.waiting ?? null;
  const number = recorded?.attempts ?? 1;
  if (waiting?.for === 'retry') {
    return (waiting.wakeAt ?? 0) <= parts.now() && (await start(call, recorded, parts));
  }
  return await record(call, number, waiting, await runAttempt(call, number, waiting, parts), parts);
}

/** Starts an attempt and journals its outcome. False when the step now waits, or may not start while everything is halted. */
async function start(call: Call, recorded: Step | null, parts: SessionParts): Promise<boolean> {
  if (!(await parts.mayStart())) return false;
  const number = (recorded?.attempts ?? 0) + 1;
  const { options } = call;
  const begun = parts.append(run => {
    // The run may have been ended or cancelled since it was last read.
    if (isEnded(run.state) || run.cancel !== null) throw new Stopped('cancelled');
    return {
      with: { guards: [{ kind: 'halt' }] },
      facts: [
        {
          kind: 'step.started',
          run: run.id,
          step: call.path,
          type: call.type.id,
          title: options.title,
          attempt: number,
          idempotent: options.idempotent,
          inputDigest: call.digest,
          token: parts.token,
        },
      ],
    };
  });
  if (!(await begun.then(() => true, refusedByHalt))) return false;
  return await record(call, number, null, await runAttempt(call, number, null, parts), parts);
}

function refusedByHalt(error: unknown): false {
  if (isCode(error, 'guard-failed') && failedGuard(error) === 'halt') return false;
  throw error;
}

async function runAttempt(call: Call, number: number, waiting: Step['waiting'], parts: SessionParts) {
  const parsed = call.type.input.safeParse(call.given);
  if (!parsed.success) {
    const because = parsed.error.issues.map(issue => `${issue.path.join('.') || 'input'}: ${issue.message}`).join('; ');
    const outcome: Outcome = {
      kind: 'failed',
      because: `its input is not one ${call.type.id} takes: ${because}`,
      output: null,
      exitCode: null,
      ending: null,
    };
    return { outcome, log: null };
  }
  return await parts.attempt({
    type: call.type,
    input: parsed.data,
    step: call.path,
    number,
    timeout: call.options.timeout,
    waiting,
  });
}

/** Journals the outcome of an attempt. False when the step now waits. */
async function record(
  call: Call,
  number: number,
  before: Step['waiting'],
  result: Awaited<ReturnType<SessionParts['attempt']>>,
  parts: SessionParts,
): Promise<boolean> {
  const { outcome, log } = result;
  const attempt: Attempt = { call, number, log, parts };
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
    case 'waiting':
      await recordWait(attempt, before, outcome.result);
      return false;
  }
}

interface Attempt {
  call: Call;
  number: number;
  log: { digest: string; bytes: string } | null;
  parts: SessionParts;
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
  const { call, number, log, parts } = attempt;
  const because = 'it was still running when the process had to stop';
  if (why === 'draining')
    await parts.append(run => ({
      facts: [{ kind: 'step.interrupted', run: run.id, step: call.path, attempt: number, because }],
      with: blobsOf(log),
    }));
  if (why === 'cancelled') await finish(attempt, { state: 'failed', because: 'cancelled' });
}

async function recordFailure(attempt: Attempt, outcome: Extract<Outcome, { kind: 'failed' }>): Promise<void> {
  const { call, number, log, parts } = attempt;
  const { because, output, exitCode, ending } = outcome;
  const { times, wait, factor } = call.options.retry;
  if (number > times) return await finish(attempt, { state: 'failed', output, exitCode, because, ending });
  const wakeAt = Math.round(parts.now() + wait * factor ** (number - 1));
  await parts.append(run => ({
    facts: [{ kind: 'step.retrying', run: run.id, step: call.path, attempt: number, because, wakeAt }],
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

export function withDefaults(type: StepType, options: StepOptions, defaultTimeout: number): Call['options'] {
  const idempotent = options.idempotent ?? type.idempotent;
  return {
    title: options.title ?? '',
    idempotent,
    onInterrupt: options.onInterrupt ?? (idempotent ? 'retry' : 'ask'),
    timeout:
      options.timeout === undefined
        ? type.timeout === 'default'
          ? defaultTimeout
          : type.timeout
        : toMilliseconds(options.timeout),
    retry: {
      times: options.retry?.times ?? 0,
      wait: toMilliseconds(options.retry?.wait ?? 1000) ?? 1000,
      factor: options.retry?.factor ?? 2,
    },
  };
}

/** A duration as runbooks give it. Throws `params-invalid` for text that is none. */
export function toMilliseconds(time: number | string | null): number | null {
  if (time === null || typeof time === 'number') return time;
  const value = parseDuration(time);
  if (value === null)
    throw new TocsinError('params-invalid', {
      message: `"${time}" is not a duration.`,
      allowed: '30s, 10m, 2h, 1d',
      given: time,
    });
  return value;
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

export function stepOf(run: Run, path: string): Step | null {
  return run.steps.find(step => step.id === path) ?? null;
}
