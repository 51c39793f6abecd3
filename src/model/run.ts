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

/** Deeper values than this are refused; it is far beyond what a source or a step hands over, and ends a circle. */
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
 * Any JSON value, checked as such on its way out of the database. Not `z.json()`: a schema that refers to itself makes zod keep books on
 * everything that is parsed around it, and keeps `z.compile` away from every document that has one.
 */
export const json: z.ZodType<Json> = z.custom<Json>(value => isJson(value), 'a JSON value');

/** How a run ends by a step that failed. */
export const stepEnding = z.enum(['failed', 'ineffective', 'unconfirmed']);

/** Why a step or a run is not going on by itself now. */
export const waiting = z.object({
  for: z.enum(['timer', 'approval', 'resolve', 'run', 'retry']),
  /** When it is looked at again at the latest, milliseconds since the epoch; null when only news wakes it. */
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
  /** What the next steps read; bounded, redacted. */
  output: json,
  because: z.string().nullable(),
  /** For a failed step, how the run ends by it; null otherwise. */
  ending: stepEnding.nullable(),
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
  alert: z.string().nullable(),
  episode: z.int().nullable(),
  event: z.string().nullable(),
  /** The run whose step called this one. */
  parent: z.object({ run: z.string(), step: z.string() }).nullable(),
  decision,
  approval: z.string().nullable(),
  steps: z.array(step),
  cancel: z.object({ by: z.string(), reason: z.string().nullable() }).nullable(),
  because: z.string().nullable(),
  /** The newest question to people: its number in the run, counted from 1, and its step. Null before the first; each takes one answer. */
  question: z.object({ number: z.int(), step: z.string() }).nullable().default(null),
  createdAt: z.int(),
  startedAt: z.int().nullable(),
  finishedAt: z.int().nullable(),
  /** When the wake-up must ring again at the latest; null when nothing is due. */
  wakeAt: z.int().nullable(),
  /** How often a worker took it and did not come back: a poison run is stopped after three. */
  crashes: z.int(),
  version: z.int(),
});
export type Run = z.infer<typeof run>;

/** Pure: whether a `verify` step held, after the last step that may have changed anything. */
export function isVerified(run: Pick<Run, 'steps'>): boolean {
  const done = run.steps.filter(step => step.state === 'done' && step.finishedAt !== null);
  const verified = Math.max(0, ...done.filter(step => step.type === 'verify').map(step => step.finishedAt ?? 0));
  const quiet = ['verify', 'notify', 'wait', 'approve', 'parallel'];
  const changed = run.steps.filter(step => !quiet.includes(step.type) && step.startedAt !== null);
  return verified > 0 && changed.every(step => step.finishedAt !== null && step.finishedAt <= verified);
}
