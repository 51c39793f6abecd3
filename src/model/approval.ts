import { z } from 'zod';
import { ask, risk } from './decision.ts';

export const approvalState = z.enum(['open', 'approved', 'denied', 'expired', 'void']);
export type ApprovalState = z.infer<typeof approvalState>;

/**
 * How the right to vote was established at the time of the vote. `file`: tocsin.yaml lists the person. `live`: the platform or origin
 * that keeps the group confirmed it at most 60 s before. `last`: that service was down, and its last answer, at most 15 minutes old, was
 * used. `fallback`: it was down for longer, and the members that tocsin.yaml lists for that case were used.
 */
export const standing = z.object({
  group: z.string(),
  how: z.enum(['file', 'live', 'last', 'fallback']),
  /** Where the group is kept: `slack`, the name of a source, or `tocsin.yaml`. */
  from: z.string(),
  /** When the answer was obtained, milliseconds since the epoch. */
  at: z.int(),
});
export type Standing = z.infer<typeof standing>;

export const vote = z.object({
  /** The identity of the person, the same on all platforms. */
  person: z.string(),
  /** The account that voted, such as `slack:T1/U2`; null for a token. */
  account: z.string().nullable(),
  via: z.string(),
  vote: z.enum(['approve', 'deny']),
  reason: z.string().nullable(),
  at: z.int(),
  /** Absent in votes of older versions. */
  standing: standing.optional(),
  /** The warnings that the person confirmed; absent where there were none, or none were shown. */
  confirmed: z.array(z.string()).optional(),
});
export type Vote = z.infer<typeof vote>;

/** A request for votes on one plan, on one step of a run, on the subject of a gate, or on a claim. */
export const approval = z.object({
  id: z.string(),
  /** The run that waits for it; null when a gate does. */
  run: z.string().nullable(),
  /** The gate that waits for it; null when a run does, and in entries of older builds. */
  gate: z.string().nullable().default(null),
  /** The held change that somebody says was theirs; null for others, and in entries of older builds. */
  claim: z.string().nullable().default(null),
  /** The step that asks; null when the approval is for the whole run. */
  step: z.string().nullable(),
  alert: z.string().nullable(),
  /** The runbook; for a gate the name of the gate. */
  runbook: z.string(),
  /** The hash of the plan, or of the subject of the gate. */
  planHash: z.string(),
  title: z.string(),
  /** The question put to people. */
  question: z.string(),
  risk,
  rule: z.string(),
  ask,
  /** Identities that may not vote: the requester of the run. */
  barred: z.array(z.string()),
  state: approvalState,
  votes: z.array(vote),
  because: z.string().nullable(),
  createdAt: z.int(),
  expiresAt: z.int(),
  closedAt: z.int().nullable(),
  /** True once it was escalated to the next group. */
  escalated: z.boolean(),
  /** Who pressed Approve once although the alert is over, and when: a second press counts. */
  warned: z.array(z.object({ person: z.string(), at: z.int() })).default([]),
  version: z.int(),
});
export type Approval = z.infer<typeof approval>;
