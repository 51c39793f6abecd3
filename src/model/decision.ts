import { z } from 'zod';

export const verdict = z.enum(['auto', 'approve', 'notify', 'deny']);
export type Verdict = z.infer<typeof verdict>;

export const risk = z.enum(['none', 'low', 'medium', 'high']);
export type Risk = z.infer<typeof risk>;

/** Who is asked and how, when a decision or a step asks people. */
export const ask = z.object({
  /** Groups, or people, whose members may vote. */
  by: z.array(z.string()),
  quorum: z.int().min(1),
  /** Milliseconds until it expires, which denies or escalates; never approves. */
  expires: z.int(),
  /** The next group when it expires; null denies. */
  escalate: z.string().nullable(),
  reasonRequired: z.boolean(),
});
export type Ask = z.infer<typeof ask>;

/** What policy said of (event, runbook, parameters, actor, time, history), with the rule that said so. */
export const decision = z.object({
  verdict,
  /** The name of the rule, or what stood in for one: `no rule matched`, `brake`, `covered by <run>`. */
  rule: z.string(),
  /** Why, for people: the clause that held, a brake that tripped, a `when` that failed. */
  because: z.string(),
  ask: ask.nullable(),
  /** True when the rule allows to resolve the alert at its origin once the run has verified that it is gone; not when left out. */
  resolves: z.boolean().optional(),
});
export type Decision = z.infer<typeof decision>;

export const triggerKind = z.enum(['event', 'manual', 'schedule', 'runbook']);
export type TriggerKind = z.infer<typeof triggerKind>;
