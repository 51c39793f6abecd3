import { z } from 'zod';
import { sha256 } from '../kernel/canonical.ts';

/**
 * `dead`: it could not be read and nobody tries. `retrying`: somebody asked for another try, which one node makes. `read`: a later try read
 * it. `discarded`: somebody took it off the list.
 */
export const letterState = z.enum(['dead', 'retrying', 'read', 'discarded']);
export type LetterState = z.infer<typeof letterState>;

/** A dead letter: an object or message that a source could not read, and that holds nothing up. Its content is not kept. */
export const letter = z.object({
  id: z.string(),
  source: z.string(),
  /** What it is, for people: `s3://bucket/key`. */
  from: z.string(),
  /** What the source needs to read it again, in its own form; null when there is nothing to read. */
  again: z.string().nullable(),
  /** The kind of the cause: a code of the error catalogue, or the error's name at the origin (`NoSuchKey`). */
  code: z.string(),
  because: z.string(),
  /** How often it was tried. */
  attempts: z.int(),
  state: letterState,
  /** Milliseconds since the epoch. */
  firstAt: z.int(),
  lastAt: z.int(),
  version: z.int(),
});
export type Letter = z.infer<typeof letter>;

/** The id of what a source calls `key`: the same each time, so that it is on the list once. */
export function letterId(source: string, key: string): string {
  return `ltr_${sha256(JSON.stringify([source, key])).slice(0, 32)}`;
}
