import { csvCell } from '../../kernel/csv.ts';
import type { RunsReport, StatisticsReport, Summary, Times } from './report.ts';

/**
 * The report as one table (RFC 4180): a row for each figure, so that a spreadsheet can filter and pivot it. Times are seconds, shares from
 * 0 to 1; a figure that there is none of is empty.
 */
export function statisticsCsv(report: StatisticsReport): string {
  const rows: Cell[][] = [['about', 'name', 'from', 'until', 'figure', 'value']];
  const add = (about: string, name: string, span: readonly [string, string], figures: Figures) => {
    for (const [figure, value] of figures) rows.push([about, name, ...span, figure, value]);
  };
  const all = [dayOf(report.from), dayOf(report.until)] as const;
  add('total', '', all, figuresOf(report.total));
  for (const week of report.weeks)
    add('week', dayOf(week.from), [dayOf(week.from), dayOf(week.until)], figuresOf(week));
  for (const [about, list] of [
    ['runbook', report.runbooks],
    ['rule', report.rules],
    ['service', report.services],
  ] as const)
    for (const one of list) add(about, one.name, all, runFigures(one));
  for (const { weekday, hour, ...counts } of report.hours)
    add('hour', `${weekday} ${String(hour).padStart(2, '0')}:00`, all, Object.entries(counts));
  for (const { name, source, ...counts } of report.noisiest)
    add('alert', `${source} ${name}`, all, Object.entries(counts));
  for (const { name, ...counts } of report.asked) add('asked', name, all, Object.entries(counts));
  for (const { name, timeToVote, ...counts } of report.voters)
    add('voter', name, all, [...Object.entries(counts), ...timeFigures('time to vote', timeToVote)]);
  return rows.map(row => `${row.map(one => csvCell(one)).join(',')}\r\n`).join('');
}

type Cell = string | number | null;
type Figures = readonly (readonly [string, Cell])[];

function figuresOf(one: Summary): Figures {
  return [
    ['opened', one.opened],
    ['ended untold', one.endedUntold],
    ...timeFigures('time to acknowledge', one.timeToAcknowledge),
    ...timeFigures('time to restore', one.timeToRestore),
    ...timeFigures('time to restore with a runbook', one.timeToRestoreWithRunbook),
    ...timeFigures('time to restore without a runbook', one.timeToRestoreWithoutRunbook),
    ...timeFigures('time to decision', one.timeToDecision),
    ['approved', one.approved],
    ['denied', one.denied],
    ['approvals expired', one.expired],
    ['approvals void', one.void],
    ...runFigures(one.runs),
  ];
}

function runFigures(one: RunsReport): Figures {
  return [
    ['ran', one.ran],
    ['succeeded', one.succeeded],
    ['failed', one.failed],
    ['ineffective', one.ineffective],
    ['unconfirmed', one.unconfirmed],
    ['cancelled', one.cancelled],
    ['denied runs', one.denied],
    ['expired runs', one.expired],
    ['remediated', one.remediated],
    ['remediated without people', one.withoutPeople],
    ['share without people', one.withoutPeopleShare],
    ['share ineffective', one.ineffectiveShare],
  ];
}

function timeFigures(name: string, { count, mean, median, p90 }: Times): Figures {
  const seconds = (time: number | null) => (time === null ? null : time / 1000);
  return [
    [`${name}: count`, count],
    [`${name}: mean`, seconds(mean)],
    [`${name}: median`, seconds(median)],
    [`${name}: p90`, seconds(p90)],
  ];
}

function dayOf(at: number | null): string {
  return at === null ? '' : new Date(at).toISOString();
}
