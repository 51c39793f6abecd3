import { z } from 'zod';
import { ask, risk } from './decision.ts';

export const approvalState = z.enum(['open', 'approved', 'denied', 'expired', 'void']);
export type ApprovalState = z.infer<typeof approvalState>;

export const vote = z.object({
  /** The person, one key across platforms. */
  person: z.string(),
  /** The account they pressed with, `slack:T1/U2`; null for a token. */
  account: z.string().nullable(),
  via: z.string(),
  vote: z.enum(['approve', 'deny']),
  reason: z.string().nullable(),
  at: z.int(),
});
export type Vote = z.infer<typeof vote>;

/** A request for votes on one plan, or on one step of a run. */
export const approval = z.object({
  id: z.string(),
  run: z.string(),
  /** The step that asks in the middle of a run; null when the whole run waits for it. */
  step: z.string().nullable(),
  alert: z.string().nullable(),
  runbook: z.string(),
  planHash: z.string(),
  title: z.string(),
  /** The question put to people. */
  question: z.string(),
  risk,
  rule: z.string(),
  ask,
  /** Identities that may not vote: whoever asked for the run. */
  barred: z.array(z.string()),
  state: approvalState,
  votes: z.array(vote),
  because: z.string().nullable(),
  createdAt: z.int(),
  expiresAt: z.int(),
  closedAt: z.int().nullable(),
  /** True once it was handed to the group it escalates to. */
  escalated: z.boolean(),
  version: z.int(),
});
export type Approval = z.infer<typeof approval>;
