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
    // Links of tzdata's file `backward`, with the clock changes of their places.
    'CET',
    'EET',
    'MET',
    'WET',
    'EST5EDT',
    'CST6CDT',
    'MST7MDT',
    'pst8pdt',
    'GMT0',
    'GMT+0',
    'GMT-0',
    'Etc/GMT+1',
    'Etc/GMT0',
    'Etc/Greenwich',
    'GB-Eire',
    'NZ-CHAT',
    'W-SU',
  ])('takes %s', zone => {
    expect(zoneFault(zone)).toBeNull();
    expect(() => checkZone(zone)).not.toThrow();
  });

  it.each([
    ['BST', 'abbreviation', 'Europe/London'],
    ['EST', 'America/Panama in the IANA list, which knows no clock change', 'America/New_York'],
    ['est', 'America/Panama in the IANA list, which knows no clock change', 'America/New_York'],
    ['MST', 'America/Phoenix in the IANA list, which knows no clock change', 'America/Denver'],
    ['HST', 'Pacific/Honolulu in the IANA list, which knows no clock change', 'Pacific/Honolulu'],
    ['PST', 'abbreviation', 'America/Los_Angeles'],
    ['CEST', 'abbreviation', 'Europe/Berlin'],
    ['EDT', 'abbreviation', 'America/New_York'],
    ['ACT', 'abbreviation', 'Australia/Darwin'],
    ['AST', 'abbreviation', 'America/Anchorage'],
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

  it('takes what Intl knows of the list, with its clock changes', () => {
    const summer = (timeZone: string) =>
      new Intl.DateTimeFormat('en', { timeZone, hour: 'numeric', hourCycle: 'h23' }).format(
        new Date('2026-07-01T12:00Z'),
      );
    const links = ['CET', 'EET', 'WET', 'EST5EDT', 'PST8PDT'].filter(name => zoneFault(name) === null);
    expect(links.map(name => [name, summer(name)])).toEqual([
      ['CET', '14'],
      ['EET', '15'],
      ['WET', '13'],
      ['EST5EDT', '08'],
      ['PST8PDT', '05'],
    ]);
  });

  it('says for EST what to write instead: the place, or the offset', () => {
    expect(zoneFault('EST')?.allowed).toBe('the name of the place, or Etc/GMT+5 for the offset');
  });

  // Intl also takes old Java names such as BST, which is Dhaka there: of bare names only those of the IANA list are taken.
  it('takes no abbreviation that Intl knows', () => {
    const letters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];
    const short = letters.flatMap(a => letters.flatMap(b => letters.map(c => a + b + c)));
    const taken = short.filter(isOfIntl);
    expect(taken.length).toBeGreaterThan(20);
    expect(taken.filter(name => zoneFault(name) === null)).toEqual([
      'CET',
      'EET',
      'GMT',
      'MET',
      'PRC',
      'ROC',
      'ROK',
      'UCT',
      'UTC',
      'WET',
    ]);
  });
});
