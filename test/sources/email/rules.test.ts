import { describe, expect, it, test } from 'vitest';
import type { Mail } from '../../../src/sources/email/mail.ts';
import { isListed, options } from '../../../src/sources/email/options.ts';
import { eventOf } from '../../../src/sources/email/rules.ts';
import { now } from '../helpers.ts';

const mail = (given: Partial<Mail> = {}): Mail => ({
  from: 'root@db-1.example.com',
  sender: 'root@db-1.example.com',
  to: ['alerts@tocsin.test'],
  subject: '',
  text: '',
  headers: {},
  messageId: null,
  date: null,
  attachments: 0,
  ...given,
});
const open = { from: ['*'], to: ['*'] };
const event = (given: Partial<Mail>, rules: object[], more: object = {}) =>
  eventOf(mail(given), options.parse({ ...open, rules, ...more }), now);
const faults = (given: object) => {
  const parsed = options.safeParse({ ...open, ...given });
  return parsed.success ? [] : parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
};

describe('mails of programs that can only mail', () => {
  const smartd = {
    subject: '^SMART error \\((?P<what>\\w+)\\) detected on host: (?P<host>\\S+)$',
    text: 'Device: (?P<device>/dev/\\S+)',
    fingerprint: 'found.host + found.device + "/" + found.what',
    severity: 'error',
    labels: { host: 'found.host', device: 'found.device' },
  };
  const cron = {
    subject: '^Cron <(?P<user>[^@]+)@(?P<host>[^>]+)> (?P<command>.*)$',
    fingerprint: 'found.host + "/" + found.user + "/" + found.command',
    where: 'headers["x-cron-env"] == "" || true',
    severity: 'warning',
  };

  it('smartd: the device stands in the text', () => {
    const given = {
      subject: 'SMART error (CurrentPendingSector) detected on host: db-1',
      text: 'The following warning/error was logged by the smartd daemon:\n\nDevice: /dev/sda [SAT], 8 Currently unreadable sectors\n',
    };
    expect(event(given, [cron, smartd])).toMatchObject({
      kind: 'alert',
      state: 'firing',
      fingerprint: 'db-1/dev/sda/CurrentPendingSector',
      severity: 'error',
      labels: { host: 'db-1', device: '/dev/sda' },
      annotations: { description: given.text },
    });
  });

  it('cron: a job that writes something', () => {
    expect(event({ subject: 'Cron <root@db-1> test -x /usr/sbin/backup && backup' }, [smartd, cron])).toMatchObject({
      fingerprint: 'db-1/root/test -x /usr/sbin/backup && backup',
    });
  });

  it('an appliance: its own words for states and severities', () => {
    const ups = {
      from: '@ups\\.example\\.com$',
      subject: '^\\[(?P<level>\\w+)\\] (?P<name>.+): (?P<state>\\w+)$',
      state: 'found.state',
      severity: 'found.level',
      fingerprint: 'from + "/" + found.name',
      title: 'found.name',
    };
    const words = { states: { onbattery: 'firing', online: 'resolved' }, severities: { major: 'critical' } };
    const from = 'a@ups.example.com';
    const [begun, ended] = ['[Major] Input: OnBattery', '[Minor] Input: ONLINE'].map(subject =>
      event({ from, subject }, [ups], words),
    );
    expect(begun).toMatchObject({
      state: 'firing',
      severity: 'critical',
      title: 'Input',
      fingerprint: `${from}/Input`,
    });
    expect(ended).toMatchObject({ state: 'resolved', fingerprint: `${from}/Input`, endsAt: now });
    expect(
      event({ from: 'a@ups.example.com.evil.test', subject: '[Major] Input: OnBattery' }, [ups], words),
    ).toMatchObject({
      kind: 'notice',
      type: 'mail',
    });
  });
});

test('the first rule that takes the mail makes the event', () => {
  const rules = [
    { subject: 'disk', where: 'text.contains("nothing")', fingerprint: '"a"' },
    { subject: 'disk', fingerprint: '"b"' },
    { fingerprint: '"c"', state: 'resolved' },
  ];
  expect(event({ subject: 'disk full' }, rules)).toMatchObject({ fingerprint: 'b' });
  expect(event({ subject: 'disk full', text: 'or nothing' }, rules)).toMatchObject({ fingerprint: 'a' });
  expect(event({ subject: 'other' }, rules)).toMatchObject({ fingerprint: 'c', state: 'resolved' });
});

