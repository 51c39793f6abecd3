/** Changes held against what was approved: permits, and what became of each change. */

import { z } from 'zod';

/** What gave the permission. `import`: a proven system of changes said so. `claim`: "it was me", and a second person agreed. */
const permitOrigin = z.enum(['gate', 'run', 'import', 'claim', 'break-glass']);

/** What was approved to be done. A change that fits one is permitted. */
export const permit = z.object({
  id: z.string(),
  origin: permitOrigin,
  /** The gate, run, change, window or ticket that it stands for. */
  of: z.string(),
  /**
   * Who may do it, by the name that changes carry: an ARN of a role, a user of the cluster. Empty when not known beforehand: then the nonce
   * or the key must fit.
   */
  principal: z.string(),
  /** The unguessable word of a run that its changes carry (`TOCSIN_PERMIT`); empty for others. */
  nonce: z.string(),
  /** What it is found by besides the principal: the nonce, `sha256:…` of an image, a commit; empty without one. */
  key: z.string(),
  /** What may be done, by the sender's verbs, with `*` for any characters; empty for anything. */
  actions: z.array(z.string()),
  /** On what, by the ids of resources, with `*` for any characters; empty for anything. */
  resources: z.array(z.string()),
  /** Where; null for anywhere. */
  account: z.string().nullable(),
  region: z.string().nullable(),
  environment: z.string().nullable(),
  /** From when until when, milliseconds since the epoch; `until` null while it has no end. */
  from: z.int(),
  until: z.int().nullable(),
  state: z.enum(['open', 'ended']),
  /** Who first used the word of a run, and from where: nobody else may. Absent while nobody has. */
  seen: z.object({ principal: z.string(), address: z.string().nullable() }).optional(),
  /** Who imported it, as `service:…`, `person:…` or `source:…`; absent for permits of our own making. */
  importer: z.string().optional(),
  because: z.string(),
  createdAt: z.int(),
  version: z.int(),
});
export type Permit = z.infer<typeof permit>;
