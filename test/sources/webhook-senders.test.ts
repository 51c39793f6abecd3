import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { type Alert, effectOf, foldAlert } from '../../src/model/alert.ts';
import type { IncomingEvent } from '../../src/model/event.ts';
import type { Delivery } from '../../src/ports/source.ts';
import source from '../../src/sources/webhook/index.ts';
import { readPage } from '../docs/pages.ts';
import { payload, refusal, take } from './helpers.ts';

/** What programs of Debian 12 sent, through the mappings that docs/senders.md shows. */

const page = readPage('docs/senders.md').blocks.filter(block => block.label === 'tocsin.yaml');

/** The options of a source as the page shows them, without their proof, which captured deliveries do not have. */
function shown(name: string): Record<string, unknown> {
  for (const block of page) {
    const options = parse(block.text).sources[name];
    if (options === undefined) continue;
    const { type: _type, auth: _auth, ...rest } = options;
    return rest;
  }
  throw new Error(`docs/senders.md shows no source ${name}`);
}

/** 2026-11-28T16:30:00Z, after everything was captured. */
const arrival = Date.UTC(2026, 10, 28, 16, 30);

/** A captured request. Header names are lower case. */
function captured(file: string): Delivery {
  const raw = payload(`captured/${file}.http`);
  const end = raw.indexOf('\r\n\r\n');
  const [, ...lines] = raw.toString('latin1', 0, end).split('\r\n');
  const headers = lines.map(line => [
    line.slice(0, line.indexOf(':')).toLowerCase(),
    line.slice(line.indexOf(':') + 1).trim(),
  ]);
  return { headers: Object.fromEntries(headers), body: raw.subarray(end + 4), at: arrival };
}

const eventsOf = (file: string, options: object) => take(source, captured(file), options).events;

function one(file: string, options: object): IncomingEvent {
  const events = eventsOf(file, options);
  expect(events).toHaveLength(1);
  return events[0] as IncomingEvent;
}

/** What the deliveries do to the alert one after another, and the alert after them. */
function fold(files: readonly string[], options: object) {
  let alert: Alert | null = null;
  const effects = files.map(file => {
    const body = one(file, options);
    if (body.kind !== 'alert') return body.kind;
    const effect = effectOf(alert, body);
    alert = foldAlert(
      alert,
      { id: 'e', source: 's', receivedAt: arrival, raw: null, trusted: true, body },
      effect,
      'a',
      {},
    );
    return effect;
  });
  return { effects, alert: alert as unknown as Alert };
}

describe('Nagios', () => {
  /** The same macros in JSON by hand, as most of the captured deliveries are. */
  const byHand = () => ({ ...shown('nagios'), format: 'json' });

  test('a form, percent-encoded or not', () => {
    expect(one('nagios/form-urlencoded', shown('nagios'))).toMatchObject({
      kind: 'alert',
      state: 'firing',
      fingerprint: 'web-1/disk /',
      title: 'web-1 disk / is CRITICAL',
      severity: 'critical',
      labels: { host: 'web-1', service: 'disk /', tocsin_note: 'map.at is not there; it is left out.' },
      annotations: { description: 'DISK CRITICAL - quoted path C:\\temp' },
      startsAt: arrival,
    });
    expect(
      eventsOf('nagios/form-raw', {
        ...shown('nagios'),
        states: { CRITICAL: 'firing' },
        map: {
          ...(shown('nagios')['map'] as object),
          state: 'body.state',
        },
      }),
    ).toMatchObject([{ state: 'firing', annotations: { description: 'DISK CRITICAL - quoted path C:\\temp' } }]);
  });

  test('a problem that grows milder, its acknowledgement and its recovery are one episode', () => {
    const { effects, alert } = fold(
      [
        'nagios/service-problem-multiline',
        'nagios/service-acknowledgement',
        'nagios/service-recovery-after-sticky-ack',
        'nagios/service-acknowledgement',
        'nagios/service-problem-multiline',
      ],
      byHand(),
    );
    expect(effects).toEqual(['opened', 'acknowledged', 'resolved', 'stale', 'stale']);
    expect(alert).toMatchObject({
      state: 'resolved',
      acknowledgedBy: 'alice',
      resolvedAt: 1_795_882_228_000,
      episode: 1,
    });
    expect(one('nagios/service-problem-severity-changed', byHand())).toMatchObject({
      severity: 'warning',
      newsAt: 1_795_882_285_000,
    });
  });

  test('a recovery that overtakes its problem, and a host whose recovery has no problem id', () => {
    const hosts = {
      ...byHand(),
      map: { ...(byHand() as { map?: object }).map, fingerprint: 'body.host', title: 'body.host', labels: {} },
    };
    expect(fold(['nagios/host-recovery', 'nagios/host-problem'], hosts).effects).toEqual(['unseen', 'stale']);
    expect(fold(['nagios/host-problem', 'nagios/host-recovery'], hosts).effects).toEqual(['opened', 'resolved']);
    expect(one('nagios/host-problem', hosts)).toMatchObject({ severity: 'critical', startsAt: 1_795_882_231_000 });
  });

  test('downtimes and custom notifications are notices in the thread of the alert', () => {
    for (const file of ['service-custom', 'service-downtimestart']) {
      expect(one(`nagios/${file}`, byHand())).toMatchObject({ kind: 'notice', about: 'web-1/disk /' });
    }
  });

  test('Latin-1 bytes are read with charset, and refused without it by an error that names it', () => {
    const { charset: _charset, ...without } = byHand() as Record<string, unknown>;
    expect(one('nagios/service-problem-latin1', byHand())).toMatchObject({
      annotations: { description: 'UNKNOWN latin1 größetabctl' },
    });
    expect(
      one('nagios/form-urlencoded', {
        ...shown('nagios'),
        map: { ...(shown('nagios')['map'] as object), title: 'body.long' },
      }),
    ).toMatchObject({
      title: expect.stringContaining('größe 日本'),
    });
    expect(refusal(() => eventsOf('nagios/service-problem-latin1', without)).remedy).toContain('charset: latin1');
  });

  test('JSON by hand around a Windows path is none, and is refused with its place', () => {
    expect(refusal(() => eventsOf('nagios/service-problem-invalid-json', byHand())).at).toMatch(/^line 1, column \d+$/);
  });
});

