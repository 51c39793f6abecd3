import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { duration, parseDuration, showDuration, withUnit, withUnits } from '../../src/kernel/duration.ts';

describe('parseDuration', () => {
  test.each([
    ['250ms', 250],
    ['30s', 30_000],
    ['10m', 600_000],
    ['2h', 7_200_000],
    ['1d', 86_400_000],
    ['1.5h', 5_400_000],
    [' 10 m ', 600_000],
    ['5 minutes', 300_000],
    ['0s', 0],
    ['1.0001s', 1001],
    ['0.5ms', 1],
    ['36500d', 3_153_600_000_000],
  ])('%j is %d ms', (text, expected) => {
    expect(parseDuration(text)).toBe(expected);
  });

  test.each([
    '',
    '10',
    'm',
    '-5m',
    '5 parsecs',
    '1h30m',
    '10m;',
    '1e3s',
    'Infinity s',
    '٣m',
    '10 \n\n m x',
    '0x10s',
    '1_000s',
    '.5s',
    '36501d',
    '99999999999999999999y',
  ])('%j is none', text => {
    expect(parseDuration(text)).toBeNull();
  });

  test('takes any text without throwing, and never gives what is not a time', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), text => {
        const value = parseDuration(text);
        expect(value === null || (Number.isFinite(value) && value >= 0)).toBe(true);
      }),
    );
  });

  test('in a file, says what to write instead', () => {
    expect(duration.parse('10m')).toBe(600_000);
    expect(duration.safeParse('soon').error?.issues[0]?.message).toBe(
      '"soon" is not a duration; write 30s, 10m, 2h or 1d',
    );
  });
});

describe('a bare number', () => {
  test.each([
    [3600, '3600 has no unit; write 3600s or 60m'],
    ['3600', '3600 has no unit; write 3600s or 60m'],
    [30, '30 has no unit; write 30s or 30m'],
    [1.5, '1.5 has no unit; write 1.5s or 1.5m'],
  ])('%j is refused in a file, with what to write', (given, message) => {
    expect(duration.safeParse(given).error?.issues.map(issue => issue.message)).toEqual([message]);
  });

  test('counts milliseconds in TypeScript', () => {
    expect(withUnits({ within: 1500, every: '2s', exec: [1] }, ['within', 'every'])).toEqual({
      within: '1500ms',
      every: '2s',
      exec: [1],
    });
    expect(duration.parse(withUnit(1500))).toBe(1500);
  });
});

describe('showDuration', () => {
  test.each([
    [0, '0s'],
    [40, '40ms'],
    [499, '499ms'],
    [999, '1s'],
    [65_000, '1m 5s'],
    [3_600_000, '1h'],
    [3_605_000, '1h 5s'],
    [90_061_000, '1d 1h'],
    [-5, '0s'],
  ])('%d ms is %s', (ms, expected) => {
    expect(showDuration(ms)).toBe(expected);
  });
});
