import { z } from 'zod';

/** Somebody asked to keep the next deliveries of a source, without their secrets. It ends by itself. */
export const recording = z.object({
  id: z.string(),
  source: z.string(),
  /** Who asked, for people. */
  by: z.string(),
  at: z.int(),
  /** Until when deliveries are kept, milliseconds since the epoch. */
  until: z.int(),
  /** How many at most. */
  most: z.int(),
  /** Deliveries of senders that did not prove themselves too. */
  unproven: z.boolean(),
});
export type Recording = z.infer<typeof recording>;

/** One kept delivery; its body is beside it. */
export const recorded = z.object({
  /** From 1. */
  number: z.int(),
  at: z.int(),
  /** `accepted`, or the code of the refusal. */
  outcome: z.string(),
  /** The headers that are left, names in lower case. */
  headers: z.record(z.string(), z.string()),
  /** What was taken out, for people: `header authorization`, `2 values in the body`. */
  removed: z.array(z.string()),
});
export type Recorded = z.infer<typeof recorded>;

/** After a recording ended, what it kept can be fetched for so long, milliseconds. */
export const keptAfterEnd = 10 * 60_000;
