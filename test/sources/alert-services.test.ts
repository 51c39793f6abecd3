import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { IncomingAlert, IncomingEvent } from '../../src/model/event.ts';
import { incomingEvent } from '../../src/model/event.ts';
import { parseDelivery, type Source } from '../../src/ports/source.ts';
import argoCd from '../../src/sources/argo-cd/index.ts';
import azure from '../../src/sources/azure-monitor/index.ts';
import datadog from '../../src/sources/datadog/index.ts';
import watcher from '../../src/sources/elasticsearch-watcher/index.ts';
import google from '../../src/sources/google-cloud-monitoring/index.ts';
import kibana from '../../src/sources/kibana/index.ts';
import newRelic from '../../src/sources/new-relic/index.ts';
import opsgenie from '../../src/sources/opsgenie/index.ts';
import pingdom from '../../src/sources/pingdom/index.ts';
import sentry from '../../src/sources/sentry/index.ts';
import splunk from '../../src/sources/splunk/index.ts';
import kuma from '../../src/sources/uptime-kuma/index.ts';
import { now } from './helpers.ts';

/** The one event of a body, through the strict parser that the door has. */
function read<Options>(source: Source<Options>, body: unknown, given: object = {}, at = now): IncomingEvent {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const delivery = { headers: {}, body: Buffer.from(text), at };
  const options = source.options.parse(given);
  const { events } = source.normalise(parseDelivery(source, delivery, options), delivery, options);
  expect(events).toHaveLength(1);
  return incomingEvent.parse(events[0]);
}
const alert = <Options>(...all: Parameters<typeof read<Options>>) => read(...all) as IncomingAlert;

/** An example of a source as an object. */
function exampleOf(source: Source<never>, index = 0) {
  return JSON.parse(source.examples[index]?.body ?? '');
}

describe('Datadog', () => {
  const example = exampleOf(datadog as never);

  it.each([
    ['Triggered', 'error', 'firing'],
    ['Re-Triggered', 'error', 'firing'],
    ['Warn', 'warning', 'firing'],
    ['Re-Warn', 'warning', 'firing'],
    ['No Data', 'error', 'firing'],
    ['Re-No Data', 'error', 'firing'],
    ['Renotify', 'error', 'firing'],
    ['Renotify', 'success', 'resolved'],
    ['Recovered', 'success', 'resolved'],
    ['recovered', 'success', 'resolved'],
  ])('%s of the type %s is %s', (transition, alert_type, state) => {
    expect(alert(datadog, { ...example, transition, alert_type }).state).toBe(state);
  });

  it.each(['constructor', '__proto__', 'Muted', ''])('the transition "%s" changes no state', transition => {
    expect(read(datadog, { ...example, transition })).toMatchObject({
      kind: 'notice',
      about: 'monitor:11023/91827364/host:db-prod-3,env:prod',
    });
  });

  it('has one identity over its cycles, and another one for another group', () => {
    const first = alert(datadog, example);
    expect(alert(datadog, { ...example, alert_cycle_key: '7', aggreg_key: 'other' }).fingerprint).toBe(
      first.fingerprint,
    );
    expect(alert(datadog, { ...example, scope: 'host:db-prod-4' }).fingerprint).not.toBe(first.fingerprint);
  });

  it('is dated by the arrival when its clock is ahead, so that no later news looks old', () => {
    expect(alert(datadog, { ...example, date_ms: String(now + 3_600_000) }).newsAt).toBe(now);
    expect(alert(datadog, { ...example, date_ms: String(now - 5000) }).newsAt).toBe(now - 5000);
    expect(alert(datadog, { ...example, date_ms: '$DATE' }).newsAt).toBeUndefined();
  });

  it('loses no title that is made of brackets alone', () => {
    expect(alert(datadog, { ...example, title: '[Triggered] [db]' }).title).toBe('[Triggered] [db]');
  });
});

