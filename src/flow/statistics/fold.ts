import type { Entry, FactOf } from '../../model/journal.ts';
import { isVerified, type Run } from '../../model/run.ts';
import { addTime } from '../../model/statistics/spread.ts';
import {
  entryOf,
  noAsked,
  noNoise,
  noRuns,
  noVoter,
  type RunCounts,
  type WeekFigures,
} from '../../model/statistics/week.ts';
import type { Store } from '../../ports/store.ts';
import { neededPeople } from '../journal/people.ts';
import { hourOf } from './weeks.ts';
import type { WorkingSet } from './working-set.ts';

/** The kinds of facts that are counted. */
export const countedKinds = [
  'event.accepted',
  'alert.acknowledged',
  'alert.closed',
  'run.started',
  'run.finished',
  'run.amended',
  'approval.requested',
  'approval.voted',
  'approval.closed',
] as const;

export type FoldStore = Pick<Store, 'alert' | 'run' | 'runs' | 'stream' | 'approval'>;

/** Counts one entry. Facts that are read from documents are those that never change once the entry was written. */
export async function foldEntry({ fact, at }: Entry, set: WorkingSet, store: FoldStore): Promise<void> {
  switch (fact.kind) {
    case 'event.accepted':
      return await foldEvent(fact, at, set);
    case 'alert.acknowledged':
      return await acknowledged(await set.newest(fact.alert), at, set);
    case 'alert.closed':
      return await resolved(await set.episode(fact.alert, fact.episode), at, true, set);
    case 'run.started':
      return await started(await store.run(fact.run), at, set);
    case 'run.finished':
      return await finished(fact, at, set, store);
    case 'run.amended':
      return await amended(fact, set, store);
    case 'approval.requested': {
      const week = await set.week(at);
      (await set.hour(at)).asked++;
      for (const name of fact.approval.ask.by) countAsked(week, name, at);
      return;
    }
    case 'approval.voted':
      return await voted(fact, at, set, store);
    case 'approval.closed':
      return await closed(fact, at, set, store);
    default:
      return;
  }
}

/** The ends that say nothing of when it was over. */
const untimed = new Set(['expired', 'merged', 'untold']);

async function foldEvent(fact: FactOf<'event.accepted'>, at: number, set: WorkingSet): Promise<void> {
  const { effect, alert, episode, event } = fact;
  if (event.body.kind !== 'alert' || alert === null || episode === null || effect === null) return;
  const found = await set.episode(alert, episode);
  if (effect === 'opened') {
    const before = await set.newest(alert);
    if (before !== null && before.episode < episode) await resolved(before, at, false, set);
    await set.open({ alert, episode, at, acknowledged: false, ran: false, resolved: null });
    (await set.week(at)).episodes.opened++;
    (await set.hour(at)).opened++;
  }
  if (effect === 'opened' || effect === 'refreshed') {
    const { title, labels } = event.body;
    const name = labels['alertname'] || title;
    const noise = entryOf((await set.week(at)).alerts, `${event.source} ${name}`.slice(0, 200), () =>
      noNoise(name.slice(0, 200), event.source),
    );
    noise.delivered++;
    if (effect === 'opened') noise.opened++;
  }
  if (effect === 'acknowledged') await acknowledged(found, at, set);
  if (effect === 'resolved') await resolved(found, at, !untimed.has(fact.end?.how ?? 'told'), set);
  if (effect === 'reopened' && found !== null) await reopened(found, set);
}

type Known = Awaited<ReturnType<WorkingSet['episode']>>;

async function acknowledged(one: Known, at: number, set: WorkingSet): Promise<void> {
  if (one === null || one.acknowledged || one.resolved !== null) return;
  one.acknowledged = true;
  addTime((await set.week(at)).episodes.acknowledged, at - one.at);
}

async function resolved(one: Known, at: number, isTimed: boolean, set: WorkingSet): Promise<void> {
  if (one === null || one.resolved !== null) return;
  const { episodes } = await set.week(at);
  one.resolved = { at, ran: one.ran, timed: isTimed };
  if (isTimed) addTime(one.ran ? episodes.withRunbook : episodes.withoutRunbook, at - one.at);
  else episodes.otherwise++;
}

