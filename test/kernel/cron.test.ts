import fc from 'fast-check';
import { createTask } from 'node-cron';
import { describe, expect, test } from 'vitest';
import { openCron } from '../../src/kernel/cron.ts';

/** When the pattern is due within so many hours from a time, without the milliseconds. */
function due(pattern: string, timezone: string, from: string, hours: number): string[] {
  const cron = openCron(pattern, timezone);
  const start = Date.parse(from);
  const end = start + hours * 3_600_000;
  const found: string[] = [];
  for (let at = cron.next(start, end); at !== null; at = cron.next(at, end)) found.push(new Date(at).toISOString());
  cron.close();
  return found.map(at => `${at.slice(0, 19)}Z`);
}

describe('when a pattern is due', () => {
  test('three in the morning in Berlin is another time in summer', () => {
    expect(due('0 3 * * *', 'Europe/Berlin', '2026-10-24T12:00:00Z', 40)).toEqual([
      '2026-10-25T02:00:00Z',
      '2026-10-26T02:00:00Z',
    ]);
    expect(due('0 3 * * *', 'Europe/Berlin', '2026-10-22T12:00:00Z', 24)).toEqual(['2026-10-23T01:00:00Z']);
  });

  test('after a time, up to and with the end', () => {
    expect(due('* * * * *', 'UTC', '2026-10-22T12:00:00Z', 1 / 30)).toEqual([
      '2026-10-22T12:01:00Z',
      '2026-10-22T12:02:00Z',
    ]);
    expect(due('0 0 29 2 *', 'UTC', '2026-10-22T12:00:00Z', 24)).toEqual([]);
    expect(due('0 0 29 2 *', 'UTC', '2028-02-01T00:00:00Z', 24 * 40)).toEqual(['2028-02-29T00:00:00Z']);
    expect(due('@hourly', 'Asia/Kolkata', '2026-10-22T12:00:00Z', 2)).toEqual([
      '2026-10-22T12:30:00Z',
      '2026-10-22T13:30:00Z',
    ]);
    expect(due('0 9 * * 1#1', 'UTC', '2026-11-01T00:00:00Z', 24 * 30)).toEqual(['2026-11-02T09:00:00Z']);
  });

  test('without changes of clocks: what node-cron says of each minute', () => {
    const field = (max: number) =>
      fc.oneof(
        fc.constant('*'),
        fc.integer({ min: 1, max }).map(step => `*/${step}`),
        fc.integer({ min: 1, max }).map(String),
      );
    fc.assert(
      fc.property(field(59), field(23), field(28), field(6), (m, h, dom, dow) => {
        const pattern = `${m} ${h} ${dom} * ${dow}`;
        // Of two restricted days either is enough; the library wants both, so it is asked for each.
        const either = !dom.startsWith('*') && !dow.startsWith('*');
        const days = either ? [`${dom} * *`, `* * ${dow}`] : [`${dom} * ${dow}`];
        const tasks = days.map(one => createTask(`${m} ${h} ${one}`, () => {}, { timezone: 'Asia/Kathmandu' }));
        const start = Date.parse('2026-11-10T00:00:00Z');
        const wanted = Array.from({ length: 2000 }, (_, index) => start + (index + 1) * 60_000)
          .filter(at => tasks.some(task => task.match(new Date(at))))
          .map(at => `${new Date(at).toISOString().slice(0, 19)}Z`);
        for (const task of tasks) task.destroy();
        expect(due(pattern, 'Asia/Kathmandu', '2026-11-10T00:00:00Z', 2000 / 60)).toEqual(wanted);
      }),
      { numRuns: 12 },
    );
  });
});

describe('when clocks go back', () => {
  const night = '2026-10-24T23:30:00Z';
  test.each([
    // Hour after hour: both passes of two o'clock.
    ['30 * * * *', ['00:30', '01:30', '02:30', '03:30']],
    ['30 0-5 * * *', ['00:30', '01:30', '02:30', '03:30']],
    ['0 1-2 * * *', ['00:00', '01:00']],
    ['@hourly', ['00:00', '01:00', '02:00', '03:00']],
    // At certain hours: once, the second time.
    ['30 2 * * *', ['01:30']],
    ['*/30 2 * * *', ['01:00', '01:30']],
    ['30 2,14 * * *', ['01:30']],
    ['30 1,2,3 * * *', ['01:30', '02:30']],
    ['0 */2 * * *', ['01:00', '03:00']],
  ])('%s in Berlin: %j', (pattern, times) => {
    expect(due(pattern, 'Europe/Berlin', night, 4)).toEqual(times.map(time => `2026-10-25T${time}:00Z`));
  });

  test('west of Greenwich too it is the second time', () => {
    expect(due('30 1 * * *', 'America/Chicago', '2026-10-31T12:00:00Z', 24)).toEqual(['2026-11-01T07:30:00Z']);
    expect(due('0 0 * * *', 'America/Havana', '2026-10-31T12:00:00Z', 24)).toEqual(['2026-11-01T05:00:00Z']);
    expect(due('45 1 * * *', 'Australia/Lord_Howe', '2027-04-03T00:00:00Z', 24)).toEqual(['2027-04-03T15:15:00Z']);
  });
});

describe('when clocks go forward', () => {
  test.each([
    ['30 2 * * *', 'Europe/Berlin', '2027-03-28T00:00:00Z', ['2027-03-28T01:00:00Z']],
    // Once, whatever falls into the gap or on its end.
    ['0,15,30 2 * * *', 'Europe/Berlin', '2027-03-28T00:00:00Z', ['2027-03-28T01:00:00Z']],
    ['0 2,3 * * *', 'Europe/Berlin', '2027-03-28T00:00:00Z', ['2027-03-28T01:00:00Z']],
    ['0 */2 * * *', 'Europe/Berlin', '2027-03-28T00:00:00Z', ['2027-03-28T01:00:00Z', '2027-03-28T02:00:00Z']],
    ['15 2 * * *', 'Australia/Lord_Howe', '2026-10-03T14:00:00Z', ['2026-10-03T15:30:00Z']],
    // What goes on every so often goes on.
    ['5 * * * *', 'Europe/Berlin', '2027-03-28T00:00:00Z', ['2027-03-28T00:05:00Z', '2027-03-28T01:05:00Z']],
    ['30 2 28 3 */2', 'Europe/Berlin', '2027-03-28T00:00:00Z', ['2027-03-28T01:00:00Z']],
    ['30 2 28 3 */4', 'Europe/Berlin', '2027-03-28T00:00:00Z', ['2027-03-28T01:00:00Z']],
    ['30 2 29 3 1', 'Europe/Berlin', '2027-03-28T00:00:00Z', []],
  ])('%s in %s', (pattern, timezone, from, times) => {
    expect(due(pattern, timezone, from, 2)).toEqual(times);
  });

  test('the moment of the change is found from the millisecond before it', () => {
    expect(due('30 2 * * *', 'Europe/Berlin', '2027-03-28T00:59:59.999Z', 1)).toEqual(['2027-03-28T01:00:00Z']);
  });
});
