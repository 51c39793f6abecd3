import { z } from 'zod';

/** Limits of an imported permit: patterns, and characters of one text. */
const most = { patterns: 50, text: 512, reason: 1000 } as const;

/** Neither controls nor what is invisible or turns the direction: a person must see what is permitted. */
const seen = /^[^\p{C}\u2028\u2029]+$/u;
const word = z.string().min(1).max(most.text).regex(seen, 'must have no control or invisible characters');
const exact = word.regex(/^[^*]*$/, 'must be exact, without *').regex(/\S/, 'must not be blank');
const patterns = z.array(word).max(most.patterns).default([]);
/** Milliseconds since the epoch, of years that can be shown. */
const instant = z
  .int()
  .min(0)
  .max(Date.UTC(9999, 11, 31));

/** What was approved elsewhere. Each text is exact, but for actions and resources, in which `*` stands for any characters. */
export const permitRequest = z.strictObject({
  /** Who may do it, by the name that changes carry. */
  principal: exact,
  /** The sender's verbs, and ids of resources; empty for anything. */
  actions: patterns,
  resources: patterns,
  account: exact.optional(),
  region: exact.optional(),
  environment: exact.optional(),
  /** From when, milliseconds since the epoch; from its arrival on when left out. */
  from: instant.optional(),
  until: instant,
  /** The ticket that it stands for. */
  change: exact.max(200),
  reason: z
    .string()
    .trim()
    .min(1)
    .max(most.reason)
    .regex(/^(?:[^\p{C}]|[\n\t])+$/u, 'must have no control characters'),
});
export type PermitRequest = z.infer<typeof permitRequest>;
