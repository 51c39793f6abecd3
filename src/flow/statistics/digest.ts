import { DateTime } from 'luxon';
import { isCode } from '../../kernel/errors.ts';
import { system } from '../../model/actor.ts';
import { streamOf } from '../../model/journal.ts';
import { digestOf } from '../../model/statistics/digest.ts';
import { startRounds } from '../journal/rounds.ts';
import type { StatisticsParts } from './parts.ts';

/** The time between two looks, milliseconds. */
const every = 30_000;
/** How late a digest is still posted, milliseconds: who was down for longer reads the page of statistics. */
const mostLate = 2 * 86_400_000;

const days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];

/**
 * Posts the digest of the last whole week, once for each week over all nodes and restarts, at the time that tocsin.yaml says. `counted`
 * resolves to false when it is not known that all is counted.
 */
export function startDigest(parts: StatisticsParts, counted: () => Promise<boolean>): { stop(): Promise<void> } {
  const again = 'the digest of a week could not be made, and will be tried again';
  return startRounds(() => tellWeek(parts, counted), { clock: parts.clock, log: parts.log, every, again });
}

async function tellWeek(parts: StatisticsParts, counted: () => Promise<boolean>): Promise<void> {
  const { store, feed, clock, catalogue } = parts;
  const { digest: spec, timezone } = catalogue.current().config;
  if (spec === undefined) return;
  const now = clock.now();
  const due = lastTime(spec.at, now, timezone);
  if (now - due > mostLate) return;
  // The week that ended last before it was due; a week keeps the zone in which it was counted.
  if (!(await counted())) return;
  const found = await store.documents('week', { upTo: due - 1, limit: 3 });
  const week = found.find(one => one.until <= due && due - one.until < 7 * 86_400_000);
  if (week === undefined) return;
  const claim = { space: 'digest', key: week.id };
  if (await store.claimed(claim)) return;
  const before = found.find(one => one.from < week.from) ?? null;
  const fact = { kind: 'digest.made' as const, digest: digestOf(week, before, spec.to) };
  const entry = { stream: streamOf.system, actor: system, at: now, fact };
  await feed.commit({ guards: [{ kind: 'claim', ...claim, at: now, keep: null }], entries: [entry] }).catch(error => {
    // Another node told it meanwhile.
    if (!isCode(error, 'guard-failed') || error.at?.startsWith('claim') !== true) throw error;
  });
}

/** The last moment at or before `now` that is this time of the week by the wall clock, such as `Mon 09:00`. */
export function lastTime(at: string, now: number, zone: string): number {
  const [day = '', time = ''] = at.split(' ');
  const [hour, minute] = time.split(':').map(Number);
  const weekday = days.indexOf(day.toLowerCase()) + 1;
  const today = DateTime.fromMillis(now, { zone });
  const here = today
    .startOf('week')
    .plus({ days: weekday - 1 })
    .set({ hour: hour ?? 0, minute: minute ?? 0 });
  return (here.toMillis() <= now ? here : here.minus({ weeks: 1 })).toMillis();
}
