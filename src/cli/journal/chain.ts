import { TocsinError } from '../../kernel/errors.ts';
import { entryHash, genesis } from '../../model/entry-hash.ts';
import type { JournalLine } from './lines.ts';

/** A position in the chain: the entry that was checked last. */
export interface Position {
  seq: number;
  hash: string;
}

export const beginning: Position = { seq: 0, hash: genesis };

/** Why an entry does not follow from the head; null when it does. */
export function linkFault(head: Position, { seq, prev }: Pick<JournalLine, 'seq' | 'prev'>): string | null {
  if (seq !== head.seq + 1) return `entry ${head.seq + 1} is missing`;
  return prev === head.hash ? null : 'it does not follow from the entry before it';
}

/** What is wrong with an entry by itself; null when nothing is. */
export function ownFault({ seq, prev, hash, bytes }: JournalLine, checkpoint: Position | null): string | null {
  if (hash !== entryHash(prev, seq, bytes)) return 'its bytes do not have its hash';
  return checkpoint?.seq === seq && checkpoint.hash !== hash
    ? 'it is not the one of the checkpoint, so the journal was rewritten'
    : null;
}

/** Verifies the hash chain. Resolves to the head. Rejects with `journal-broken`, which names the first bad entry. */
export async function verifyChain(
  lines: AsyncIterable<JournalLine>,
  checkpoint: Position | null = null,
): Promise<Position> {
  let head = beginning;
  for await (const line of lines) {
    const wrong = linkFault(head, line) ?? ownFault(line, checkpoint);
    if (wrong !== null) throw brokenEntry(line.seq, wrong);
    head = { seq: line.seq, hash: line.hash };
  }
  return head;
}

export function brokenEntry(seq: number, wrong: string): TocsinError {
  return new TocsinError('journal-broken', {
    message: `The journal does not verify: ${wrong}.`,
    at: `entry ${seq}`,
  });
}

/** The error for a line that is no entry; `at` is the file or address with the number of the line. */
export function brokenLine(at: string): TocsinError {
  return new TocsinError('journal-broken', { message: 'A line is not an entry of the journal.', at });
}
