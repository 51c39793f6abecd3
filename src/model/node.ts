import { z } from 'zod';

/** The work that a process does; `all` is everything. A fleet needs a node for each of the other roles, or one with `all`. */
export const role = z.enum(['all', 'intake', 'worker', 'chat']);
export type Role = z.infer<typeof role>;

/** The content of a node's heartbeat. */
export const nodeFacts = z.object({
  id: z.string(),
  /** Its machine and process, for people; empty when unknown. */
  at: z.string().default(''),
  role,
  version: z.string(),
  /** The newest version of journal entries that it reads; older builds do not say it, and read version 1. */
  entries: z.int().default(1),
  /** Digest of the policy, the runbooks and the people in force on that node; see digestOfSet. */
  set: z.string(),
  /** When it started, milliseconds since the epoch by the node's own clock. */
  since: z.number(),
});
export type NodeFacts = z.infer<typeof nodeFacts>;

/** True when a node of this role does the work of `part`. */
export function takesOn(own: Role, part: Exclude<Role, 'all'>): boolean {
  return own === 'all' || own === part;
}
