import type { Batch } from './batch.ts';
import type { Needs, View } from './view.ts';

/** A projection that is ready to be written. */
export interface PreparedRow {
  size: number;
  need(needs: Needs): void;
  /** Throws `guard-failed` when the document is older than the stored one. */
  check(view: View): void;
  write(view: View, batch: Batch): void;
}

/** A row that needs nothing, and is always written. */
export function plain(size: number, write: PreparedRow['write']): PreparedRow {
  return { size, need() {}, check() {}, write };
}
