import { z } from 'zod';
import type { BadEntry, Blocks } from './known-bad.ts';

export const feedKind = z.enum(['kev', 'osv', 'list']);

/** A feed of known-bad.yaml. */
export interface FeedSpec {
  name: string;
  kind: z.infer<typeof feedKind>;
  url: string;
  /** Milliseconds between two looks. */
  every: number;
  blocks: Blocks;
}

/** What is remembered of a feed, under `feedMemo`. */
export const feedState = z.object({
  /** Where it was read, and as what: another address begins anew. */
  url: z.string(),
  kind: feedKind,
  /** Of the last answer that was taken, to ask whether there is a newer one. */
  etag: z.string().nullable(),
  modified: z.string().nullable(),
  /** The blob of its entries, one JSON a line; null before it was ever read. */
  digest: z.string().nullable(),
  entries: z.int(),
  /** When it was last read well, also when nothing was new, milliseconds since the epoch; null when never. */
  readAt: z.int().nullable(),
  /** When it was last asked. */
  triedAt: z.int(),
  /** Why the last try failed; null when it did not. */
  trouble: z.string().nullable(),
});
export type FeedState = z.infer<typeof feedState>;

/** What a feed says; `by` is empty where nobody but the feed says it. */
export type FeedEntry = Pick<BadEntry, 'thing' | 'reason' | 'by'>;

/** The name of the memo in the store. */
export function feedMemo(feed: string): string {
  return `known-bad/${feed}`;
}
