import { z } from 'zod';
import { meanOf, mergeSpread, noSpread, quantileOf, type Spread } from './spread.ts';
import {
  addAsked,
  addCounts,
  addNoise,
  addVoter,
  boundWeek,
  entryOf,
  newWeek,
  noAsked,
  noHour,
  noNoise,
  noRuns,
  noVoter,
  type RunCounts,
  type WeekFigures,
} from './week.ts';

const share = z
  .number()
  .min(0)
  .max(1)
  .nullable()
  .meta({ description: 'From 0 to 1; null where there is nothing to share.' });
const times = z
  .object({
    count: z.int(),
    mean: z.int().nullable(),
    median: z.int().nullable(),
    p90: z.int().nullable(),
  })
  .meta({ description: 'How long it took, milliseconds. The mean is exact, the others are right within an eighth.' });
export type Times = z.infer<typeof times>;

const runsReport = z.object({
  ran: z
    .int()
    .meta({ description: 'Runs that ended after they had begun: succeeded, failed, ineffective, unconfirmed.' }),
  succeeded: z.int(),
  failed: z.int(),
  ineffective: z.int(),
  unconfirmed: z.int(),
  cancelled: z.int(),
  denied: z.int(),
  expired: z.int(),
  remediated: z.int().meta({ description: 'Runs that saw that their alert is gone.' }),
  withoutPeople: z.int().meta({ description: 'Those of them in which nobody had to act.' }),
  withoutPeopleShare: share,
  ineffectiveShare: share.meta({
    description: 'Of the runs that ended after they had begun, those after which the alert still fired.',
  }),
});
export type RunsReport = z.infer<typeof runsReport>;

const named = runsReport.extend({ name: z.string() });

const summary = z.object({
  opened: z.int().meta({ description: 'Episodes that opened.' }),
  timeToAcknowledge: times,
  timeToRestore: times.meta({ description: 'From the first delivery of an episode to its resolve.' }),
  timeToRestoreWithRunbook: times,
  timeToRestoreWithoutRunbook: times,
  timeToDecision: times.meta({ description: 'From the question to the vote that decided it.' }),
  approved: z.int(),
  denied: z.int(),
  expired: z.int(),
  void: z.int(),
  endedUntold: z
    .int()
    .meta({ description: 'Episodes that ended in a way that says nothing of when: expired, merged, untold.' }),
  runs: runsReport,
});
export type Summary = z.infer<typeof summary>;

/** What is counted of some weeks. Times are milliseconds, or milliseconds since the epoch. */
export const statisticsReport = z
  .object({
    from: z.int().nullable(),
    until: z.int().nullable(),
    total: summary,
    weeks: z.array(summary.extend({ from: z.int(), until: z.int(), zone: z.string() })),
    runbooks: z.array(named),
    rules: z.array(named),
    services: z.array(named),
    hours: z
      .array(
        z.object({
          weekday: z.int(),
          hour: z.int(),
          opened: z.int(),
          ran: z.int(),
          ineffective: z.int(),
          asked: z.int(),
        }),
      )
      .meta({ description: 'By the wall clock of the deployment; Monday is 1. Hours without anything are left out.' }),
    noisiest: z.array(z.object({ name: z.string(), source: z.string(), opened: z.int(), delivered: z.int() })),
    asked: z.array(z.object({ name: z.string(), asked: z.int(), atNight: z.int() })).meta({
      description: 'Groups and people that were asked, and how often of it between 22:00 and 06:00.',
    }),
    voters: z.array(
      z.object({ name: z.string(), approved: z.int(), denied: z.int(), atNight: z.int(), timeToVote: times }),
    ),
  })
  .meta({ id: 'Statistics' });
export type StatisticsReport = z.infer<typeof statisticsReport>;

/** The report of these weeks, which may come in any order. */
export function reportOf(weeks: readonly WeekFigures[]): StatisticsReport {
  const ordered = [...weeks].sort((a, b) => a.from - b.from);
  const all = mergeWeeks(ordered);
  return {
    from: ordered[0]?.from ?? null,
    until: ordered.at(-1)?.until ?? null,
    total: summaryOf(all),
    weeks: ordered.map(week => ({ from: week.from, until: week.until, zone: week.zone, ...summaryOf(week) })),
    runbooks: namedRuns(all.runbooks),
    rules: namedRuns(all.rules),
    services: namedRuns(all.services),
    hours: Object.entries(all.hours)
      .map(([key, counts]) => ({ ...placeOfHour(key), ...counts }))
      .sort((a, b) => a.weekday - b.weekday || a.hour - b.hour),
    noisiest: Object.values(all.alerts)
      .sort((a, b) => b.opened - a.opened || b.delivered - a.delivered)
      .map(({ title, source, opened, delivered }) => ({ name: title, source, opened, delivered })),
    asked: Object.entries(all.groups)
      .map(([name, one]) => ({ name, asked: one.asked, atNight: atNight(one.hours) }))
      .sort((a, b) => b.asked - a.asked),
    voters: Object.entries(all.voters)
      .map(([name, { approved, denied, hours, took }]) => ({
        name,
        approved,
        denied,
        atNight: atNight(hours),
        timeToVote: timesOf(took),
      }))
      .sort((a, b) => b.approved + b.denied - a.approved - a.denied),
  };
}