describe('Icinga 2', () => {
  test('JSON by the DSL, null fields among it', () => {
    const options = { ...shown('icinga'), format: 'json' };
    const files = [
      'icinga2/notification-problem',
      'icinga2/notification-acknowledgement',
      'icinga2/notification-recovery',
    ];
    const { effects, alert } = fold(files, options);
    expect(effects).toEqual(['opened', 'acknowledged', 'resolved']);
    expect(alert).toMatchObject({ acknowledgedBy: 'alice', startsAt: 1_795_882_597_000, fingerprint: 'web-1/disk' });
  });

  test('a form without a time arrives when it arrives', () => {
    expect(one('icinga2/notification-form', shown('icinga'))).toMatchObject({
      state: 'firing',
      severity: 'critical',
      labels: { host: 'web-1', service: 'disk' },
      annotations: { description: 'DISK CRITICAL - "quoted" C:\\Users\\x <b>&amp; größe\nline two' },
      startsAt: arrival,
    });
  });
});

test('Zabbix: problem, acknowledged, milder, not acknowledged any more, closed by hand, one after another', () => {
  const files = ['problem', 'recovery'].map(name => `zabbix/${name}`);
  expect(fold(files, shown('zabbix'))).toMatchObject({
    effects: ['opened', 'resolved'],
    alert: { title: 'Disk on web-1 is "full": 95', links: [{ label: 'Trigger', url: 'http://w/90001' }] },
  });
  expect(one('zabbix/problem', shown('zabbix'))).toMatchObject({ severity: 'error', fingerprint: '1' });
  const updates = [
    'update-acknowledged',
    'update-severity',
    'update-unacknowledged',
    'update-after-recovery',
    'update-after-recovery',
  ];
  expect(
    fold(
      updates.map(name => `zabbix/${name}`),
      shown('zabbix'),
    ).effects,
  ).toEqual(['acknowledged', 'opened', 'unacknowledged', 'resolved', 'stale']);
  expect(one('zabbix/update-acknowledged', shown('zabbix'))).toMatchObject({ by: '(guest)' });
  const token = source.options.parse({ ...shown('zabbix'), auth: { bearer: 'an-example-token' } });
  expect(source.verify(captured('zabbix/problem'), token)).toEqual({ ok: true, by: 'bearer' });
});

test('collectd: the first OKAY ends nothing, severities are states, and news is in the order of its clock', () => {
  const files = ['okay-first', 'warning', 'failure', 'okay', 'failure', 'missing'].map(name => `collectd/${name}`);
  const { effects, alert } = fold(files, shown('collectd'));
  expect(effects).toEqual(['unseen', 'opened', 'refreshed', 'resolved', 'stale', 'opened']);
  expect(alert).toMatchObject({
    severity: 'critical',
    fingerprint: 'alertname=collectd_app_gauge,instance=host-1,app=q,service=collectd',
    startsAt: Date.parse('2026-11-28T16:17:43.166Z'),
  });
});

