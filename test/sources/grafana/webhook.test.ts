import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { incomingEvent } from '../../../src/model/event.ts';
import source from '../../../src/sources/grafana/index.ts';
import {
  alertsOf,
  delivery,
  normalise,
  now,
  payload,
  refusal,
  refusesAtMost,
  vectors,
  verifyVector,
} from '../helpers.ts';

const plain = {
  status: 'firing',
  labels: { alertname: 'A', severity: 'critical' },
  annotations: { summary: 'S' },
  startsAt: '2026-11-20T10:02:30Z',
  endsAt: '0001-01-01T00:00:00Z',
  fingerprint: 'f1',
};
const eventsOf = (alerts: unknown[], more: object = {}) =>
  normalise(source, JSON.stringify({ alerts, ...more })).events;
const first = (alert: object) => alertsOf(eventsOf([{ ...plain, ...alert }]))[0];

describe('what it makes of a webhook', () => {
  test('the payload of a firing rule: identity, severity, title, values, links and times', () => {
    const { events, deliveryId, receiver } = normalise(source, payload('grafana/firing.json'));
    expect({ deliveryId, receiver }).toEqual({ deliveryId: null, receiver: 'chatops' });
    expect(events.map(event => incomingEvent.parse(event))).toEqual(events);
    expect(events).toMatchObject([
      {
        kind: 'alert',
        state: 'firing',
        fingerprint: '57c6d9296de2ad39',
        title: 'p99 above 1.5 s',
        severity: 'warning',
        labels: { alertname: 'API p99 latency', grafana_folder: 'SRE', service: 'api' },
        annotations: { grafana_values: 'A=1.83, C=1', grafana_rule_uid: 'fe4x1k2m9', grafana_org_id: '1' },
        startsAt: Date.UTC(2026, 10, 20, 10, 2, 30),
        stretch: 'startsAt',
        endsAt: null,
      },
    ]);
    expect(events[0]?.links.map(({ label }) => label)).toEqual([
      'Rule',
      'Dashboard',
      'Panel',
      'Silence',
      'Grafana',
      'Runbook',
    ]);
  });

  test('a resolve has the same identity and start, its end, and is a cure', () => {
    const [fired] = alertsOf(normalise(source, payload('grafana/firing.json')).events);
    const [resolved] = alertsOf(normalise(source, payload('grafana/resolved.json')).events);
    expect(resolved).toMatchObject({ state: 'resolved', fingerprint: fired?.fingerprint, startsAt: fired?.startsAt });
    expect(resolved?.endsAt).toBe(Date.UTC(2026, 10, 20, 10, 22, 30));
    expect(resolved).not.toHaveProperty('noCure');
  });

  test.each([
    ['MissingSeries', 'its series is no longer there'],
    ['Paused', 'its rule was paused'],
    ['RuleDeleted', 'its rule was deleted'],
    ['NoData, KeepLast', 'for another reason than a cure (NoData, KeepLast)'],
    ['toString', 'for another reason than a cure (toString)'],
  ])('a resolve for the reason %s is no cure', (reason, words) => {
    const annotations = { grafana_state_reason: reason };
    expect(first({ status: 'resolved', annotations })?.noCure).toBe(`no evaluation found it well: ${words}`);
    expect(first({ annotations })).not.toHaveProperty('noCure');
  });

  test('no data and failed queries are alerts of their own, which do not borrow the words of the rule', () => {
    const sent = (alertname: string) => first({ labels: { alertname, rulename: 'API p99 latency', severity: 'page' } });
    expect(sent('DatasourceNoData')).toMatchObject({ title: 'No data for API p99 latency', severity: 'critical' });
    expect(sent('DatasourceError')).toMatchObject({ title: 'API p99 latency cannot be evaluated' });
    expect(sent('DatasourceError')?.labels['alertname']).toBe('DatasourceError');
  });

  test('the test of a contact point is a notice; an alert that is only named so is an alert', () => {
    const labels = { alertname: 'TestAlert', instance: 'Grafana' };
    const annotations = { summary: 'Notification test' };
    expect(eventsOf([{ ...plain, labels, annotations }], { receiver: 'tocsin' })).toMatchObject([
      { kind: 'notice', type: 'test', labels: { ...labels, receiver: 'tocsin' } },
    ]);
    expect(first({ labels, annotations: {} })).toMatchObject({ kind: 'alert', title: 'TestAlert' });
    expect(first({ labels: { ...labels, instance: 'web-1' }, annotations })).toMatchObject({ kind: 'alert' });
  });

  test('values that are not there are taken from the text, and an image is a link', () => {
    expect(first({ values: null, valueString: "[ var='A' value=2 ]" })?.annotations['grafana_values']).toBe(
      "[ var='A' value=2 ]",
    );
    expect(first({ values: { A: null, B: 1e300 } })?.annotations['grafana_values']).toBe('A=nothing, B=1e+300');
    expect(first({ imageURL: 'https://img.example/1.png', dashboardURL: 'javascript:alert(1)' })?.links).toEqual([
      { label: 'Image', url: 'https://img.example/1.png' },
    ]);
  });

  test('the organisation of older releases stands at the group', () => {
    const [one] = alertsOf(eventsOf([plain], { orgId: 7 }));
    expect(one?.annotations['grafana_org_id']).toBe('7');
  });

  test('private labels and annotations, which only its API shows, are left out', () => {
    const one = first({
      labels: { ...plain.labels, __alert_rule_uid__: 'u1' },
      annotations: { __values__: '{"A":1}', __orgId__: '3', __value_string__: 'x' },
    });
    expect(one?.labels).toEqual(plain.labels);
    expect(one?.annotations).toEqual({ grafana_values: 'A=1', grafana_rule_uid: 'u1', grafana_org_id: '3' });
    expect(first({ annotations: { __values__: '{' } })?.annotations).toEqual({});
  });

  test('alerts that were left out are told, and a bad one takes no other along', () => {
    const events = eventsOf([plain, { ...plain, status: 'CANARY' }, plain], { truncatedAlerts: 12 });
    expect(alertsOf(events)).toHaveLength(2);
    expect(events.slice(2)).toMatchObject([
      { type: 'bad-alert', title: expect.stringContaining('alerts.1.status') },
      { type: 'truncated', title: 'Grafana left 12 alerts of a group out (Max Alerts of the contact point)' },
    ]);
    expect(JSON.stringify(events)).not.toContain('CANARY');
  });

  test('any JSON is normalised or refused', () => {
    const alert = fc.record(
      {
        status: fc.constantFrom('firing', 'resolved', 'x'),
        labels: fc.dictionary(fc.constantFrom('alertname', 'rulename', '__proto__', 'x'), fc.string()),
        annotations: fc.dictionary(fc.constantFrom('grafana_state_reason', '__values__', 'summary'), fc.string()),
        startsAt: fc.constantFrom('2026-11-20T10:02:30Z', '0001-01-01T00:00:00Z', ''),
        values: fc.anything(),
        orgId: fc.anything(),
        dashboardURL: fc.anything(),
      },
      { requiredKeys: [] },
    );
    const group = fc.record({ alerts: fc.array(alert), truncatedAlerts: fc.anything() });
    const legacy = fc.record({
      ruleId: fc.anything(),
      state: fc.string(),
      tags: fc.anything(),
      evalMatches: fc.anything(),
    });
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), group, legacy), value => {
        refusesAtMost(() => {
          for (const event of normalise(source, JSON.stringify(value) ?? 'null').events) incomingEvent.parse(event);
        });
      }),
      { numRuns: 300 },
    );
  });
});

