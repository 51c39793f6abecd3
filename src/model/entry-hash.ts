import { sha256 } from '../kernel/canonical.ts';

/** SHA-256 over previous hash, sequence and stored bytes, joined by new lines; lower-case hex. */
export function entryHash(prev: string, seq: number, bytes: string): string {
  return sha256(`${prev}\n${seq}\n${bytes}`);
}

/** The hash before the first entry. */
export const genesis = '0'.repeat(64);