function mergeWeeks(weeks: readonly WeekFigures[]): WeekFigures {
  const all = newWeek({ from: 0, until: 0, zone: '', day: 'all' });
  for (const week of weeks) {
    all.episodes.opened += week.episodes.opened;
    all.episodes.otherwise += week.episodes.otherwise;
    mergeSpread(all.episodes.acknowledged, week.episodes.acknowledged);
    mergeSpread(all.episodes.withRunbook, week.episodes.withRunbook);
    mergeSpread(all.episodes.withoutRunbook, week.episodes.withoutRunbook);
    const { took, ...counts } = week.decisions;
    mergeSpread(all.decisions.took, took);
    for (const name of ['approved', 'denied', 'expired', 'void'] as const) all.decisions[name] += counts[name];
    addCounts(all.runs, week.runs);
    for (const list of ['runbooks', 'rules', 'services'] as const) merge(all[list], week[list], noRuns, addCounts);
    merge(all.hours, week.hours, noHour, addCounts);
    merge(
      all.alerts,
      week.alerts,
      () => noNoise('', ''),
      (into, one) => {
        into.title = one.title;
        into.source = one.source;
        addNoise(into, one);
      },
    );
    merge(all.groups, week.groups, noAsked, addAsked);
    merge(all.voters, week.voters, noVoter, addVoter);
  }
  boundWeek(all);
  return all;
}

function merge<T>(
  into: Record<string, T>,
  from: Readonly<Record<string, T>>,
  none: () => T,
  add: (into: T, one: T) => void,
): void {
  for (const [name, one] of Object.entries(from)) add(entryOf(into, name, none), one);
}

function summaryOf({ episodes, decisions, runs }: WeekFigures): Summary {
  const both = noSpread();
  mergeSpread(both, episodes.withRunbook);
  mergeSpread(both, episodes.withoutRunbook);
  const { took, ...counts } = decisions;
  return {
    opened: episodes.opened,
    timeToAcknowledge: timesOf(episodes.acknowledged),
    timeToRestore: timesOf(both),
    timeToRestoreWithRunbook: timesOf(episodes.withRunbook),
    timeToRestoreWithoutRunbook: timesOf(episodes.withoutRunbook),
    timeToDecision: timesOf(took),
    ...counts,
    endedUntold: episodes.otherwise,
    runs: runsOf(runs),
  };
}

function timesOf(from: Spread): Times {
  return { count: from.count, mean: meanOf(from), median: quantileOf(from, 0.5), p90: quantileOf(from, 0.9) };
}

function runsOf({ people, alone, ...ends }: RunCounts): RunsReport {
  const ran = ends.succeeded + ends.failed + ends.ineffective + ends.unconfirmed;
  const remediated = people + alone;
  return {
    ran,
    ...ends,
    remediated,
    withoutPeople: alone,
    withoutPeopleShare: remediated === 0 ? null : alone / remediated,
    ineffectiveShare: ran === 0 ? null : ends.ineffective / ran,
  };
}

function namedRuns(list: Readonly<Record<string, RunCounts>>): z.infer<typeof named>[] {
  return Object.entries(list)
    .map(([name, counts]) => ({ name, ...runsOf(counts) }))
    .sort((a, b) => b.ran - a.ran || (a.name < b.name ? -1 : 1));
}

function placeOfHour(key: string): { weekday: number; hour: number } {
  const [weekday = 0, hour = 0] = key.split('-').map(Number);
  return { weekday, hour };
}

/** How much of it was between 22:00 and 06:00. */
function atNight(hours: Readonly<Record<string, number>>): number {
  return Object.entries(hours)
    .filter(([key]) => placeOfHour(key).hour >= 22 || placeOfHour(key).hour < 6)
    .reduce((sum, [, count]) => sum + count, 0);
}
