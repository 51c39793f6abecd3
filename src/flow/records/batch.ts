import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Counted, createCounter, type RecordFault, type RecordsSpec } from '../../model/records/records.ts';
import type { RecordBatch } from '../../ports/records.ts';

export interface ReadBatch {
  records: number;
  unreadable: number;
  /** One of each cause. */
  faults: Map<string, RecordFault>;
  counted: Counted;
}

/** The most causes of which a sample is kept. */
const mostCauses = 10;

/** Characters of a sample that are kept, once secrets were taken out of a longer one. */
const longestSample = 300;

/** So many bytes are worked on without a pause for other work: some milliseconds. */
const atOnce = 256 * 1024;

/** Where a batch is from is kept with this length, characters. */
const longestFrom = 500;

/** Parses a batch and counts by the rules. No more of it is in memory than what is counted and one piece. Rejects with what the pieces throw. */
export async function readBatch(
  { format, options, rules, late }: RecordsSpec,
  batch: RecordBatch,
  { source, now, hide }: { source: string; now: number; hide(text: string): string },
): Promise<ReadBatch> {
  const from = hide(batch.from.slice(0, longestFrom).toWellFormed());
  const counter = createCounter({ source, rules, from, now, late, hide });
  const faults = new Map<string, RecordFault>();
  let records = 0;
  let unreadable = 0;
  const reader = format.open(
    {
      record(record, place) {
        records += 1;
        counter.take(record, place);
      },
      fault(fault) {
        unreadable += 1;
        if (faults.size < mostCauses && !faults.has(fault.cause))
          faults.set(fault.cause, { ...fault, sample: hide(fault.sample).slice(0, longestSample).toWellFormed() });
      },
    },
    options,
  );
  let since = 0;
  for await (const piece of batch.pieces) {
    for (let at = 0; at < piece.length; at += atOnce) {
      const part = piece.subarray(at, at + atOnce);
      reader.read(part);
      since += part.length;
      if (since < atOnce) continue;
      since = 0;
      await nextTurn();
    }
  }
  reader.end();
  return { records, unreadable, faults, counted: counter.done() };
}