describe('Sentry', () => {
  const metric = exampleOf(sentry as never, 1);

  it('goes on with the same incident through warning and critical, and begins another one with its start', () => {
    const [warning, critical] = ['warning', 'critical'].map(action => alert(sentry, { ...metric, action }));
    expect(critical?.fingerprint).toBe(warning?.fingerprint);
    expect(critical?.startsAt).toBe(warning?.startsAt);
    expect([warning?.severity, critical?.severity]).toEqual(['warning', 'critical']);
    const later = structuredClone(metric);
    later.data.metric_alert.date_started = '2026-11-20T11:30:00.000000Z';
    later.data.metric_alert.id = '5';
    expect(alert(sentry, later, {}, Date.UTC(2026, 10, 20, 12))).toMatchObject({
      fingerprint: critical?.fingerprint,
      startsAt: Date.UTC(2026, 10, 20, 11, 30),
      stretch: 'startsAt',
    });
  });

  it.each([
    ['created', {}, 'notice', undefined],
    ['created', { created: 'firing' }, 'alert', 'firing'],
    ['unresolved', {}, 'alert', 'firing'],
    ['resolved', {}, 'alert', 'resolved'],
    ['ignored', {}, 'alert', 'resolved'],
    ['assigned', {}, 'notice', undefined],
    ['what comes later', {}, 'notice', undefined],
  ])('an issue that is %s with %j is: %s %s', (action, given, kind, state) => {
    const event = read(sentry, { ...exampleOf(sentry as never, 3), action }, given);
    expect([event.kind, 'state' in event ? event.state : undefined]).toEqual([kind, state]);
  });

  it.each(['installation', 'comment', 'error', 'seer'])('news of the resource %s is kept as a notice', name => {
    expect(read(sentry, { action: 'created', data: { [name]: { id: '1' } } })).toMatchObject({ kind: 'notice' });
  });

  it.each([7, {}, [], null])('a metric alert without a name, described as %j, has a title all the same', described => {
    const bare = structuredClone(metric);
    bare.data.description_title = described;
    delete bare.data.metric_alert.alert_rule.name;
    delete bare.data.metric_alert.title;
    expect(alert(sentry, bare).title).not.toBe('');
  });

  it('takes what its documentation says is signed, and nothing else', () => {
    const all = JSON.parse(
      readFileSync(new URL('../fixtures/payloads/signature-vectors.json', import.meta.url), 'utf8'),
    );
    const own = all.vectors.filter((one: { source: string }) => one.source === 'sentry');
    expect(own.length).toBeGreaterThan(0);
    for (const { file, secret, headers, expect: expected } of own) {
      const body = readFileSync(new URL(`../fixtures/payloads/${file}`, import.meta.url));
      const lower = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
      const verified = sentry.verify({ headers: lower as never, body, at: now }, sentry.options.parse({ secret }));
      expect(verified.ok, file).toBe(expected === 'accept');
    }
  });
});

describe('Opsgenie', () => {
  it('reads times in nanoseconds, which no number holds, to the millisecond', () => {
    const text = (opsgenie.examples[0]?.body ?? '').replace(/"updatedAt":\d+/, '"updatedAt":1795604193166002000');
    expect(alert(opsgenie, text).newsAt).toBe(1_795_604_193_166);
  });

  it('is over without a cure once it was deleted', () => {
    const given = exampleOf(opsgenie as never);
    expect(alert(opsgenie, { ...given, action: 'Delete' })).toMatchObject({
      state: 'resolved',
      fingerprint: alert(opsgenie, given).fingerprint,
      noCure: 'it was deleted at its origin',
    });
    expect(alert(opsgenie, { ...given, action: 'Close' })).not.toHaveProperty('noCure');
  });

  it('names a new stretch when an alias is used again', () => {
    const first = exampleOf(opsgenie as never);
    const again = {
      ...first,
      alert: { ...first.alert, alertId: 'another', createdAt: first.alert.createdAt + 60_000 },
    };
    expect(alert(opsgenie, again)).toMatchObject({
      fingerprint: alert(opsgenie, first).fingerprint,
      startsAt: first.alert.createdAt + 60_000,
      stretch: 'startsAt',
    });
  });

  it('leads to the alert only where its site is known', () => {
    const given = exampleOf(opsgenie as never);
    expect(alert(opsgenie, given).links).toEqual([]);
    given.alert.alertId = '../../x?y#z';
    expect(alert(opsgenie, given, { site: 'https://acme.app.opsgenie.com/' }).links).toEqual([
      { label: 'Opsgenie', url: 'https://acme.app.opsgenie.com/alert/detail/..%2F..%2Fx%3Fy%23z' },
    ]);
    expect(opsgenie.options.safeParse({ site: 'http://acme.app.opsgenie.com' }).success).toBe(false);
  });
});

describe('Kibana', () => {
  const example = exampleOf(kibana as never);

  it('is one alert for each space, rule and alert id', () => {
    const all = [{}, { space: 'ops' }, { rule_id: 'r2' }, { alert_id: 'a2' }, { alert_uuid: 'u2' }];
    const names = all.map(more => alert(kibana, { ...example, ...more }).fingerprint);
    expect(new Set(names).size).toBe(4);
    expect(names[4]).toBe(names[0]);
  });

  it('takes the severity of the body, of a tag, and else a warning', () => {
    expect(alert(kibana, example).severity).toBe('critical');
    expect(alert(kibana, { ...example, severity: '', tags: 'severity:error' }).severity).toBe('error');
    expect(alert(kibana, { ...example, severity: '{{context.severity}}' }).severity).toBe('warning');
  });
});

