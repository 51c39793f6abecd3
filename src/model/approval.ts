import { z } from 'zod';
import { ask, risk } from './decision.ts';

export const approvalState = z.enum(['open', 'approved', 'denied', 'expired', 'void']);
export type ApprovalState = z.infer<typeof approvalState>;

/**
 * How it was known, at the moment of the vote, that the person may vote. `file`: tocsin.yaml lists them. `live`: the platform or origin that
 * keeps the group said so at most 60 s before. `last`: it was down, and this is what it last said, at most 15 minutes before. `fallback`: it
 * was down for longer, and the members that tocsin.yaml lists for that case held.
 */
export const standing = z.object({
  group: z.string(),
  how: z.enum(['file', 'live', 'last', 'fallback']),
  /** Who keeps the group: `slack`, the name of a source, or `tocsin.yaml`. */
  from: z.string(),
  /** When it was learnt, milliseconds since the epoch. */
  at: z.int(),
});
export type Standing = z.infer<typeof standing>;

export const vote = z.object({
  /** The person, one key across platforms. */
  person: z.string(),
  /** The account they pressed with, `slack:T1/U2`; null for a token. */
  account: z.string().nullable(),
  via: z.string(),
  vote: z.enum(['approve', 'deny']),
  reason: z.string().nullable(),
  at: z.int(),
  /** Absent in votes of older versions. */
  standing: standing.optional(),
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
