import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openCron } from '../../src/kernel/cron.ts';

/** Two years of clocks, as Intl tells them, quarter of an hour by quarter of an hour: no zone changes its clocks otherwise. */
interface Years {
  /** By the local day, such as 2026-03-29: the quarters of the day (0 to 95) with the times at which the clocks show them. */
  days: ReadonlyMap<string, ReadonlyMap<number, readonly number[]>>;
  /** The moments at which clocks go forward, with the first and the last quarter that is left out, and the local day. */
  gaps: readonly { at: number; day: string; from: number; to: number }[];
}

const quarter = 900_000;
const from = Date.parse('2026-01-01T00:00:00Z');
const until = Date.parse('2028-01-01T00:00:00Z');

function yearsOf(zone: string): Years {
  const format = new Intl.DateTimeFormat('en-CA', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
  });
  const days = new Map<string, Map<number, number[]>>();
  const gaps: Years['gaps'][number][] = [];
  let before: number | null = null;
  for (let at = from - 86_400_000; at <= until + 86_400_000; at += quarter) {
    const [day = '', time = ''] = format.format(at).split(', ');
    const of = Number(time.slice(0, 2)) * 4 + Number(time.slice(3, 5)) / 15;
    const known = days.get(day) ?? new Map<number, number[]>();
    known.set(of, [...(known.get(of) ?? []), at]);
    days.set(day, known);
    // Clocks go forward within a day, or over midnight, from where a day would begin.
    const next: number = before === null ? of : (before + 1) % 96;
    if (of > next && of - next < 48) gaps.push({ at, day, from: next, to: of - 1 });
    before = of;
  }
  return { days, gaps };
}

/** When a job at this quarter of every day is due: once a day, the second time of two, right after a gap. */
function dailyTimes({ days, gaps }: Years, of: number): number[] {
  const times: number[] = [];
  for (const [day, quarters] of days) {
    const shown = quarters.get(of)?.at(-1);
    const gap = gaps.find(one => one.day === day && of >= one.from && of <= one.to);
    const at = shown ?? gap?.at;
    if (at !== undefined) times.push(at);
  }
  return times.filter(at => at > from && at <= until).sort((a, b) => a - b);
}

function due(pattern: string, zone: string, start = from, end = until): number[] {
  const cron = openCron(pattern, zone);
  const found: number[] = [];
  for (let at = cron.next(start, end); at !== null; at = cron.next(at, end)) found.push(at);
  cron.close();
  return found;
}

const show = (times: readonly number[]) => times.map(at => new Date(at).toISOString());

describe.each([
  'Europe/London',
  'America/New_York',
  // Half an hour.
  'Australia/Lord_Howe',
  // Midnight does not exist on the day.
  'America/Santiago',
  // Clocks go back for Ramadan.
  'Africa/Casablanca',
  'Asia/Beirut',
])('two years in %s', zone => {
  const years = yearsOf(zone);

  test('have clocks that go forward', () => {
    expect(years.gaps.length).toBeGreaterThan(0);
  });

  test('a daily job runs once on each of the 730 days, also when its time is in the gap or comes twice', () => {
    const special = [...years.days.values()].flatMap(day =>
      [...day].flatMap(([of, at]) => (at.length > 1 ? [of] : [])),
    );
    const gaps = years.gaps.flatMap(gap =>
      Array.from({ length: gap.to - gap.from + 1 }, (_, index) => gap.from + index),
    );
    expect(special.length).toBeGreaterThan(0);
    const quarters = fc.oneof(fc.constantFrom(...special), fc.constantFrom(...gaps), fc.integer({ min: 0, max: 95 }));
    fc.assert(
      fc.property(quarters, of => {
        const times = due(`${(of % 4) * 15} ${Math.floor(of / 4)} * * *`, zone);
        expect(show(times)).toEqual(show(dailyTimes(years, of)));
        expect(times.length).toBeGreaterThanOrEqual(729);
        expect(times.length).toBeLessThanOrEqual(731);
      }),
      { numRuns: 8, examples: [[gaps[0] ?? 0], [gaps.at(-1) ?? 0], [special[0] ?? 0], [special.at(-1) ?? 0]] },
    );
  });

  test('a daily job in the gap runs at its end', () => {
    for (const { at, from: first, to } of years.gaps) {
      const times = due(`${(to % 4) * 15} ${Math.floor(to / 4)} * * *`, zone);
      expect(times).toContain(at);
      expect(due(`${(first % 4) * 15} ${Math.floor(first / 4)} * * *`, zone)).toContain(at);
      expect(times.filter(one => one >= at && one < at + 20 * 3_600_000)).toEqual([at]);
    }
  });

  test('an interval job ticks on through both passes of the repeated time', () => {
    const shown = [...years.days.values()].flatMap(day => [...day]);
    const hours = shown.flatMap(([of, at]) => (of % 4 === 0 ? at : [])).filter(at => at > from && at <= until);
    expect(due('0 * * * *', zone)).toEqual(hours.sort((a, b) => a - b));
    const twice = shown.flatMap(([, at]) => (at.length > 1 ? at : []));
    for (const start of [...years.gaps.map(({ at }) => at), Math.min(...twice), Math.max(...twice)]) {
      const near = Array.from({ length: 48 }, (_, index) => start - 6 * 3_600_000 + (index + 1) * quarter);
      expect(due('*/15 * * * *', zone, start - 6 * 3_600_000, start + 6 * 3_600_000)).toEqual(near);
    }
  });
});