/** It was not over: the resolve is counted no more. */
async function reopened(one: NonNullable<Known>, set: WorkingSet): Promise<void> {
  if (one.resolved === null) return;
  const { at, ran, timed: isTimed } = one.resolved;
  const { episodes } = await set.week(at);
  if (isTimed) addTime(ran ? episodes.withRunbook : episodes.withoutRunbook, at - one.at, -1);
  else episodes.otherwise--;
  one.resolved = null;
}

async function started(run: Run | null, at: number, set: WorkingSet): Promise<void> {
  if (run === null) return;
  (await set.hour(at)).ran++;
  if (run.alert === null || run.episode === null) return;
  const one = await set.episode(run.alert, run.episode);
  if (one !== null) one.ran = true;
}

async function finished(fact: FactOf<'run.finished'>, at: number, set: WorkingSet, store: FoldStore): Promise<void> {
  const run = await store.run(fact.run);
  if (run === null) return;
  const remedied = fact.state === 'succeeded' && run.alert !== null && run.parent === null && isVerified(run);
  const how = !remedied ? null : (await neededPeople(run, store)) ? 'people' : 'alone';
  for (const counts of await countsOf(run, at, set, store)) {
    counts[fact.state]++;
    if (how !== null) counts[how]++;
  }
  if (fact.state === 'ineffective') (await set.hour(at)).ineffective++;
}

/** A success that later news showed to be none. */
async function amended(fact: FactOf<'run.amended'>, set: WorkingSet, store: FoldStore): Promise<void> {
  const run = fact.state === undefined ? null : await store.run(fact.run);
  if (run === null || run.finishedAt === null) return;
  const remedied = run.alert !== null && run.parent === null && isVerified(run);
  const how = !remedied ? null : (await neededPeople(run, store)) ? 'people' : 'alone';
  for (const counts of await countsOf(run, run.finishedAt, set, store)) {
    counts.succeeded--;
    counts.ineffective++;
    if (how !== null) counts[how]--;
  }
  (await set.hour(run.finishedAt)).ineffective++;
}

const unnamed = '(none)';

async function countsOf(run: Run, at: number, set: WorkingSet, store: FoldStore): Promise<RunCounts[]> {
  const week = await set.week(at);
  const labels = run.alert === null ? {} : ((await store.alert(run.alert))?.labels ?? {});
  const service = labels['service'] || labels['job'] || labels['app'] || unnamed;
  return [
    week.runs,
    entryOf(week.runbooks, run.runbook, noRuns),
    entryOf(week.rules, run.decision.rule.slice(0, 200), noRuns),
    entryOf(week.services, service.slice(0, 200), noRuns),
  ];
}

function countAsked(week: WeekFigures, name: string, at: number): void {
  const one = entryOf(week.groups, name, noAsked);
  one.asked++;
  const hour = hourOf(at, week.zone);
  one.hours[hour] = (one.hours[hour] ?? 0) + 1;
}

async function voted(fact: FactOf<'approval.voted'>, at: number, set: WorkingSet, store: FoldStore): Promise<void> {
  const approval = await store.approval(fact.approval);
  const week = await set.week(at);
  const one = entryOf(week.voters, fact.vote.person, noVoter);
  if (fact.vote.vote === 'approve') one.approved++;
  else one.denied++;
  const hour = hourOf(at, week.zone);
  one.hours[hour] = (one.hours[hour] ?? 0) + 1;
  if (approval !== null) addTime(one.took, at - approval.createdAt);
}

async function closed(fact: FactOf<'approval.closed'>, at: number, set: WorkingSet, store: FoldStore): Promise<void> {
  if (fact.state === 'open') return;
  const { decisions } = await set.week(at);
  decisions[fact.state]++;
  const approval = fact.state === 'approved' || fact.state === 'denied' ? await store.approval(fact.approval) : null;
  if (approval !== null) addTime(decisions.took, at - approval.createdAt);
}
