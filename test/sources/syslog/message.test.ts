import { IANAZone } from 'luxon';
import { describe, expect, test } from 'vitest';
import { readMessage } from '../../../src/sources/syslog/format/message.ts';

const arrival = Date.parse('2026-11-29T10:00:00Z');
const read = (text: string, zone = 'UTC', at = arrival) => readMessage(text, at, IANAZone.create(zone));
const time = (text: string, zone = 'UTC', at = arrival) => {
  const found = read(text, zone, at).at;
  return found === null ? null : new Date(found).toISOString();
};

describe('RFC 5424', () => {
  test('all parts', () => {
    const text =
      '<165>1 2003-10-11T22:14:15.003Z host.example.com evntslog 812 ID47 [one@32473 iut="3" src="App\\"l\\]i\\\\c"][two@32473 class="high"] \ufeffAn event: größe';
    expect(read(text)).toEqual({
      facility: 20,
      severity: 5,
      at: Date.parse('2003-10-11T22:14:15.003Z'),
      host: 'host.example.com',
      app: 'evntslog',
      procid: '812',
      msgid: 'ID47',
      structured: { 'one@32473': { iut: '3', src: 'App"l]i\\c' }, 'two@32473': { class: 'high' } },
      message: 'An event: größe',
      form: 'rfc5424',
    });
  });

  test('the second space of rsyslog is no part of the message', () => {
    expect(read('<11>1 2026-11-29T20:29:05.804860+00:00 vm app - - -  via rsyslog').message).toBe('via rsyslog');
  });

  test('what is not given is empty, a message too', () => {
    expect(read('<34>1 - - - - - -')).toMatchObject({ at: null, host: '', app: '', message: '', form: 'rfc5424' });
    expect(read('<34>1 - - - - - - ')).toMatchObject({ at: null, host: '', app: '', message: '', form: 'rfc5424' });
    expect(read('<34>1 - h a p m [x]')).toMatchObject({ host: 'h', structured: { x: {} }, message: '' });
  });

  test.each([
    ['a parameter that comes twice is a list', '[o ip="1" ip="2" ip="3"] m', { o: { ip: ['1', '2', '3'] } }, 'm'],
    ['a name of every object is a name', '[__proto__ constructor="1"] m', undefined, 'm'],
    ['what is not closed belongs to the message', '[o ip="1" m', {}, '[o ip="1" m'],
    ['a bracket alone is a message', '[', {}, '['],
    ['a message in brackets', '[a b] c', {}, '[a b] c'],
  ])('structured data: %s', (_title, text, structured, message) => {
    const found = read(`<34>1 - h a p m ${text}`);
    expect(found.message).toBe(message);
    if (structured === undefined) expect(Object.keys(found.structured)).toEqual(['__proto__']);
    else expect(found.structured).toEqual(structured);
  });

  test('hostile structured data is read in linear time', () => {
    const text = `<34>1 - h a p m [o ${'x="\\"'.repeat(200_000)}`;
    expect(read(text).structured).toEqual({});
    expect(read(`<34>1 - h a p m ${'[o a="1"]'.repeat(5000)} m`).message).toBe('m');
  });
});

describe('RFC 3164', () => {
  test.each([
    [
      "<34>Oct 11 22:14:15 mymachine su: 'su root' failed",
      { facility: 4, severity: 2, host: 'mymachine', app: 'su', procid: '', message: "'su root' failed" },
    ],
    ['<13>Nov  9 08:00:00 host-1 app[123]: text', { host: 'host-1', app: 'app', procid: '123', message: 'text' }],
    ['<13>Nov 29 08:00:00 fe80::1 app: text', { host: 'fe80::1', app: 'app', message: 'text' }],
    ['<13>Nov 29 08:00:00 app: no host', { host: '', app: 'app', message: 'no host' }],
    ['<13>Nov 29 08:00:00 app[7]: no host', { host: '', app: 'app', procid: '7', message: 'no host' }],
    ['<13>Nov 29 08:00:00 host-1 no tag here', { host: 'host-1', app: '', message: 'no tag here' }],
    [
      '<13>2026-11-29T08:00:00.123456+01:00 host-1 app: of rsyslog',
      { host: 'host-1', app: 'app', message: 'of rsyslog' },
    ],
    [
      '<189>Nov 29 2026 08:00:00 sw-1: %LINK-3-UPDOWN: down',
      { host: '', app: 'sw-1', message: '%LINK-3-UPDOWN: down' },
    ],
    ['<13>app: neither time nor host', { host: '', app: 'app', message: 'neither time nor host' }],
    ['<13>nothing', { host: '', app: '', message: 'nothing' }],
  ])('%s', (text, expected) => {
    expect(read(text)).toMatchObject({ ...expected, form: 'rfc3164' });
  });

  test.each(['no priority', '<>x', '<192>x', '<1234>x', '<-1>x', '<a>x'])('%s: has no priority', text => {
    expect(read(text)).toMatchObject({ facility: 1, severity: 5, message: text, form: 'none' });
  });

  test('a time without a year is the nearest one', () => {
    expect(time('<13>Nov 29 09:59:59 h a: m')).toBe('2026-11-29T09:59:59.000Z');
    expect(time('<13>Jan  1 00:00:01 h a: m', 'UTC', Date.parse('2026-12-31T23:59:00Z'))).toBe(
      '2027-01-01T00:00:01.000Z',
    );
    expect(time('<13>Dec 31 23:59:59 h a: m', 'UTC', Date.parse('2027-01-01T00:00:10Z'))).toBe(
      '2026-12-31T23:59:59.000Z',
    );
    expect(time('<13>Feb 29 12:00:00 h a: m', 'UTC', Date.parse('2027-06-01T00:00:00Z'))).toBe(null);
    expect(time('<13>Feb 29 12:00:00 h a: m', 'UTC', Date.parse('2028-03-01T00:00:00Z'))).toBe(
      '2028-02-29T12:00:00.000Z',
    );
    expect(time('<13>Feb 30 12:00:00 h a: m')).toBe(null);
  });

  test('a time without an offset is of the zone, also around a change of clocks', () => {
    expect(time('<13>Nov 29 10:00:00 h a: m', 'Europe/Berlin')).toBe('2026-11-29T09:00:00.000Z');
    expect(time('<13>Jul  1 10:00:00 h a: m', 'Europe/Berlin')).toBe('2026-07-01T08:00:00.000Z');
    expect(time('<13>Oct 25 03:00:00 h a: m', 'Europe/Berlin')).toBe('2026-10-25T02:00:00.000Z');
    expect(time('<13>Oct 25 01:59:59 h a: m', 'Europe/Berlin')).toBe('2026-10-24T23:59:59.000Z');
    expect(time('<13>Nov 29 2026 10:00:00.250 h a: m', 'America/New_York')).toBe('2026-11-29T15:00:00.250Z');
  });
});
