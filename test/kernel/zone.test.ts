import { describe, expect, it } from 'vitest';
import { checkZone, zoneFault } from '../../src/kernel/zone.ts';

function isOfIntl(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }) !== null;
  } catch {
    return false;
  }
}

describe('names of time zones', () => {
  it.each([
    'UTC',
    'GMT',
    'Europe/London',
    'Europe/Kyiv',
    'Asia/Calcutta',
    'Asia/Kolkata',
    'America/Argentina/Buenos_Aires',
    'Australia/Lord_Howe',
    'US/Eastern',
    'Etc/GMT+5',
    'Japan',
    'europe/london',
  ])('takes %s', zone => {
    expect(zoneFault(zone)).toBeNull();
    expect(() => checkZone(zone)).not.toThrow();
  });

  it.each([
    ['BST', 'abbreviation', 'Europe/London'],
    ['EST', 'abbreviation', 'America/New_York'],
    ['est', 'abbreviation', 'America/New_York'],
    ['PST8PDT', 'abbreviation', 'America/Los_Angeles'],
    ['CET', 'abbreviation', 'Europe/Berlin'],
    ['IST', 'abbreviation', 'Asia/Kolkata'],
    ['Z', 'abbreviation', 'UTC'],
    ['GMT+1', 'offset', 'Etc/GMT-1'],
    ['UTC-5', 'offset', 'Etc/GMT+5'],
    ['+02:00', 'offset', 'Etc/GMT-2'],
    ['+05:30', 'offset', null],
    ['+00:00', 'offset', 'UTC'],
    ['Europe/Londn', 'IANA list', 'Europe/London'],
    ['Berlin', 'IANA list', 'Europe/Berlin'],
    ['new york', 'IANA list', 'America/New_York'],
    [' UTC', 'IANA list', 'UTC'],
    ['Factory', 'IANA list', null],
    ['SystemV/EST5', 'IANA list', null],
    ['localtime', 'IANA list', null],
    ['Europe', 'IANA list', null],
    ['', 'IANA list', null],
    ['somewhere that no clock is', 'IANA list', null],
  ])('refuses %j: %s, and means %s', (zone, why, nearest) => {
    expect(zoneFault(zone)).toMatchObject({ message: expect.stringContaining(why), nearest });
    expect(() => checkZone(zone)).toThrow(nearest === null ? `"${zone}" is` : `did you mean "${nearest}"?`);
  });

  // Intl also takes old Java names such as BST, which is Dhaka there: every bare name of three or four letters is refused.
  it('takes no abbreviation that Intl knows', () => {
    const letters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];
    const short = letters.flatMap(a => letters.flatMap(b => letters.map(c => a + b + c)));
    const taken = short.filter(isOfIntl);
    expect(taken.length).toBeGreaterThan(20);
    expect(taken.filter(name => zoneFault(name) === null)).toEqual(['GMT', 'PRC', 'ROC', 'ROK', 'UCT', 'UTC']);
  });
});
