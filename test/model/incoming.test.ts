import { expect, test } from 'vitest';
import { severityOf, timeOf } from '../../src/model/incoming.ts';

test.each([
  [
    'Nagios and Icinga',
    'OK UP WARNING UNKNOWN UNREACHABLE CRITICAL DOWN',
    'info info warning warning error critical critical',
  ],
  ['collectd', 'OKAY WARNING FAILURE', 'info warning critical'],
  ['Zabbix', 'Not_classified Information Warning Average High Disaster', 'info info warning warning error critical'],
  [
    'syslog',
    'debug info notice warning warn err error crit alert emerg panic',
    'info info info warning warning error error critical critical critical critical',
  ],
  ['PagerDuty', 'P1 P2 P3 P4 P5', 'critical error warning info info'],
])('the words of %s', (_sender, words, severities) => {
  const given = words.split(' ').map(word => word.replace('_', ' '));
  expect(given.map(severityOf)).toEqual(severities.split(' '));
  expect(given.map(word => severityOf(` ${word.toLowerCase()} `))).toEqual(severities.split(' '));
});

test('other words are not known', () => {
  for (const word of ['', 'downtime', 'failures', 'upper', 'x'.repeat(50), null, undefined])
    expect(severityOf(word)).toBeNull();
});

test.each([
  ['2026-02-28T23:59:59Z', '2026-02-28T23:59:59.000Z'],
  ['2028-02-29 01:02:03.123456789+01:00', '2028-02-29T00:02:03.123Z'],
  ['2026-12-31t00:00:00-0230', '2026-12-31T02:30:00.000Z'],
])('%s is a time', (text, at) => {
  expect(timeOf(text)).toBe(Date.parse(at));
});

// Date.parse takes the first four of these, each for another moment than the one that is written.
test.each([
  '2026-02-31T00:00:00Z',
  '2026-02-29T12:00:00+01:00',
  '2026-04-31 00:00:00Z',
  '2026-01-01T24:00:00Z',
  '2026-00-10T00:00:00Z',
  '2026-13-01T00:00:00Z',
  '2026-01-01T10:60:00Z',
  '2026-01-01T10:00:60Z',
  '2026-01-01T10:00:00',
  '2026-01-01',
  '2026-1-1T10:00:00Z',
  ' 2026-01-01T10:00:00Z',
  '1767225600',
  '0001-01-01T00:00:00Z',
  '',
  null,
])('%j is none', text => {
  expect(timeOf(text)).toBeNull();
});
