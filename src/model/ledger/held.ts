import { z } from 'zod';

/**
 * `open`: it is not yet time to judge it. `permitted`, `known` (automation of changes.yaml) and `break-glass` need nobody. `claimed`: a
 * permit was given afterwards. `undone` and `ended`: an unpermitted change that does not stand any more.
 */
export const heldState = z.enum([
  'open',
  'permitted',
  'known',
  'break-glass',
  'failed',
  'unpermitted',
  'claimed',
  'undone',
  'ended',
]);

/** A change of the environment, held against the permits. The event itself is in the journal (`event.accepted`). */
export const held = z.object({
  id: z.string(),
  event: z.string(),
  source: z.string(),
  title: z.string(),
  /** The sender's id of the change, else the event's: a change that is told twice is one. */
  changeKey: z.string(),
  /** Who did it, by the name that permits use: of what acts as a role the ARN of the role. */
  principal: z.string(),
  /** The whole name that the change carries, with the session of a role, but for the mark of a run. */
  actor: z.string(),
  action: z.string(),
  /** The id of what was changed, the same in every change of it. */
  resource: z.string(),
  account: z.string().nullable(),
  region: z.string().nullable(),
  environment: z.string().nullable(),
  /** The word of a run that its trace carries; empty without one. */
  nonce: z.string(),
  /** From where it was done, an IP address; null when not told, or when a service acted for the caller. */
  address: z.string().nullable(),
  /** Digests of images and commits in what it became: what the permit of a gate is found by. */
  keys: z.array(z.string()),
  /** Images in what it became that are named without a digest: no gate can have let them through. */
  unpinned: z.array(z.string()).default([]),
  outcome: z.enum(['success', 'failure', 'unknown']),
  /** SHA-256 of what stood there before, and of what it became; null when not told. Equal ones are the same state. */
  was: z.string().nullable(),
  became: z.string().nullable(),
  /** False when the source did not prove itself: such a change asks or notifies, and ends no window. */
  trusted: z.boolean(),
  state: heldState,
  because: z.string(),
  /** True when it must not be undone without being asked: a run's word was seen from a second address, or nothing proves the sender. */
  asks: z.boolean(),
  /** The gate that guards where it brought an image or commit which that gate had not let through; null for other changes. */
  bypassed: z.string().nullable().default(null),
  /** The permit that fits, or the nearest that did not. */
  permit: z.string().nullable(),
  /** The alert of an unpermitted change. */
  alert: z.string().nullable(),
  /** The approval of the last claim: somebody says that it was theirs. */
  claim: z.string().nullable().default(null),
  occurredAt: z.int(),
  /** True when the sender told a later time than that at which it arrived, which is `occurredAt` then: it orders nothing. */
  ahead: z.boolean().default(false),
  /** When it is judged, milliseconds since the epoch; null when it was. */
  dueAt: z.int().nullable(),
  judgedAt: z.int().nullable(),
  /** When it stood no more: the end of the window of exposure. */
  endedAt: z.int().nullable(),
  version: z.int(),
});
export type Held = z.infer<typeof held>;