describe('Splunk', () => {
  const example = exampleOf(splunk as never);

  it('tells results apart by the fields that are named, and by no other', () => {
    const other = { ...example, result: { ...example.result, host: 'pay-prod-3' } };
    const by = { by: ['host'] };
    expect(alert(splunk, other, by).fingerprint).not.toBe(alert(splunk, example, by).fingerprint);
    expect(alert(splunk, other).fingerprint).toBe(alert(splunk, example).fingerprint);
  });

  it('tells results apart also where a value looks like the next field', () => {
    const by = { by: ['host', 'disk'] };
    const of = (host: string, disk: string) => alert(splunk, { ...example, result: { host, disk } }, by).fingerprint;
    expect(of('a/disk=b', 'c')).not.toBe(of('a', 'b/disk=c'));
    expect(of('a%2Fdisk=b', 'c')).not.toBe(of('a/disk=b', 'c'));
  });

  it('ends what another search opened, by its name', () => {
    const ended = { ...example, search_name: 'Payment errors OK' };
    expect(alert(splunk, ended, { recovered: ' OK' })).toMatchObject({
      state: 'resolved',
      fingerprint: alert(splunk, example).fingerprint,
    });
    expect(alert(splunk, { ...example, search_name: ' recovered' }).state).toBe('firing');
  });

  it('takes a field of several values as its values', () => {
    const many = { ...example, result: { host: ['a', 'b', null], count: 7 } };
    expect(alert(splunk, many).labels).toMatchObject({ host: 'a, b', count: '7' });
  });
});

describe('Azure Monitor', () => {
  const example = exampleOf(azure as never);
  const withEssentials = (more: object) => ({
    ...example,
    data: { ...example.data, essentials: { ...example.data.essentials, ...more } },
  });

  it.each([
    ['Sev0', 'critical'],
    ['Sev1', 'error'],
    ['sev2', 'warning'],
    ['Sev3', 'info'],
    ['Sev4', 'info'],
    ['constructor', 'warning'],
  ])('%s is %s', (severity, known) => {
    expect(alert(azure, withEssentials({ severity })).severity).toBe(known);
  });

  it('takes a condition that it does not know for a notice, and a start that no clock shows for the arrival', () => {
    expect(read(azure, withEssentials({ monitorCondition: 'Suppressed' })).kind).toBe('notice');
    const event = alert(azure, withEssentials({ firedDateTime: '2999-01-01T00:00:00Z' }));
    expect([event.startsAt, event.stretch]).toEqual([now, undefined]);
  });
});

describe('Google Cloud Monitoring', () => {
  const example = exampleOf(google as never);

  it.each([
    ['open', 'firing'],
    ['OPEN', 'firing'],
    ['closed', 'resolved'],
    ['CLOSED', 'resolved'],
  ])('%s is %s', (state, known) => {
    expect(alert(google, { ...example, incident: { ...example.incident, state } }).state).toBe(known);
  });
});

describe('New Relic', () => {
  const example = exampleOf(newRelic as never);

  it('reads names in a list and in one text', () => {
    for (const alertPolicyNames of [['a', 'b'], 'a, b'])
      expect(alert(newRelic, { ...example, alertPolicyNames }).labels['policy']).toBe('a, b');
  });

  it('tells older news from newer by the time of the update', () => {
    expect(alert(newRelic, { ...example, updatedAt: now + 3_600_000 }).newsAt).toBe(now);
    expect(alert(newRelic, { ...example, state: 'CLOSED', updatedAt: now - 7 })).toMatchObject({
      newsAt: now - 7,
      endsAt: now - 7,
    });
  });
});

describe('Uptime Kuma', () => {
  const example = exampleOf(kuma as never);

  it.each([0, 1, 2, 3, 4, null])('the status %s of a heartbeat', status => {
    const event = read(kuma, { ...example, heartbeat: { ...example.heartbeat, status } });
    const known = new Map<unknown, unknown>([
      [0, 'firing'],
      [1, 'resolved'],
    ]);
    expect('state' in event ? event.state : undefined).toBe(known.get(status));
    if (event.kind === 'notice') expect(event.about).toBe('monitor:29');
  });

  it('takes its time for UTC, whatever zone it is in', () => {
    expect(alert(kuma, example).startsAt).toBe(Date.UTC(2026, 10, 20, 11, 0, 3, 120));
    const without = { ...example, heartbeat: { ...example.heartbeat, time: 'yesterday' } };
    expect(alert(kuma, without)).toMatchObject({ startsAt: now });
    expect(alert(kuma, without).newsAt).toBeUndefined();
  });
});

