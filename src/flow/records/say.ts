import { messageOf } from '../../kernel/errors.ts';
import type { Log } from '../../kernel/log.ts';
import type { Metrics } from '../../kernel/metrics.ts';
import type { IncomingEvent } from '../../model/event.ts';
import type { Intake } from '../pipeline/intake.ts';
import { recordsNotice } from './alerts.ts';
import type { ReadBatch } from './batch.ts';
import type { Watched } from './detect.ts';
import { mostKeys } from './room.ts';

/** One note about one thing in this time, milliseconds. */
const hour = 3_600_000;

interface SayParts {
  clock: { now(): number };
  log: Log;
  metrics: Metrics;
  intake: Pick<Intake, 'emit'>;
}

/**
 * Says in chat, once an hour for each, what was not read or not counted. The batch is counted already, so nothing here fails it. Counts of
 * all nodes are in the metrics.
 */
export async function sayWhatWasLeftOut(
  source: Watched,
  { unreadable, faults, counted }: ReadBatch,
  parts: SayParts,
): Promise<void> {
  const { name } = source;
  const now = parts.clock.now();
  const say = async (key: string, title: string, labels: Record<string, string>) => {
    const notice: IncomingEvent = recordsNotice(title, labels, now);
    const once = `said/${key}/${Math.floor(now / hour)}`;
    await parts.intake.emit(name, [notice], once, undefined, [], { trusted: source.trusted });
  };
  const count = (rule: string, outcome: string, by: number) =>
    parts.metrics.count('tocsin_records_left_out_total', { source: name, rule, outcome }, by);
  try {
    for (const { cause, sample } of faults.values())
      await say(
        `unreadable/${cause}`,
        `${name}: ${unreadable} in a batch could not be read as records (${cause}), such as: ${sample.slice(0, 200)}`,
        { cause },
      );
    for (const [rule, n] of counted.beyond) {
      count(rule, 'beyond', n);
      await say(
        `beyond/${rule}`,
        `${name}: rule ${rule} counts ${mostKeys.toLocaleString('en')} keys at most; ${n} records of further keys were not counted`,
        { rule },
      );
    }
    for (const [rule, n] of counted.tooLate) {
      count(rule, 'late', n);
      await say(
        `late/${rule}`,
        `${name}: ${n} records came too late to count for rule ${rule}; see \`late\` of the source`,
        { rule },
      );
    }
    for (const [rule, n] of counted.moreMatches) {
      count(rule, 'unnoticed', n);
      await say(`more/${rule}`, `${name}: ${n} more records in a batch match rule ${rule}`, { rule });
    }
  } catch (error) {
    parts.log.warn({ source: name, because: messageOf(error) }, 'what was left out of the records could not be said');
  }
}

/** Says once an hour for each cause that records were lost before they were counted. */
export async function sayWhatWasLost(
  source: string,
  records: number,
  because: string,
  { clock, log, intake }: SayParts,
): Promise<void> {
  const now = clock.now();
  log.warn({ source, records, because }, 'records were lost');
  const title = `${source}: ${records.toLocaleString('en')} records were lost: ${because}`;
  try {
    const once = `said/lost/${because}/${Math.floor(now / hour)}`;
    await intake.emit(source, [recordsNotice(title, { cause: because }, now)], once, undefined, [], { trusted: false });
  } catch (error) {
    log.warn({ source, because: messageOf(error) }, 'that records were lost could not be said');
  }
}
