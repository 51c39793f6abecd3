import { describe, expect, test } from 'vitest';
import { statisticsCsv } from '../../../src/model/statistics/csv.ts';
import { reportOf, statisticsReport } from '../../../src/model/statistics/report.ts';
import { addTime } from '../../../src/model/statistics/spread.ts';
import {
  boundWeek,
  entryOf,
  newWeek,
  noNoise,
  noRuns,
  type WeekFigures,
  weekFigures,
} from '../../../src/model/statistics/week.ts';

const day = 86_400_000;
const week = (index: number): WeekFigures =>
  newWeek({ from: index * 7 * day, until: (index + 1) * 7 * day, zone: 'UTC', day: `w${index}` });

describe('a report', () => {
  test('adds weeks up, in whatever order they come, and shares nothing where there is nothing', () => {
    const [first, second] = [week(1), week(2)];
    entryOf(first.runbooks, 'restart', noRuns).ineffective = 1;
    entryOf(second.runbooks, 'restart', noRuns).succeeded = 3;
    first.runs = { ...noRuns(), ineffective: 1 };
    second.runs = { ...noRuns(), succeeded: 3, people: 1, alone: 2 };
    addTime(first.episodes.withRunbook, 1000);
    addTime(second.episodes.withoutRunbook, 3000);
    const report = reportOf([second, first]);
    expect(report.weeks.map(one => one.from)).toEqual([first.from, second.from]);
    expect(report.total.timeToRestore).toMatchObject({ count: 2, mean: 2000 });
    expect(report.runbooks).toMatchObject([{ name: 'restart', ran: 4, ineffectiveShare: 0.25 }]);
    expect(report.total.runs).toMatchObject({ withoutPeopleShare: 2 / 3 });
    expect(report.weeks[0]?.runs.withoutPeopleShare).toBeNull();
    expect(statisticsReport.parse(report)).toEqual(report);
    expect(reportOf([]).total.runs.ineffectiveShare).toBeNull();
  });

  test('of a storm of names the noisiest stay, the others become one, and no count is lost', () => {
    const storm = week(1);
    for (let index = 0; index < 5000; index++) {
      const one = entryOf(storm.alerts, `probe alert ${index}`, () => noNoise(`alert ${index}`, 'probe'));
      one.opened = index === 4321 ? 50 : 1;
      one.delivered = one.opened;
    }
    boundWeek(storm);
    const noisiest = reportOf([storm]).noisiest;
    expect(noisiest.length).toBeLessThanOrEqual(600);
    expect(noisiest.find(one => one.name === 'alert 4321')?.opened).toBe(50);
    expect(noisiest.reduce((sum, one) => sum + one.opened, 0)).toBe(5049);
    expect(JSON.stringify(storm).length).toBeLessThan(100_000);
  });

  test('names of JavaScript itself are names', () => {
    const odd = week(1);
    for (const name of ['__proto__', 'constructor', 'toString']) entryOf(odd.rules, name, noRuns).failed++;
    const report = reportOf([weekFigures.parse(JSON.parse(JSON.stringify(odd)))]);
    expect(report.rules.map(one => one.name).sort()).toEqual(['(others)', 'constructor', 'toString']);
    expect(report.rules.reduce((sum, one) => sum + one.failed, 0)).toBe(3);
  });

  test('as CSV it is quoted, and no name runs as a formula', () => {
    const one = week(1);
    for (const name of ['=HYPERLINK("http://evil.example")', 'a "b", c', '-2+3'])
      entryOf(one.runbooks, name, noRuns).succeeded = 1;
    addTime(one.episodes.acknowledged, 90_000);
    const rows = statisticsCsv(reportOf([one])).split('\r\n');
    expect(rows[0]).toBe('about,name,from,until,figure,value');
    expect(rows).toContain('total,,1970-01-08T00:00:00.000Z,1970-01-15T00:00:00.000Z,time to acknowledge: mean,90');
    const named = rows.filter(row => row.endsWith(',ran,1') && row.startsWith('runbook')).map(row => row.slice(8));
    expect(named.map(row => row.slice(0, row.indexOf(',1970'))).sort()).toEqual([
      `"'=HYPERLINK(""http://evil.example"")"`,
      `"a ""b"", c"`,
      `'-2+3`,
    ]);
  });
});
