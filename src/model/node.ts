import { z } from 'zod';

/** What a process takes on. `all` is everything; a fleet has at least one of each of the others, or of `all`. */
export const role = z.enum(['all', 'intake', 'worker', 'chat']);
export type Role = z.infer<typeof role>;

/** What a node says of itself in its heartbeat. */
export const nodeFacts = z.object({
  id: z.string(),
  /** Its machine and process, for people who look for it; empty when it does not say. */
  at: z.string().default(''),
  role,
  version: z.string(),
  /** Digest of the policy, the runbooks and the people in force there; see digestOfSet. */
  set: z.string(),
  /** Milliseconds since the epoch, by the node's own clock. */
  since: z.number(),
});
export type NodeFacts = z.infer<typeof nodeFacts>;

/** True when a node of this role does the work of `part`. */
export function takesOn(own: Role, part: Exclude<Role, 'all'>): boolean {
  return own === 'all' || own === part;
}
