import type { RecordFault } from '../model/records/records.ts';

/** A batch of raw records: an object, a body, what came over a connection for a while. It is counted as a whole or not at all. */
export interface RecordBatch {
  /** The bytes in order. The format splits them into records, so they may be cut anywhere. */
  pieces: AsyncIterable<Buffer> | Iterable<Buffer>;
  /** Where they are from, for people who look at the evidence: an object's address, a peer. At most 500 characters are kept. */
  from: string;
  /**
   * The idempotency key: the same batch again counts once, on whichever node, for a week. Null when the same bytes may well be another
   * batch.
   */
  once: string | null;
}

/** What became of a batch. */
export interface RecordsTaken {
  /** Records that were read. */
  records: number;
  /** Pieces of the input that are no records. They block nothing. */
  unreadable: number;
  /** One of each cause why something was unreadable, ten at most; secrets are taken out. */
  faults: readonly RecordFault[];
  /** Alerts that the batch made fire. */
  alerts: number;
  /** True when a batch with this `once` was counted before; then nothing was counted now. */
  duplicate: boolean;
}

/**
 * Parses, detects, and commits the counts with the idempotency key in one transaction. Resolves when that is durable. Rejects with a
 * TocsinError, and then nothing was counted: `bad-body` and `body-too-large` when the pieces reject with it (another try is useless),
 * `store-failed` and `overloaded` when it is to be tried again. What the iteration of the pieces throws is passed on unchanged.
 */
export type TakeRecords = (batch: RecordBatch) => Promise<RecordsTaken>;
