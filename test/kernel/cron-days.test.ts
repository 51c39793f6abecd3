import { describe, expect, test } from 'vitest';
import { latest, openCron } from '../../src/kernel/cron.ts';
import { cronFault } from '../../src/kernel/cron-check.ts';

function due(pattern: string, from: string, days: number): string[] {
  const cron = openCron(pattern, 'UTC');
  const start = Date.parse(from);
  const found: string[] = [];
  const end = start + days * 86_400_000;
  for (let at = cron.next(start, end); at !== null; at = cron.next(at, end)) found.push(new Date(at).toISOString());
  cron.close();
  return found;
}

describe('the day of the month and the day of the week', () => {
  /** November 2026 begins on a Sunday. */
  const days = (pattern: string) => due(pattern, '2026-10-31T12:00:00Z', 30).map(at => Number(at.slice(8, 10)));

  test.each([
    // crontab(5): "if both fields are restricted (i.e., do not contain the * character), the command will be run when either field matches".
    ['0 3 13 * 1', [2, 9, 13, 16, 23, 30]],
    ['0 3 1,15 * fri', [1, 6, 13, 15, 20, 27]],
    ['0 3 10-12 * 0', [1, 8, 10, 11, 12, 15, 22, 29]],
    ['0 3 L * mon', [2, 9, 16, 23, 30]],
    ['0 3 5 * 1#2', [5, 9]],
    // A field that begins with a star is not restricted, also */2: then both must hold.
    ['0 3 */2 * 1', [9, 23]],
    ['0 3 13 * */5', [13]],
    ['0 3 14 * */5', []],
    ['0 3 13 * *', [13]],
    ['0 3 * * 1', [2, 9, 16, 23, 30]],
    ['0 3 ? * 1', [2, 9, 16, 23, 30]],
    ['0 0 3 13 * 1', [2, 9, 13, 16, 23, 30]],
  ])('%s in November 2026: %j', (pattern, expected) => {
    expect(days(pattern)).toEqual(expected);
  });
});

test.each([
  ['0 0 30 2 1', '2026-01-20T00:00:00Z', 60, ['2026-02-02', '2026-02-09', '2026-02-16', '2026-02-23']],
  ['0 0 31 4,6 1', '2026-05-25T00:00:00Z', 50, ['2026-06-01', '2026-06-08', '2026-06-15', '2026-06-22', '2026-06-29']],
])(
  '%s ticks on Mondays: a day that no month has takes nothing from the day of the week',
  (pattern, from, days, expected) => {
    expect(due(pattern, from, days)).toEqual(expected.map(day => `${day}T00:00:00.000Z`));
  },
);

describe('forms that are taken as they are meant', () => {
  const times = (pattern: string, from = '2026-11-02T00:00:00Z', days = 1) =>
    due(pattern, from, days).map(at => at.slice(5, 16));

  test.each([
    ['0 22-2 * * *', ['11-02T01:00', '11-02T02:00', '11-02T22:00', '11-02T23:00', '11-03T00:00']],
    ['50-10/10 3 * * *', ['11-02T03:00', '11-02T03:10', '11-02T03:50']],
    ['0 12 * * FRI-MON', ['11-02T12:00', '11-06T12:00', '11-07T12:00', '11-08T12:00']],
    ['0 12 * * 5-7', ['11-06T12:00', '11-07T12:00', '11-08T12:00']],
    ['0 12 * * 7', ['11-08T12:00']],
    ['0 12 * Nov,dec Tuesday', ['11-03T12:00']],
    [
      '0 0 */24 * * *',
      ['11-03T00:00', '11-04T00:00', '11-05T00:00', '11-06T00:00', '11-07T00:00', '11-08T00:00', '11-09T00:00'],
    ],
    [
      '@Daily',
      ['11-03T00:00', '11-04T00:00', '11-05T00:00', '11-06T00:00', '11-07T00:00', '11-08T00:00', '11-09T00:00'],
    ],
    ['@weekly', ['11-08T00:00']],
  ])('%s', (pattern, expected) => {
    expect(cronFault(pattern)).toBeNull();
    expect(
      times(pattern, '2026-11-02T00:00:00Z', pattern.startsWith('0 22') || pattern.startsWith('50') ? 1 : 7),
    ).toEqual(expected);
  });

  test.each([
    '0 0 29 2 *',
    '0 0 29 2 1',
    '0 0 31 1,2 *',
    '0 0 30 2 1',
    '0 0 31 4,6 1',
    '0 0 0 30 2 mon',
    '*/60 * * * *',
    '0 0 L 2 *',
    '0 0 * 2 7#5',
    '5,5 * * * *',
    '*/30 * * * * *',
  ])('%s ticks at some time', pattern => {
    expect(cronFault(pattern)).toBeNull();
  });
});

