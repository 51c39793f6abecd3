import { z } from 'zod';

/** Records that are kept of one key at most, and characters of each. */
export const mostEvidence = 20;
const longestRecord = 1000;

const evidence = z.object({
  /** The object, request or peer that it came from. */
  from: z.string(),
  /** Which one it was there, from 1. */
  place: z.int(),
  /** When it happened, milliseconds since the epoch. */
  at: z.int(),
  /** As it was written, cut, secrets taken out. */
  record: z.string(),
});
export type Evidence = z.infer<typeof evidence>;

/** One line. */
export function writeEvidence(one: Evidence): string {
  const text = one.record.toWellFormed();
  const record = text.length > longestRecord ? `${text.slice(0, longestRecord)}…` : text;
  return `${JSON.stringify({ ...one, from: one.from.toWellFormed(), record: record.toWellFormed() })}\n`;
}

/** The first ones of these lines, by their time; what cannot be read is left out. */
export function readEvidence(lines: string): Evidence[] {
  const found: Evidence[] = [];
  for (const line of lines.split('\n')) {
    if (line === '') continue;
    try {
      found.push(evidence.parse(JSON.parse(line)));
    } catch {
      // A sample is evidence and decides nothing.
    }
  }
  return found.sort((one, other) => one.at - other.at || one.place - other.place).slice(0, mostEvidence);
}
