import { z } from 'zod';
import type { Json } from '../kernel/canonical.ts';
import { decision, risk, triggerKind } from './decision.ts';

export const runState = z.enum([
  'waiting',
  'queued',
  'running',
  'asking',
  'succeeded',
  'failed',
  'ineffective',
  'unconfirmed',
  'cancelled',
  'denied',
  'expired',
]);
export type RunState = z.infer<typeof runState>;

/** The states that a run never leaves. */
export const endings = [
  'succeeded',
  'failed',
  'ineffective',
  'unconfirmed',
  'cancelled',
  'denied',
  'expired',
] as const satisfies RunState[];
export type Ending = (typeof endings)[number];
export const ending = z.enum(endings);

export function isEnded(state: RunState): state is Ending {
  return (endings as readonly RunState[]).includes(state);
}

export const stepState = z.enum(['pending', 'running', 'waiting', 'done', 'failed', 'skipped', 'unknown', 'undone']);

/** The deepest nesting that is accepted. It is far beyond real values, and stops at circular references. */
const deepest = 200;

function isJson(value: unknown, depth = 0): value is Json {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object' || depth > deepest) return false;
  if (Array.isArray(value)) return value.every(item => isJson(item, depth + 1));
  const prototype = Object.getPrototypeOf(value);
  return (
    (prototype === Object.prototype || prototype === null) &&
    Object.values(value).every(item => isJson(item, depth + 1))
  );
}

/**
 * Schema of any JSON value. Not `z.json()`: a recursive schema makes zod track everything that is parsed around it, and `z.compile` does
 * not work for a document that has one.
 */
export const json: z.ZodType<Json> = z.custom<Json>(value => isJson(value), 'a JSON value');

/** How a run ends when a step fails. */
export const stepEnding = z.enum(['failed', 'ineffective', 'unconfirmed']);

/** Why a step or a run is waiting. */
export const waiting = z.object({
  for: z.enum(['timer', 'approval', 'resolve', 'run', 'retry']),
  /** When it wakes at the latest, milliseconds since the epoch; null when only an event can wake it. */
  wakeAt: z.int().nullable(),
  /** The approval or the child run that it waits for. */
  on: z.string().nullable(),
  since: z.int(),
});
export type Waiting = z.infer<typeof waiting>;

export const step = z.object({
  /** Unique in the run; a branch of a parallel step is `group/branch`. */
  id: z.string(),
  type: z.string(),
  title: z.string(),
  state: stepState,
  attempts: z.int(),
  idempotent: z.boolean(),
  inputDigest: z.string().nullable(),
  waiting: waiting.nullable(),
  exitCode: z.int().nullable(),
  /** The output that the next steps read; bounded and redacted. */
  output: json,
  because: z.string().nullable(),
  /** How the run ends because of this failed step; null for other steps. */
  ending: stepEnding.nullable(),
  /** For how long after it later news may show that its success was wrong, milliseconds; null for most steps. */
  window: z.int().nullable().default(null),
  startedAt: z.int().nullable(),
  finishedAt: z.int().nullable(),
});
export type Step = z.infer<typeof step>;

/** The durable execution of a plan. */
export const run = z.object({
  id: z.string(),
  runbook: z.string(),
  title: z.string(),
  risk,
  params: z.record(z.string(), json),
  targets: z.array(z.string()),
  planHash: z.string(),
  state: runState,
  trigger: triggerKind,
  /** The identity that asked for it (see identityOf). */
  requestedBy: z.string(),
  reason: z.string().nullable(),
  /** The held change that it undoes; null for all other runs, and in entries of older builds. */
  undoes: z.string().nullable().default(null),
  alert: z.string().nullable(),
  episode: z.int().nullable(),
  event: z.string().nullable(),
  /** The run whose step called this one. */
  parent: z.object({ run: z.string(), step: z.string() }).nullable(),
  decision,
  /** The run of an earlier episode that must end before this one begins, because both act on the same target; null for most runs. */
  after: z.string().nullable().default(null),
  approval: z.string().nullable(),
  steps: z.array(step),
  cancel: z.object({ by: z.string(), reason: z.string().nullable() }).nullable(),
  because: z.string().nullable(),
  /** The latest question to people: its number in the run, from 1, and its step. Null before the first. Each question takes one answer. */
  question: z.object({ number: z.int(), step: z.string() }).nullable().default(null),
  createdAt: z.int(),
  startedAt: z.int().nullable(),
  finishedAt: z.int().nullable(),
  /** When the next wake-up is due at the latest, milliseconds since the epoch; null when none is due. */
  wakeAt: z.int().nullable(),
  /** How many workers took it without recorded progress since. A run that crashes its workers is stopped after three. */
  crashes: z.int(),
  version: z.int(),
});
export type Run = z.infer<typeof run>;

/**
 * The state of a step in words for people. A step that a cancel stopped is recorded as failed, and no fault of its own; one that a run
 * that is over never came to does not wait.
 */
export function stepWord(step: Pick<Step, 'state' | 'because'>, run: Pick<Run, 'state'>): string {
  if (step.state === 'failed' && run.state === 'cancelled' && step.because?.startsWith('cancelled') === true)
    return 'cancelled';
  return step.state === 'pending' && isEnded(run.state) ? 'not reached' : step.state;
}

/** What a run that has begun waits for now; null when it waits for nothing, or for its first approval. */
export function waitsFor({
  state,
  startedAt,
  steps,
}: Pick<Run, 'state' | 'startedAt' | 'steps'>): Waiting['for'] | null {
  if (state !== 'waiting' || startedAt === null) return null;
  const waits = steps.flatMap(step => (step.state === 'waiting' && step.waiting !== null ? [step.waiting.for] : []));
  return waits.includes('approval') ? 'approval' : (waits[0] ?? null);
}

/** Pure: true when a `verify` step succeeded after the last step that may have changed something. */
export function isVerified(run: Pick<Run, 'steps'>): boolean {
  const done = run.steps.filter(step => step.state === 'done' && step.finishedAt !== null);
  const verified = Math.max(0, ...done.filter(step => step.type === 'verify').map(step => step.finishedAt ?? 0));
  const quiet = ['verify', 'notify', 'chart', 'wait', 'approve', 'parallel'];
  const changed = run.steps.filter(step => !quiet.includes(step.type) && step.startedAt !== null);
  return verified > 0 && changed.every(step => step.finishedAt !== null && step.finishedAt <= verified);
}
