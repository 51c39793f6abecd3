import { expect, test } from 'vitest';
import { severityOf } from '../../src/model/incoming.ts';

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
