/** Statistics: what is counted of the journal, week by week, and the report that is made of it. */

import { z } from 'zod';
import { mergeSpread, noSpread, spread } from './spread.ts';

const count = z.int();

/** How runs ended. `people` and `alone`: those that saw that their alert is gone, by whether anybody had to act. */
const runCounts = z.object({
  succeeded: count,
  failed: count,
  ineffective: count,
  unconfirmed: count,
  cancelled: count,
  denied: count,
  expired: count,
  people: count,
  alone: count,
});
export type RunCounts = z.infer<typeof runCounts>;

export const noRuns = (): RunCounts => ({
  succeeded: 0,
  failed: 0,
  ineffective: 0,
  unconfirmed: 0,
  cancelled: 0,
  denied: 0,
  expired: 0,
  people: 0,
  alone: 0,
});

const hour = z.object({ opened: count, ran: count, ineffective: count, asked: count });
export type HourCounts = z.infer<typeof hour>;
export const noHour = (): HourCounts => ({ opened: 0, ran: 0, ineffective: 0, asked: 0 });

const noise = z.object({ title: z.string(), source: z.string(), opened: count, delivered: count });
const asked = z.object({ asked: count, hours: z.record(z.string(), count) });
const voter = z.object({ approved: count, denied: count, took: spread, hours: z.record(z.string(), count) });

/**
 * What one week of the journal counts. It is kept under the Monday on which it begins by the wall clock of the deployment. Keys come from
 * files and alerts, so each list is bounded: what is beyond it is counted under `(others)`.
 */
export const weekFigures = z.object({
  /** `week_2026-11-30` */
  id: z.string(),
  version: count,
  /** Milliseconds since the epoch; `until` is exclusive. */
  from: z.int(),
  until: z.int(),
  zone: z.string(),
  episodes: z.object({
    opened: count,
    /** From the delivery that opened it to the first acknowledgement, here or at its origin. */
    acknowledged: spread,
    /** From the delivery that opened it to its resolve, by whether a runbook had started for it. */
    withRunbook: spread,
    withoutRunbook: spread,
    /** Ended in a way that says nothing of when: expired, merged, untold. */
    otherwise: count,
  }),
  decisions: z.object({ took: spread, approved: count, denied: count, expired: count, void: count }),
  runs: runCounts,
  runbooks: z.record(z.string(), runCounts),
  rules: z.record(z.string(), runCounts),
  services: z.record(z.string(), runCounts),
  /** By `<weekday>-<hour>`, Monday is 1. */
  hours: z.record(z.string(), hour),
  /** The noisiest, by `<source> <name of the alert>`. */
  alerts: z.record(z.string(), noise),
  /** Groups and people that were asked, and people who voted. */
  groups: z.record(z.string(), asked),
  voters: z.record(z.string(), voter),
});
export type WeekFigures = z.infer<typeof weekFigures>;
export type Voter = z.infer<typeof voter>;
export type Asked = z.infer<typeof asked>;

export const others = '(others)';
/** The most keys of a list, and to how many it is cut back when there are more. */
const mostKeys = 600;
const keptKeys = 400;

export function newWeek(span: { from: number; until: number; zone: string; day: string }): WeekFigures {
  return {
    id: `week_${span.day}`,
    version: 0,
    from: span.from,
    until: span.until,
    zone: span.zone,
    episodes: {
      opened: 0,
      acknowledged: noSpread(),
      withRunbook: noSpread(),
      withoutRunbook: noSpread(),
      otherwise: 0,
    },
    decisions: { took: noSpread(), approved: 0, denied: 0, expired: 0, void: 0 },
    runs: noRuns(),
    runbooks: {},
    rules: {},
    services: {},
    hours: {},
    alerts: {},
    groups: {},
    voters: {},
  };
}

/** The entry of a key, made when it is not there. A list of hostile names never takes one of JavaScript's own. */
export function entryOf<T>(list: Record<string, T>, key: string, make: () => T): T {
  const name = key === '__proto__' ? others : key;
  const known = Object.hasOwn(list, name) ? list[name] : undefined;
  if (known !== undefined) return known;
  const made = make();
  list[name] = made;
  return made;
}

/** Cuts the lists of a week that became too long: the smallest entries become one. */
export function boundWeek(week: WeekFigures): void {
  const ran = (one: RunCounts) => Object.values(one).reduce((sum, many) => sum + many, 0);
  bound(week.runbooks, ran, addCounts, noRuns);
  bound(week.rules, ran, addCounts, noRuns);
  bound(week.services, ran, addCounts, noRuns);
  bound(
    week.alerts,
    one => one.opened * 1000 + one.delivered,
    addNoise,
    () => noNoise(others, ''),
  );
  bound(week.groups, one => one.asked, addAsked, noAsked);
  bound(week.voters, one => one.approved + one.denied, addVoter, noVoter);
}

function bound<T>(
  list: Record<string, T>,
  size: (one: T) => number,
  add: (into: T, one: T) => void,
  none: () => T,
): void {
  const names = Object.keys(list);
  if (names.length <= mostKeys) return;
  const ordered = names.filter(name => name !== others).sort((a, b) => size(list[b] as T) - size(list[a] as T));
  const rest = entryOf(list, others, none);
  for (const name of ordered.slice(keptKeys)) {
    add(rest, list[name] as T);
    delete list[name];
  }
}

export const noNoise = (title: string, source: string) => ({ title, source, opened: 0, delivered: 0 });
export const noAsked = (): Asked => ({ asked: 0, hours: {} });
export const noVoter = (): Voter => ({ approved: 0, denied: 0, took: noSpread(), hours: {} });

export function addCounts<T extends Record<string, number>>(into: T, one: T): void {
  for (const [name, many] of Object.entries(one)) (into as Record<string, number>)[name] = (into[name] ?? 0) + many;
}

export function addNoise(into: z.infer<typeof noise>, one: z.infer<typeof noise>): void {
  into.opened += one.opened;
  into.delivered += one.delivered;
}

export function addAsked(into: Asked, one: Asked): void {
  into.asked += one.asked;
  addCounts(into.hours, one.hours);
}

export function addVoter(into: Voter, one: Voter): void {
  into.approved += one.approved;
  into.denied += one.denied;
  mergeSpread(into.took, one.took);
  addCounts(into.hours, one.hours);
}
