import { z } from 'zod';

export const verdict = z.enum(['auto', 'approve', 'notify', 'deny']);
export type Verdict = z.infer<typeof verdict>;

export const risk = z.enum(['none', 'low', 'medium', 'high']);
export type Risk = z.infer<typeof risk>;

/** Who may vote and under which conditions, when a decision or a step asks people. */
export const ask = z.object({
  /** Groups, or people, whose members may vote. */
  by: z.array(z.string()),
  quorum: z.int().min(1),
  /** Milliseconds until it expires. Expiry denies or escalates, never approves. */
  expires: z.int(),
  /** The group that is asked next when it expires; null: it is denied. */
  escalate: z.string().nullable(),
  reasonRequired: z.boolean(),
});
export type Ask = z.infer<typeof ask>;

/** The result of policy for (event, runbook, parameters, actor, time, history), with the rule that decided. */
export const decision = z.object({
  verdict,
  /** The name of the rule, or the reason when no rule decided: `no rule matched`, `brake`, `covered by <run>`. */
  rule: z.string(),
  /** Why, for people: the clause that held, a brake that tripped, a `when` that failed. */
  because: z.string(),
  ask: ask.nullable(),
  /** True when the rule allows resolving the alert at its origin once the run has verified that it is gone; false when left out. */
  resolves: z.boolean().optional(),
});
export type Decision = z.infer<typeof decision>;

export const triggerKind = z.enum(['event', 'manual', 'schedule', 'runbook']);
export type TriggerKind = z.infer<typeof triggerKind>;