describe('the alerting of before Grafana 8', () => {
  const rule = {
    ruleId: 17,
    ruleName: 'Disk full',
    title: '[Alerting] Disk full',
    orgId: 2,
    tags: { severity: 'page', n: 1 },
  };
  const made = (facts: object) => normalise(source, JSON.stringify({ ...rule, ...facts })).events[0];

  test('one alert of a rule, which is its identity', () => {
    const evalMatches = [{ metric: 'db-1', value: 93, tags: null }, 'x', { value: null }];
    expect(made({ state: 'alerting', evalMatches, message: 'M', ruleUrl: 'https://g.example/d/1' })).toEqual({
      kind: 'alert',
      state: 'firing',
      fingerprint: 'rule:2/17',
      title: 'Disk full',
      severity: 'critical',
      labels: { severity: 'page', n: '1', alertname: 'Disk full' },
      annotations: { message: 'M', grafana_values: 'db-1=93, value=nothing', grafana_org_id: '2' },
      links: [{ label: 'Rule', url: 'https://g.example/d/1' }],
      startsAt: now,
      endsAt: null,
      occurredAt: now,
    });
  });

  test.each([
    ['ok', { kind: 'alert', state: 'resolved', endsAt: now, fingerprint: 'rule:2/17' }],
    ['paused', { kind: 'alert', state: 'resolved', noCure: expect.stringContaining('paused') }],
    ['no_data', { kind: 'alert', state: 'firing', title: 'No data for Disk full' }],
    ['pending', { kind: 'notice', type: 'legacy pending' }],
    ['constructor', { kind: 'notice', type: 'legacy constructor' }],
  ])('state %s', (state, expected) => {
    expect(made({ state })).toMatchObject(expected);
  });

  test('its test has no rule', () => {
    expect(made({ state: 'alerting', ruleId: 0 })).toMatchObject({ kind: 'notice', type: 'test' });
  });
});

