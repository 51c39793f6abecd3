import { z } from 'zod';
import { reportOf, type Summary } from './report.ts';
import type { WeekFigures } from './week.ts';

const median = z.int().nullable();
const named = z.object({ name: z.string(), count: z.int() });

/** What is said of a week, and of the week before it. It is journalled, so it says later what people were told. Times are milliseconds. */
const figures = z.object({
  opened: z.int(),
  acknowledged: median,
  withRunbook: median,
  withoutRunbook: median,
  decided: median,
  ran: z.int(),
  ineffective: z.int(),
  remediated: z.int(),
  withoutPeople: z.int(),
});
export type DigestFigures = z.infer<typeof figures>;

export const digest = z.object({
  /** The Monday on which the week begins, `2026-11-23`. */
  week: z.string(),
  from: z.int(),
  until: z.int(),
  figures,
  /** Null for the first week. */
  before: figures.nullable(),
  noisiest: z.array(named),
  ineffective: z.array(named),
  asked: z.array(named.extend({ atNight: z.int() })),
  /** Where it is posted, as `platform:channel`. */
  to: z.array(z.string()),
});
export type Digest = z.infer<typeof digest>;

const most = 3;

export function digestOf(week: WeekFigures, before: WeekFigures | null, to: readonly string[]): Digest {
  const report = reportOf([week]);
  const ineffective = report.runbooks.filter(one => one.ineffective > 0).sort((a, b) => b.ineffective - a.ineffective);
  return {
    week: week.id.slice('week_'.length),
    from: week.from,
    until: week.until,
    figures: figuresOf(report.total),
    before: before === null ? null : figuresOf(reportOf([before]).total),
    noisiest: report.noisiest.slice(0, most).map(({ name, opened }) => ({ name, count: opened })),
    ineffective: ineffective.slice(0, most).map(one => ({ name: one.name, count: one.ineffective })),
    asked: report.asked.slice(0, most).map(({ name, asked, atNight }) => ({ name, count: asked, atNight })),
    to: [...to],
  };
}

function figuresOf(total: Summary): DigestFigures {
  return {
    opened: total.opened,
    acknowledged: total.timeToAcknowledge.median,
    withRunbook: total.timeToRestoreWithRunbook.median,
    withoutRunbook: total.timeToRestoreWithoutRunbook.median,
    decided: total.timeToDecision.median,
    ran: total.runs.ran,
    ineffective: total.runs.ineffective,
    remediated: total.runs.remediated,
    withoutPeople: total.runs.withoutPeople,
  };
}
