/** Raw records: batches are parsed and detected in, their counts kept in the store, and what is found becomes alerts. */

import type { Clock } from '../../kernel/clock.ts';
import { isCode, messageOf, notProven, TocsinError } from '../../kernel/errors.ts';
import type { Ids } from '../../kernel/ids.ts';
import type { Log } from '../../kernel/log.ts';
import type { Metrics } from '../../kernel/metrics.ts';
import { redactText, type Secrets } from '../../kernel/redact/redact.ts';
import type { DetectRule, RecordsSpec, Tally } from '../../model/records/records.ts';
import type { Catalogue, ConfiguredSource } from '../../ports/catalogue.ts';
import type { RecordBatch, RecordsTaken } from '../../ports/records.ts';
import type { Delivery } from '../../ports/source.ts';
import type { Guard, Row, Store } from '../../ports/store.ts';
import type { Feed } from '../journal/feed.ts';
import { failedGuard } from '../journal/streams.ts';
import type { Intake } from '../pipeline/intake.ts';
import { rememberIds } from '../pipeline/once.ts';
import { matchNotice } from './alerts.ts';
import { type ReadBatch, readBatch } from './batch.ts';
import { fireFull, touchedBy, type Watched } from './detect.ts';
import { createRoom } from './room.ts';
import { rulesOf } from './rules.ts';
import { sayWhatWasLeftOut, sayWhatWasLost } from './say.ts';

export interface RecordsParts {
  clock: Clock;
  ids: Ids;
  log: Log;
  store: Store;
  feed: Feed;
  catalogue: Catalogue;
  metrics: Metrics;
  intake: Pick<Intake, 'emit'>;
  /** The secrets that are taken out of evidence. */
  hidden(): Secrets;
}

/** What the sender of a delivery is answered. */
export interface RecordsAnswer {
  status: 200 | 202;
  json: unknown;
  /** How many records were read. */
  records: number;
}

export interface Records {
  /** Takes a batch of a source with `records`; see TakeRecords. Rejects with `not-found` for any other source. */
  take(source: string, batch: RecordBatch): Promise<RecordsTaken>;
  /** Counts records that a source lost before they were a batch, and says so. Never rejects. */
  lost(source: string, records: number, because: string): Promise<void>;
  /** Verifies a delivery of a source with `records`, and takes its records. Rejects like Intake.receive. */
  receive(source: string, delivery: Delivery): Promise<RecordsAnswer>;
}

export function createRecords(parts: RecordsParts): Records {
  const room = createRoom(parts);

  async function take(source: ConfiguredSource, batch: RecordBatch): Promise<RecordsTaken> {
    const spec = specOf(source);
    const now = parts.clock.now();
    const hide = (text: string) => redactText(text, parts.hidden());
    const read = await readBatch(spec, batch, { source: source.name, now, hide });
    const watched: Watched = { name: source.name, trusted: isTrusted(source) };
    const tallies = await room.fit(source.name, spec.rules, read.counted);
    const nothing = {
      records: read.records,
      unreadable: read.unreadable,
      faults: [...read.faults.values()],
      alerts: 0,
    };
    if (!(await commitBatch(watched, batch.once, { read, tallies, now }, parts)))
      return { ...nothing, duplicate: true };
    count(source.name, read, parts.metrics);
    const alerts = await fire(spec.rules, watched, tallies, parts);
    await sayWhatWasLeftOut(watched, read, parts);
    return { ...nothing, alerts, duplicate: false };
  }

  return {
    take: (name, batch) => take(configured(name, parts.catalogue), batch),
    async lost(name, records, because) {
      parts.metrics.count('tocsin_records_total', { source: name, outcome: 'lost' }, records);
      await sayWhatWasLost(name, records, because, parts);
    },
    async receive(name, delivery) {
      const source = configured(name, parts.catalogue);
      const { driver, options } = source;
      const verified = driver.verify(delivery, options);
      if (!verified.ok) throw notProven(verified.because);
      try {
        const pieces = driver.pieces?.(delivery, options) ?? [delivery.body];
        const taken = await take(source, {
          pieces,
          ...(driver.batchOf?.(delivery, options) ?? { from: 'a request', once: null }),
        });
        const answer = driver.answerRecords?.(taken, delivery, options) ?? standardAnswer(taken);
        return { ...answer, records: taken.records };
      } catch (error) {
        if (error instanceof TocsinError) error.proven = verified.by !== 'none';
        throw error;
      }
    },
  };
}