describe('Pingdom', () => {
  const example = exampleOf(pingdom as never);

  it.each([
    ['DOWN', 'firing'],
    ['FAILING', 'firing'],
    ['UP', 'resolved'],
    ['SUCCESS', 'resolved'],
  ])('%s is %s', (current_state, known) => {
    expect(alert(pingdom, { ...example, current_state }).state).toBe(known);
  });

  it.each(['PAUSED', 'UNKNOWN', null])('%s is a notice about the check', current_state => {
    expect(read(pingdom, { ...example, current_state })).toMatchObject({ kind: 'notice', about: 'check:803318' });
  });
});

describe('Watcher', () => {
  const example = exampleOf(watcher as never);

  it.each([
    ['firing', 'firing'],
    ['', 'firing'],
    ['{{ctx.metadata.state}}', 'firing'],
    ['resolved', 'resolved'],
    ['OK', 'resolved'],
  ])('the state "%s" is %s', (state, expected) => {
    expect(alert(watcher, { ...example, state }).state).toBe(expected);
  });

  it('keeps a state that nobody knows as a notice of the same thread', () => {
    expect(read(watcher, { ...example, state: 'broken' })).toMatchObject({ kind: 'notice', about: 'log_error_watch' });
  });

  it('ends what another watch opened, by the name of its condition', () => {
    const ended = { watch_id: 'gone', condition: 'log_error_watch', state: 'resolved' };
    expect(alert(watcher, ended)).toMatchObject({
      state: 'resolved',
      fingerprint: alert(watcher, example).fingerprint,
    });
    expect(alert(watcher, { ...ended, condition: '' }).fingerprint).toBe('gone');
  });

  it('tells conditions apart by the fields that are named, and by no other', () => {
    const by = { by: ['service'] };
    const other = { ...example, service: 'mail' };
    expect(alert(watcher, other, by).fingerprint).not.toBe(alert(watcher, example, by).fingerprint);
    expect(alert(watcher, other).fingerprint).toBe(alert(watcher, example).fingerprint);
    expect(alert(watcher, other, by).title).toBe('log_error_watch: mail');
  });

  it('takes no value for two: what a search finds names no other condition', () => {
    const by = { by: ['a', 'b'] };
    const names = [
      { a: 'x/b=y', b: 'z' },
      { a: 'x', b: 'y/b=z' },
      { a: 'x%2Fb=y', b: 'z' },
    ].map(fields => alert(watcher, { ...example, ...fields }, by).fingerprint);
    expect(new Set(names).size).toBe(3);
  });

  it('orders news by the time of the execution, and leaves out what it cannot read', () => {
    expect(alert(watcher, example).newsAt).toBe(Date.UTC(2026, 10, 20, 11, 0, 0, 4));
    expect(alert(watcher, { ...example, execution_time: '20150220T00:00:10Z' })).toMatchObject({ startsAt: now });
    expect(alert(watcher, { ...example, execution_time: '2027-01-01T00:00:00Z' }).newsAt).toBe(now);
  });
});

describe('Argo CD', () => {
  const example = exampleOf(argoCd as never);

  it.each([
    ['Synced', 'Degraded', 'Succeeded', 'firing'],
    ['OutOfSync', 'Healthy', 'Failed', 'firing'],
    ['OutOfSync', 'Missing', 'Error', 'firing'],
    // Its hook after the sync failed.
    ['Synced', 'Healthy', 'Failed', 'firing'],
    ['Synced', 'Healthy', 'Succeeded', 'resolved'],
    ['Synced', 'Healthy', '<no value>', 'resolved'],
    ['Synced', 'Healthy', null, 'resolved'],
  ])('%s, %s and %s is %s', (sync, health, phase, state) => {
    expect(alert(argoCd, { ...example, sync, health, phase })).toMatchObject({ state, fingerprint: 'argocd/checkout' });
  });

  it.each([
    ['Synced', 'Progressing', 'Succeeded'],
    ['OutOfSync', 'Healthy', 'Succeeded'],
    ['Synced', 'Healthy', 'Running'],
    ['Unknown', '', ''],
  ])('%s, %s and %s changes nothing', (sync, health, phase) => {
    expect(read(argoCd, { ...example, sync, health, phase })).toMatchObject({
      kind: 'notice',
      about: 'argocd/checkout',
    });
  });

  it('tells applications of one name in two namespaces apart', () => {
    expect(alert(argoCd, { ...example, namespace: 'team-a' }).fingerprint).toBe('team-a/checkout');
  });

  it('takes an error for the severity where none is told', () => {
    expect(alert(argoCd, { ...example, severity: '' }).severity).toBe('error');
  });
});
