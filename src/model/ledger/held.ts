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
  principal: z.string(),
  action: z.string(),
  /** Type and id of what was changed. */
  resource: z.string(),
  account: z.string().nullable(),
  region: z.string().nullable(),
  environment: z.string().nullable(),
  /** False when the source did not prove itself: such a change asks or notifies, and ends no window. */
  trusted: z.boolean(),
  state: heldState,
  because: z.string(),
  /** The permit that fits, or the nearest that did not. */
  permit: z.string().nullable(),
  /** The alert of an unpermitted change. */
  alert: z.string().nullable(),
  occurredAt: z.int(),
  /** When it is judged, milliseconds since the epoch; null when it was. */
  dueAt: z.int().nullable(),
  judgedAt: z.int().nullable(),
  /** When it stood no more: the end of the window of exposure. */
  endedAt: z.int().nullable(),
  version: z.int(),
});
export type Held = z.infer<typeof held>;