function standardAnswer({ records, unreadable, alerts, duplicate }: RecordsTaken): Omit<RecordsAnswer, 'records'> {
  return { status: 202, json: { records, unreadable, alerts, duplicate } };
}

function configured(name: string, catalogue: Catalogue): ConfiguredSource {
  const source = catalogue.current().sources.get(name);
  if (source?.driver.records === undefined)
    throw new TocsinError('not-found', { message: 'There is no such source of records.' });
  return source;
}

function specOf(source: ConfiguredSource): RecordsSpec {
  const spec = source.driver.records?.(source.options) ?? null;
  if (spec === null) throw new TocsinError('not-found', { message: 'This source has no format of records.' });
  return { ...spec, rules: rulesOf(source) };
}

/** Whoever can deliver without a proof must not lead to `auto`. A source that reads by itself takes no deliveries at all. */
export function isTrusted({ driver, options }: ConfiguredSource): boolean {
  if (driver.proven !== undefined) return driver.proven(options);
  const verified = driver.verify({ headers: {}, body: Buffer.alloc(0), at: 0 }, options);
  return !verified.ok || verified.by !== 'none';
}

/** Commits the counts with the idempotency key and the notices, in one transaction. False when the batch was counted before. */
async function commitBatch(
  source: Watched,
  given: string | null,
  { read, tallies, now }: { read: ReadBatch; tallies: readonly Tally[]; now: number },
  { feed, intake, ids }: RecordsParts,
): Promise<boolean> {
  const once = given ?? ids.next('evt');
  const { name } = source;
  const heard: Row = { table: 'cursor', name: heardOf(name), value: now };
  const rows: Row[] = [heard, ...tallies.map(doc => ({ table: 'tally' as const, doc }))];
  const notices = read.counted.matches.map(match => matchNotice(match, now));
  if (notices.length > 0) return await intake.emit(name, notices, once, undefined, rows, { trusted: source.trusted });
  const claim: Guard = { kind: 'claim', space: `emission/${name}`, key: once, at: now, keep: rememberIds };
  try {
    await feed.commit({ guards: given === null ? [] : [claim], rows });
    return true;
  } catch (error) {
    if (isCode(error, 'guard-failed') && failedGuard(error) === 'claim') return false;
    throw error;
  }
}

/** Under what the store remembers when the last batch of a source arrived. */
export function heardOf(source: string): string {
  return `records/${source}`;
}

/** The batch is counted, so a failure here is not its sender's: what is full is found at the next look (watch.ts). */
async function fire(
  rules: readonly DetectRule[],
  source: Watched,
  tallies: readonly Tally[],
  parts: RecordsParts,
): Promise<number> {
  const touched = touchedBy(tallies);
  let fired = 0;
  for (const rule of rules) {
    const keys = touched.get(rule.name);
    if (keys === undefined) continue;
    try {
      fired += await fireFull(rule, source, parts, keys);
    } catch (error) {
      parts.log.warn({ source: source.name, rule: rule.name, because: messageOf(error) }, 'a rule is looked at later');
    }
  }
  return fired;
}

function count(source: string, { records, unreadable }: ReadBatch, metrics: Metrics): void {
  metrics.count('tocsin_records_total', { source, outcome: 'taken' }, records);
  metrics.count('tocsin_records_total', { source, outcome: 'unreadable' }, unreadable);
}