describe('what is refused, with its place, what is allowed and the nearest', () => {
  test.each([
    ['*/90 * * * *', 2, 'minute: the step 90 is not within what it steps over', 'a step from 1 to 60', null],
    ['*/61 * * * *', 2, 'minute: the step 61', 'a step from 1 to 60', null],
    ['* */25 * * *', 4, 'hour: the step 25', 'a step from 1 to 24', null],
    ['0-10/20 * * * *', 5, 'minute: the step 20', 'a step from 1 to 11', null],
    ['50-10/22 * * * *', 6, 'minute: the step 22', 'a step from 1 to 21', null],
    ['*/0 * * * *', 2, 'minute: the step 0', 'a step from 1 to 60', null],
    ['1/5 * * * *', 0, 'minute: a step needs a range: 1-59/5', '0 to 59', null],
    ['60 * * * *', 0, 'minute: "60" is not in it', '0 to 59', null],
    ['0 24 * * *', 2, 'hour: "24" is not in it', '0 to 23', null],
    ['0 3 0 * *', 4, 'day-of-month: "0" is not in it', '1 to 31', null],
    ['0 3 * 13 *', 6, 'month: "13" is not in it', '1 to 12, or jan, feb', null],
    ['0 3 * jna *', 6, 'month: "jna" is not in it', '1 to 12', 'jan'],
    ['0 3 * * mondy', 8, 'day-of-week: "mondy" is not in it', '0 to 7, or sun, mon', 'monday'],
    ['0 3 * * 8', 8, 'day-of-week: "8" is not in it', '0 to 7', null],
    ['0 3 * * mon-', 8, 'day-of-week: "" is not in it', '0 to 7', null],
    ['-5 * * * *', 0, 'minute: "" is not in it', '0 to 59', null],
    ['1-2-3 * * * *', 0, 'minute: "1-2-3" is not one of its forms', '0 to 59', null],
    ['1,,2 * * * *', 2, 'minute: "" is not one of its forms', '0 to 59', null],
    ['0 1.5 * * *', 2, 'hour: "1.5" is not in it', '0 to 23', null],
    ['H 3 * * *', 0, 'minute: "H" is not in it', '0 to 59', null],
    ['0x5 3 * * *', 0, 'minute: "0x5" is not in it', '0 to 59', null],
    ['0 0 30 2 *', 4, 'no day is ever like this', 'a day that one of its months has', null],
    ['0 0 31 4,6,9,11 *', 4, 'no day is ever like this', 'a day that one of its months has', null],
    ['0 0 30 2 ?', 4, 'no day is ever like this', 'a day that one of its months has', null],
    ['0 0 30 2 */2', 4, 'no day is ever like this', 'a day that one of its months has', null],
    ['0 0 0 30W 2 *', 6, 'no day is ever like this', 'a day that one of its months has', null],
    ['* * * *', 0, 'a pattern has five fields, or six with seconds before them; this has 4', 'minute hour', null],
    ['* * * * * * *', 0, 'this has 7', 'minute hour', null],
    ['', 0, 'this has 0', 'minute hour', null],
    ['@dialy', 0, 'there is no "@dialy"', '@daily', '@daily'],
    ['@reboot', 0, 'there is no "@reboot"', '@hourly', null],
  ])('%s', (pattern, offset, message, allowed, nearest) => {
    expect(cronFault(pattern)).toEqual({
      message: expect.stringContaining(message),
      allowed: expect.stringContaining(allowed),
      nearest,
      offset,
    });
  });
});

test('the newest of many ticks is found without going through them', () => {
  const cron = openCron('* * * * * *', 'UTC');
  let asked = 0;
  const counted = {
    ...cron,
    next: (after: number, until: number) => {
      asked++;
      return cron.next(after, until);
    },
  };
  const now = Date.parse('2026-11-10T10:00:00.500Z');
  expect(latest(counted, now - 400 * 86_400_000, now)).toBe(now - 500);
  expect(asked).toBeLessThan(100);
  expect(latest(cron, now - 400, now)).toBeNull();
  cron.close();
  const yearly = openCron('@yearly', 'Europe/London');
  expect(latest(yearly, now - 3 * 366 * 86_400_000, now)).toBe(Date.parse('2026-01-01T00:00:00Z'));
  expect(latest(yearly, now - 86_400_000, now)).toBeNull();
  yearly.close();
});
