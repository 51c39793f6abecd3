import type { Json } from '../../kernel/canonical.ts';
import { parseDuration } from '../../kernel/duration.ts';
import { isCode, TocsinError } from '../../kernel/errors.ts';
import { isEnded, type Run, type Step } from '../../model/run.ts';
import type { StepOptions } from '../../ports/runbook.ts';
import type { StepType } from '../../ports/step.ts';
import { failedGuard } from '../journal/streams.ts';
import type { Call, SessionParts } from './call.ts';
import { leftFact, nothingLeft } from './leftovers.ts';
import { finishedFact, interruptAttempt, record } from './record.ts';
import { type Outcome, Stopped } from './step.ts';
import type { Waiter } from './waiter.ts';

export type { SessionParts } from './call.ts';
export { finishedFact } from './record.ts';

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
  const left = await parts.reap(call.path);
  const input = call.type.input.safeParse(call.given);
  const far = input.success ? parts.farOf(call.type, input.data) : null;
  const number = recorded?.attempts ?? 1;
  const attempt = { call, number, log: null, leftovers: { far, left }, parts };
  if (left !== null) await parts.append(run => ({ facts: [leftFact(run.id, call.path, left)] }));
  await interruptAttempt(attempt, 'it was started, and no result was recorded before the process ended');
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
    return { outcome, leftovers: nothingLeft, log: null };
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

export function stepOf(run: Run, path: string): Step | null {
  return run.steps.find(step => step.id === path) ?? null;
}