test('Monit: recoveries, and a date without a zone that is not guessed', () => {
  const options = { ...shown('monit'), format: 'json' };
  expect(fold(['monit/size-failed', 'monit/size-succeeded'], options).effects).toEqual(['opened', 'resolved']);
  expect(one('monit/process-missing', options)).toMatchObject({ state: 'firing', title: 'ghost: Does not exist' });
  const withDate = { ...options, map: { ...(options as { map?: object }).map, startsAt: 'body.date' } };
  expect(one('monit/size-failed', withDate)).toMatchObject({
    startsAt: arrival,
    labels: {
      tocsin_note: 'map.startsAt is no time with a zone (Sat, 28 Nov 2026 16:16:32); the arrival stands for it.',
    },
  });
  expect(refusal(() => eventsOf('monit/program-status-invalid-json', options)).at).toMatch(/^line 1/);
});

test('syslog-ng: lines, a list, the message alone', () => {
  expect(eventsOf('syslog-ng/batch-lines', shown('syslog'))).toMatchObject([
    {
      kind: 'notice',
      title: 'host-1: disk "quoted" C:\\Users\\x größe <b>&',
      labels: { host: 'host-1', level: 'err' },
    },
    { kind: 'notice', title: 'host-1: latin1 gr\\xf6' },
  ]);
  const map = { fingerprint: '""', state: '"notice"' };
  const list = { map: { ...map, each: 'body', title: 'item.MESSAGE' } };
  expect(eventsOf('syslog-ng/array', list).map(event => event.title)).toEqual([
    'disk "quoted" C:\\Users\\x größe <b>&',
    'latin1 gr\\xf6',
    'third\ttab',
  ]);
  const text = {
    format: 'text',
    map: { ...map, title: 'headers["X-Syslog-Host"] + ": " + body', severity: 'headers["x-syslog-level"]' },
  };
  expect(one('syslog-ng/default', text)).toMatchObject({ title: 'host-1: disk "quoted" C:\\Users\\x größe <b>&' });
  expect(refusal(() => eventsOf('syslog-ng/default', list)).remedy).toContain('format: text');
  const latin1 = { charset: 'latin1', map: { ...map, title: 'body.message' } };
  expect(one('syslog-ng/template-latin1', latin1)).toMatchObject({ title: 'latin1 grö' });
});

test('rsyslog: Latin-1 as it is, and times as digits in a text', () => {
  expect(one('rsyslog/jsonf', shown('rsyslog'))).toMatchObject({
    title: 'host-1: disk "quoted" C:\\Users\\x größe <b>&',
  });
  expect(one('rsyslog/jsonf-latin1', shown('rsyslog'))).toMatchObject({ title: 'host-1: latin1 grö' });
  const map = {
    fingerprint: 'body.host',
    state: '"firing"',
    title: 'body.message',
    severity: 'body.sev',
    startsAt: 'body.t',
  };
  expect(one('rsyslog/property-json', { map })).toMatchObject({ severity: 'error', startsAt: 1_795_878_000_000 });
});

test('fail2ban: a fraction of a second in a text; attackers do not write JSON', () => {
  const options = { ...shown('fail2ban'), format: 'json' };
  expect(one('fail2ban/unban', options)).toMatchObject({ state: 'resolved', newsAt: 1_795_883_255_000 });
  expect(refusal(() => eventsOf('fail2ban/ban-double-quotes', options)).at).toMatch(/^line 1/);
});

test('Buildbot: results as states; a body without anything is refused', () => {
  const options = {
    states: { 0: 'resolved', 2: 'firing' },
    map: {
      fingerprint: 'body.builder.name',
      state: 'body.results',
      title: 'body.builder.name + ": " + body.state_string',
      links: { Build: 'body.url' },
      at: 'body.complete_at',
      labels: { branch: 'body.properties.branch[0]' },
    },
  };
  expect(one('buildbot/build-failure', options)).toMatchObject({
    state: 'firing',
    newsAt: 1_795_883_270_000,
    labels: {},
  });
  expect(one('buildbot/build-success', options)).toMatchObject({ state: 'resolved' });
  expect(refusal(() => eventsOf('buildbot/start-end-generator-empty', options)).at).toBe('the body is empty');
});