describe('a body of another form', () => {
  test('is refused with what to do, and without its words', () => {
    const error = refusal(() => normalise(source, '{"text":"CANARY","alerts":{"CANARY":1}}'));
    expect(error).toMatchObject({ code: 'bad-body', at: 'alerts', remedy: expect.stringContaining('custom payload') });
    expect(JSON.stringify(error)).not.toContain('CANARY');
  });
});

describe('who may send', () => {
  const body = '{"alerts":[]}';
  const sign = (key: string, text = body) => createHmac('sha256', key).update(text).digest('hex');
  const seconds = now / 1000;
  const answer = (options: object, headers: Record<string, string>, at = now) => {
    const given = source.options.parse(options);
    const early = source.verifyHeaders?.(Object.fromEntries(Object.entries(headers)), given);
    const verified = source.verify(delivery(body, headers, at), given);
    if (early !== null) expect(verified).toEqual(early);
    return verified.ok ? verified.by : verified.because;
  };
  const none = 'no signature';
  const wrong = 'the signature is not made with a configured secret';

  test.each(vectors('grafana'))('$expect: $why', vector => {
    const options = { secret: vector.secret, timestampHeader: vector.timestampHeader };
    expect(verifyVector(source, options, vector)).toBe(vector.expect === 'accept');
  });

  test('by a signature in the header of any release, or in the one that is configured', () => {
    for (const header of ['x-grafana-alerting-signature', 'x-grafana-alert-signature'])
      expect(answer({ secret: 's' }, { [header]: sign('s') })).toBe('hmac');
    expect(answer({ secret: 's', signatureHeader: 'X-Sig' }, { 'x-sig': sign('s') })).toBe('hmac');
    expect(answer({ secret: 's', signatureHeader: 'X-Sig' }, { 'x-grafana-alerting-signature': sign('s') })).toBe(none);
  });

  const header = 'x-grafana-alerting-signature';
  test('by any of several secrets, and by none that was removed', () => {
    const signed = { [header]: sign('old') };
    expect(answer({ secret: ['old', 'new'] }, signed)).toBe('hmac');
    expect(answer({ secret: ['new'] }, signed)).toBe(wrong);
    expect(answer({ secret: 'old' }, { [header]: `sha256=${sign('old')}` })).toBe(wrong);
    expect(answer({ secret: 'old' }, {})).toBe(none);
  });

  test('with the time before the body, when a header of it is configured', () => {
    const timed = { secret: 's', timestampHeader: 'X-Time' };
    const signed = (time: string) => ({ 'x-time': time, [header]: sign('s', `${time}:${body}`) });
    const notNear = 'the signed time is not near ours';
    expect(answer(timed, signed(`${seconds}`))).toBe('hmac');
    expect(answer(timed, { [header]: sign('s') })).toBe(wrong);
    expect(answer(timed, { 'x-time': `${seconds}`, [header]: sign('s') })).toBe(wrong);
    expect(answer({ secret: 's' }, signed(`${seconds}`))).toBe(wrong);
    for (const [off, expected] of [
      [300_000, 'hmac'],
      [-300_000, 'hmac'],
      [301_000, notNear],
      [-301_000, notNear],
    ] as const)
      expect(answer(timed, signed(`${seconds}`), now + off), String(off)).toBe(expected);
    for (const time of [`${now}`, `${seconds}.0`, `+${seconds}`, '', 'now'])
      expect(answer(timed, signed(time)), time).toBe(notNear);
  });

  test('or by the Authorization header, beside the signature too', () => {
    const both = { secret: 's', token: 't' };
    expect(answer({ token: 't' }, { authorization: 'Bearer t' })).toBe('bearer');
    expect(answer(both, { authorization: 'Bearer t' })).toBe('bearer');
    expect(answer(both, { authorization: 'Bearer u', [header]: sign('s') })).toBe('hmac');
    expect(answer(both, { authorization: 'Bearer u' })).toBe(none);
    const basic = `Basic ${Buffer.from('u:p').toString('base64')}`;
    expect(answer({ basic: { user: 'u', password: ['o', 'p'] } }, { authorization: basic })).toBe('basic');
    expect(answer({}, {})).toBe('none');
  });

  test.each([
    { secret: '' },
    { timestampHeader: 'X-Time' },
    { signatureHeader: 'X-Sig' },
    { secret: 's', timestampHeader: 'not a name' },
    { apiToken: 't' },
    { url: 'http://grafana.example' },
    { url: 'file:///etc/passwd' },
    { reopenAfter: '5h' },
  ])('options %j are refused', options => {
    expect(source.options.safeParse(options).success).toBe(false);
  });
});
