import { failedClause } from '../../flow/pipeline/match.ts';
import { emittedId } from '../../flow/pipeline/receipt.ts';
import { latest, openCron } from '../../kernel/cron.ts';
import type { Event } from '../../model/event.ts';
import { streamOf } from '../../model/journal.ts';
import type { ScheduledJob, TickView } from '../../ports/overview.ts';
import type { SourceJob } from '../../ports/source.ts';
import type { Base } from '../base.ts';

type Parts = Pick<Base, 'catalogue' | 'store' | 'clock'>;

/** How many next ticks are shown. */
const mostNext = 3;
/** How far ahead a tick is looked for and how far back, milliseconds: a job that is due once a year is found. */
const ahead = 400 * 24 * 3_600_000;
const back = 31 * 24 * 3_600_000;
/** So many due times back it is looked for the newest tick that was made: nodes may have been down. */
const mostBack = 5;
/** How many entries after a tick are read for what came of it. */
const mostRead = 1000;

/** The jobs of all sources that tick, the next due first. */
export async function readSchedules(parts: Parts): Promise<readonly ScheduledJob[]> {
  const { sources } = parts.catalogue.current();
  const jobs = [...sources].flatMap(([source, { driver, options }]) =>
    (driver.jobs?.(options) ?? []).map(job => readJob(source, job, parts)),
  );
  const never = Number.POSITIVE_INFINITY;
  return (await Promise.all(jobs)).sort((a, b) => (a.next[0] ?? never) - (b.next[0] ?? never));
}

async function readJob(source: string, made: SourceJob, parts: Parts): Promise<ScheduledJob> {
  const { job, cron: pattern, timezone, title, labels, missed } = made;
  const now = parts.clock.now();
  const cron = openCron(pattern, timezone);
  try {
    const next: number[] = [];
    for (let at = cron.next(now, now + ahead); at !== null && next.length < mostNext; at = cron.next(at, now + ahead))
      next.push(at);
    const due = latest(cron, now - back, now);
    let last: TickView | null = null;
    let at = due;
    for (let tries = 0; last === null && at !== null && tries < mostBack; tries++) {
      last = await findTick(source, made, at, parts);
      at = latest(cron, now - back, at - 1);
    }
    const runbooks = takersOf(source, made, now, parts);
    return { source, job, title, cron: pattern, timezone, missed, labels, runbooks, next, last, due };
  } finally {
    cron.close();
  }
}

/** The tick of this time with what came of it; null when none was made. */
async function findTick(source: string, made: SourceJob, at: number, { store }: Parts): Promise<TickView | null> {
  const event = emittedId(source, made.onceOf(at));
  const [accepted] = await store.stream(streamOf.event(event));
  if (accepted === undefined) return null;
  const [after, decided] = await Promise.all([
    store.journal({ after: accepted.seq, limit: mostRead, kinds: ['run.created'] }),
    store.stream(streamOf.decision(event)),
  ]);
  const runs = after.flatMap(({ fact }) =>
    fact.kind === 'run.created' && fact.run.event === event ? [fact.run.id] : [],
  );
  const refused = decided.flatMap(({ fact }) => {
    if (fact.kind !== 'decision.made') return [];
    const { runbook, verdict, because } = fact;
    return [{ runbook, verdict, because }];
  });
  return { at, event, runs, refused };
}

function takersOf(source: string, made: SourceJob, now: number, { catalogue }: Parts): string[] {
  const body = made.tickOf(now);
  const event: Event = { id: 'evt_next', source, receivedAt: now, raw: null, trusted: true, body };
  return [...catalogue.current().runbooks.values()]
    .filter(({ triggers }) => triggers.some(one => failedClause(one, { event, alert: null }) === null))
    .map(runbook => runbook.id);
}
