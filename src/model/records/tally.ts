/** What was counted of one key of a rule in a stretch of time. Added to what the store has: the order of additions does not matter. */
export interface Tally {
  source: string;
  rule: string;
  /** The values of `by`, see keyText. */
  key: string;
  /** The start of the stretch, milliseconds since the epoch; 0 for a rule that counts none. */
  bucket: number;
  /** The value that is counted once, of a rule that counts different ones; else empty. */
  value: string;
  n: number;
  /** When the last of them arrived, milliseconds since the epoch. */
  arrived: number;
  /** Until when it is kept, milliseconds since the epoch. */
  until: number;
  /** The first records as evidence, one JSON object a line; see evidence.ts. Added to those that are there while these are few. */
  sample: string;
}

/** Which key of which rule. */
export interface TallyKey {
  source: string;
  rule: string;
  key: string;
}

/** All stretches of a key together. */
export interface TallySum {
  key: string;
  /** Records, or different values. */
  total: number;
  /** When the last of them arrived, milliseconds since the epoch. */
  arrived: number;
}

/** A key whose alert was made to fire, and is not over. */
export interface Sighting extends TallyKey {
  /** When it began to fire, milliseconds since the epoch. */
  at: number;
}