test.each([
  ['a word that is no state', { subject: '.', state: 'subject', fingerprint: '"a"' }, 'rules.0.state'],
  ['an empty fingerprint', { subject: '.', fingerprint: 'found.nothing' }, 'rules.0.fingerprint'],
  ['an expression that fails', { subject: '.', fingerprint: 'text.split(",")[3]' }, 'rules.0.fingerprint'],
  ['a condition that fails', { subject: '.', where: 'int(subject) > 3', fingerprint: '"a"' }, 'rules.0.where'],
])('%s leaves a notice that names it, so that the mail is not lost', (_what, rule, at) => {
  expect(event({ subject: 'disk full' }, [rule])).toMatchObject({
    kind: 'notice',
    type: 'rule-failed',
    title: 'disk full',
    labels: { rule: 'rules.0', tocsin_note: expect.stringContaining(at) },
  });
});

test('what may be left out is left out when it fails', () => {
  const rule = {
    subject: '.',
    fingerprint: '"a"',
    title: 'text.split(",")[3]',
    labels: { a: 'text.split(",")[3]', b: '"b"' },
  };
  expect(event({ subject: 'disk full' }, [rule])).toMatchObject({ title: 'disk full', labels: { b: 'b' } });
});

test.each([
  ['an hour ago', now - 3_600_000, now - 3_600_000],
  ['ahead', now + 1000, undefined],
  ['of a dead clock', 0, undefined],
  ['not there', null, undefined],
])('a Date %s', (_what, date, newsAt) => {
  const made = event({ subject: 'x', date }, [{ fingerprint: '"a"' }]);
  expect(made?.kind === 'alert' ? made.newsAt : null).toBe(newsAt);
  expect(made.occurredAt).toBe(newsAt ?? now);
});

test('a mail without a subject has a title', () => {
  expect(event({}, []).title).toBe('A mail without a subject from root@db-1.example.com');
  expect(event({ from: '' }, []).title).toBe('A mail without a subject from nobody');
});

test.each([
  ['root@db-1.example.com', ['root@db-1.example.com'], true],
  ['ROOT@DB-1.example.com', ['root@db-1.example.com'], true],
  ['root@db-1.example.com', ['*@db-1.example.com'], true],
  ['root@db-1.example.com', ['*@example.com'], false],
  ['root@evil.test@db-1.example.com', ['*@db-1.example.com'], true],
  ['root', ['*@'], false],
  ['root', ['root@db-1.example.com'], false],
  ['', ['*'], false],
  ['', ['<>'], true],
  ['', ['root@db-1.example.com'], false],
  ['anybody@anywhere.test', ['*'], true],
])('%s is in %j: %s', (address, list, expected) => {
  expect(isListed(address, list)).toBe(expected);
});

describe('options', () => {
  test.each([
    [{ from: [] }, 'from: '],
    [{ from: ['root'] }, 'from.0: write root@db-1.example.com'],
    [{ host: '0.0.0.0' }, 'host: needs tls and auth'],
    [{ host: '0.0.0.0', auth: { user: 'a', password: 'b' } }, 'host: needs tls and auth'],
    [{ host: '::', tls: { cert: 'a', key: 'b' } }, 'host: needs tls and auth'],
    [{ host: 'localhost' }, 'host: is no address'],
    [{ auth: { user: 'a', password: '' } }, 'auth.password: a secret must not be empty'],
    [{ rules: [{ subject: '(', fingerprint: '"a"' }] }, 'rules.0.subject: not a pattern'],
    [{ rules: [{ subject: '(a{1,100}){1,5}', fingerprint: '"a"' }] }, 'rules.0.subject: the pattern is too large'],
    [{ rules: [{ subject: 'a' }] }, 'rules.0: needs a fingerprint'],
    [{ rules: [{ fingerprint: '"a"' }, { subject: 'a', fingerprint: '"b"' }] }, 'rules.0: takes every mail'],
    [{ rules: [{ subject: 'a', fingerprint: 'found.host', state: 'fireing' }] }, 'rules.0.state: '],
    [{ rules: [{ subject: 'a', fingerprint: 'subjct' }] }, 'rules.0.fingerprint: '],
  ])('%j is refused', (given, expected) => {
    expect(faults(given).join('\n')).toContain(expected);
  });

  test.each([
    [{ rules: [{ subject: 'a', state: 'notice' }] }],
    [{ host: '127.0.0.2' }],
    [{ host: '::1' }],
    [{ host: '0.0.0.0', tls: { cert: 'a', key: 'b' }, auth: { user: 'a', password: 'b' } }],
  ])('%j is taken', given => {
    expect(faults(given)).toEqual([]);
  });
});
