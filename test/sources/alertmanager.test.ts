import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/kernel/clock.ts';
import { isCode } from '../../src/kernel/errors.ts';
import { type Alert, foldAlert } from '../../src/model/alert.ts';
import { incomingEvent } from '../../src/model/event.ts';
import source from '../../src/sources/alertmanager/index.ts';
import { alertsOf, delivery, normalise, now, payload, refusesAtMost } from './helpers.ts';

describe('what it makes of a webhook', () => {
  test('one event for each alert, with fingerprint, severity, title, links and times', () => {
    const { events, deliveryId } = normalise(source, payload('alertmanager/firing.json'));
    expect(deliveryId).toBeNull();
    expect(events.map(event => incomingEvent.parse(event))).toHaveLength(2);
    expect(events[0]).toEqual({
      kind: 'alert',
      state: 'firing',
      fingerprint: 'b3c1d5e2a9f0476c',
      title: 'checkout restarts 6 times in 10 min',
      severity: 'critical',
      labels: expect.objectContaining({ alertname: 'PodCrashLooping', team: 'payments' }),
      annotations: expect.objectContaining({ runbook_url: 'https://runbooks.acme.example/PodCrashLooping' }),
      links: [
        expect.objectContaining({ label: 'Source' }),
        { label: 'Runbook', url: 'https://runbooks.acme.example/PodCrashLooping' },
        { label: 'Alertmanager', url: 'https://alertmanager.acme.example/' },
      ],
      startsAt: Date.parse('2026-11-20T09:14:07.331Z'),
      stretch: 'startsAt',
      endsAt: null,
      occurredAt: Date.parse('2026-11-20T09:14:07.331Z'),
    });
  });

  test('a resolve has the same identity and start, and its end', () => {
    const [fired] = alertsOf(normalise(source, payload('alertmanager/firing.json')).events);
    const [resolved] = alertsOf(normalise(source, payload('alertmanager/resolved.json')).events);
    expect(resolved).toMatchObject({ state: 'resolved', fingerprint: fired?.fingerprint, startsAt: fired?.startsAt });
    expect(resolved?.endsAt).toBe(Date.parse('2026-11-20T09:31:07.331Z'));
  });

  test('an older release without notification_reason and without fingerprint is taken; the labels are the identity', () => {
    expect(normalise(source, payload('alertmanager/firing-legacy-no-reason.json')).events).toHaveLength(2);
    const bare = (labels: object, status = 'firing') =>
      alertsOf(
        normalise(source, JSON.stringify({ alerts: [{ status, labels, startsAt: '2026-11-20T09:14:07Z' }] })).events,
      )[0];
    const one = bare({ alertname: 'A', instance: 'x' });
    expect(one?.fingerprint).toMatch(/^labels:[0-9a-f]{32}$/);
    expect(bare({ instance: 'x', alertname: 'A' }, 'resolved')?.fingerprint).toBe(one?.fingerprint);
    expect(bare({ alertname: 'A', instance: 'y' })?.fingerprint).not.toBe(one?.fingerprint);
  });

  test('alerts that were left out are told of', () => {
    const body = JSON.parse(payload('alertmanager/firing.json').toString());
    const { events } = normalise(source, JSON.stringify({ ...body, truncatedAlerts: 12 }));
    expect(events.at(-1)).toMatchObject({ kind: 'notice', type: 'truncated', title: expect.stringContaining('12') });
  });

  test.each([
    ['warning', 'warning'],
    ['PAGE', 'critical'],
    ['sev-2', 'error'],
    ['none', 'info'],
    ['purple', 'warning'],
    ['', 'warning'],
  ])('severity %j is %s', (label, expected) => {
    const body = { alerts: [{ status: 'firing', labels: { alertname: 'A', severity: label }, startsAt: '' }] };
    expect(alertsOf(normalise(source, JSON.stringify(body)).events)[0]?.severity).toBe(expected);
  });

  test('a start that no clock shows yet is now, so that it cannot make later news look old', () => {
    const body = { alerts: [{ status: 'firing', labels: { alertname: 'A' }, startsAt: '9999-01-01T00:00:00Z' }] };
    expect(alertsOf(normalise(source, JSON.stringify(body)).events)[0]?.startsAt).toBe(now);
  });

  test.each([
    ['no start', undefined],
    ['null', null],
    ['the zero time', '0001-01-01T00:00:00Z'],
    ['words', 'yesterday'],
    ['a map', {}],
    ['the far future', '9999-01-01T00:00:00Z'],
  ])('with %s it began when it arrived, which is said and names no stretch', (_what, startsAt) => {
    const [made] = eventsOf([{ status: 'firing', labels: { alertname: 'A' }, startsAt }]);
    expect(made).toMatchObject({ kind: 'alert', startsAt: now, annotations: { tocsin_start: expect.any(String) } });
    expect(made).not.toHaveProperty('stretch');
  });

  test('a start that was told names the stretch, also of a resolve', () => {
    const [made] = eventsOf([{ ...plain, status: 'resolved', endsAt: null }]);
    expect(made).toMatchObject({ state: 'resolved', stretch: 'startsAt', startsAt: Date.parse(plain.startsAt) });
    expect(made).toMatchObject({ annotations: {}, endsAt: now });
  });

  test('without a name the title is made of the labels, in the order of their names', () => {
    const titles = eventsOf([
      { ...plain, labels: { severity: 'page', instance: 'db-1' } },
      { ...plain, labels: { instance: 'db-2', severity: 'page' } },
      { ...plain, labels: {} },
    ]).map(event => event.title);
    expect(titles).toEqual(['instance=db-1, severity=page', 'instance=db-2, severity=page', 'Alert without a name']);
  });

  test('null counts as left out, wherever something may be left out', () => {
    const nothing = { annotations: null, endsAt: null, generatorURL: null, fingerprint: null };
    const { events } = normalise(
      source,
      JSON.stringify({
        groupLabels: null,
        truncatedAlerts: null,
        externalURL: null,
        receiver: null,
        alerts: [{ ...plain, labels: { alertname: 'Nulls', instance: null }, ...nothing }, plain],
      }),
    );
    expect(alertsOf(events)).toHaveLength(2);
    expect(events[0]).toMatchObject({ fingerprint: expect.stringMatching(/^labels:/), annotations: {}, links: [] });
    expect(events[0]?.labels).toEqual({ alertname: 'Nulls' });
  });

  test('numbers and truth values are the texts that they are written as; other annotations are left out and counted', () => {
    const [made] = eventsOf([
      { ...plain, labels: { alertname: 'A', port: 9100, up: false }, annotations: { summary: 'S', rows: [1], n: 2 } },
    ]);
    expect(made?.labels).toEqual({ alertname: 'A', port: '9100', up: 'false' });
    expect(made).toMatchObject({ annotations: { summary: 'S', n: '2', tocsin_unread: expect.stringMatching(/^1 /) } });
  });
});

const plain = { status: 'firing', labels: { alertname: 'A' }, startsAt: '2026-11-20T09:14:07Z' };

function eventsOf(alerts: unknown[]) {
  return normalise(source, JSON.stringify({ alerts })).events;
}

describe('an alert that cannot be taken', () => {
  test.each([
    ['alerts.1', 'no alert'],
    ['alerts.1', null],
    ['alerts.1.labels', { ...plain, labels: null }],
    ['alerts.1.labels', { ...plain, labels: 'a=b' }],
    ['alerts.1.labels', { ...plain, labels: ['a'] }],
    ['alerts.1.labels', { ...plain, labels: { alertname: 'A', CANARY: ['CANARY'] } }],
    ['alerts.1.status', { ...plain, status: 'CANARY' }],
    ['alerts.1.status', { ...plain, status: undefined }],
  ])('is a notice that names %s, and its neighbours come in', (path, bad) => {
    const events = eventsOf([plain, bad, plain]);
    expect(alertsOf(events)).toHaveLength(2);
    const notice = events.at(-1);
    expect(notice).toMatchObject({ kind: 'notice', type: 'bad-alert', title: expect.stringContaining(`${path} `) });
    expect(JSON.stringify(notice)).not.toContain('CANARY');
    expect(incomingEvent.parse(notice)).toEqual(notice);
  });

  test('keeps its readable labels', () => {
    const [notice] = eventsOf([{ ...plain, status: 'x', labels: { alertname: 'A', n: 1, deep: {} } }]);
    expect(notice?.labels).toEqual({ alertname: 'A', n: '1' });
  });

  test('is named ten times and then counted', () => {
    const events = eventsOf(Array.from({ length: 30 }, () => ({})));
    expect(events).toHaveLength(11);
    expect(events.at(-1)?.title).toMatch(/^20 more alerts .* alerts\.10\.labels/);
  });

  test('of a part is numbered by the whole delivery, and alerts that were left out are told with the last part', () => {
    const body = { truncatedAlerts: 3, alerts: [plain, {}] };
    const part = (last: boolean) =>
      source.normalise(body, { ...delivery('{}'), part: { first: 64, last } }, source.options.parse({})).events;
    const many = { alerts: [{}, {}, {}] };
    const further = { ...delivery('{}'), part: { first: 64, last: true } };
    expect(source.normalise(many, further, source.options.parse({})).events.map(event => event.title)).toEqual([
      expect.stringContaining('alerts.64.labels'),
      expect.stringMatching(/^2 more .* alerts\.65\.labels/),
    ]);
    expect(part(false).map(event => event.title)).toEqual(['A', expect.stringContaining('alerts.65.labels')]);
    expect(part(true).at(-1)).toMatchObject({ type: 'truncated' });
  });
});

describe('hostile payloads come out as data', () => {
  test.each(['bidi-and-homoglyph', 'shell-injection', 'template-injection', 'prototype-pollution'])('%s', file => {
    const body = payload(`hostile/${file}.json`);
    const sent = JSON.parse(body.toString()).alerts[0];
    const [made] = alertsOf(normalise(source, body).events);
    for (const [label, value] of Object.entries(made?.labels ?? {})) {
      if (value.length === String(sent.labels[label]).length) expect(value).toBe(sent.labels[label]);
      else expect(value).toMatch(/^A{100,}… [\d,]+ more characters$/);
      expect(value.length).toBeLessThanOrEqual(4096);
    }
    expect(incomingEvent.parse(made)).toEqual(made);
  });

  test('a title of any length fits, and says what was cut; a link that is no web address is none', () => {
    const body = {
      externalURL: 'javascript:alert(1)',
      alerts: [
        {
          status: 'firing',
          labels: { alertname: 'A' },
          annotations: {
            summary: `${'🔥'.repeat(3000)}`,
            dashboard: 'data:text/html,x',
            runbook_url: 'https://ok.example/',
          },
          generatorURL: '//evil.example',
          startsAt: '2026-11-20T09:14:07Z',
        },
      ],
    };
    const [made] = alertsOf(normalise(source, JSON.stringify(body)).events);
    expect(made?.title.length).toBeLessThanOrEqual(500);
    expect(made?.title).toMatch(/🔥… [\d,]+ more characters$/u);
    expect(made?.title.isWellFormed()).toBe(true);
    expect(made?.links).toEqual([{ label: 'Runbook', url: 'https://ok.example/' }]);
  });

  test('too many labels are counted', () => {
    const labels = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`l${i}`, 'x']));
    const body = { alerts: [{ status: 'firing', labels, startsAt: '2026-11-20T09:14:07Z' }] };
    const [made] = alertsOf(normalise(source, JSON.stringify(body)).events);
    expect(Object.keys(made?.labels ?? {})).toHaveLength(257);
    expect(made?.labels['tocsin_cut']).toBe('44 more were left out');
  });

  test('what is refused is refused without its words', () => {
    const body = '{"receiver":"CANARY","alerts":{"CANARY":7}}';
    expect(() => normalise(source, body)).toThrow(
      expect.toSatisfy(error => isCode(error, 'bad-body') && !JSON.stringify(error).includes('CANARY')),
    );
  });

  test('any JSON is normalised or refused', () => {
    const alert = fc.record(
      {
        status: fc.constantFrom('firing', 'resolved', 'x'),
        labels: fc.dictionary(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' })),
        annotations: fc.option(fc.dictionary(fc.constantFrom('summary', 'runbook_url', '__proto__'), fc.webUrl())),
        startsAt: fc.oneof(
          fc.string(),
          fc.constant('0001-01-01T00:00:00Z'),
          fc.constant('2026-11-20T09:14:07.1+23:59'),
        ),
        endsAt: fc.anything(),
        fingerprint: fc.option(fc.string({ maxLength: 2000 })),
        generatorURL: fc.string(),
      },
      { requiredKeys: [] },
    );
    const body = fc.oneof(fc.jsonValue(), fc.record({ alerts: fc.array(alert), truncatedAlerts: fc.anything() }));
    fc.assert(
      fc.property(body, value => {
        const text = JSON.stringify(value) ?? 'null';
        refusesAtMost(() => {
          for (const event of normalise(source, text).events) incomingEvent.parse(event);
        });
      }),
      { numRuns: 1000 },
    );
  });
});

describe('who may send', () => {
  const basic = `Basic ${Buffer.from('prom:pass').toString('base64')}`;
  test.each([
    [{}, undefined, 'none'],
    [{}, 'Bearer whatever', 'none'],
    [{ token: 't' }, 'Bearer t', 'bearer'],
    [{ token: ['old', 't'] }, 'Bearer t', 'bearer'],
    [{ token: 't' }, 'Bearer s', false],
    [{ token: 't' }, undefined, false],
    [{ token: 't' }, basic, false],
    [{ basic: { user: 'prom', password: 'pass' } }, basic, 'basic'],
    [{ basic: { user: 'prom', password: 'other' } }, basic, false],
    [{ token: 't', basic: { user: 'prom', password: 'pass' } }, basic, 'basic'],
  ])('%j with %j: %s', (options, authorization, expected) => {
    const given = delivery('{}', authorization === undefined ? {} : { authorization });
    const verified = source.verify(given, source.options.parse(options));
    expect(verified.ok ? verified.by : false).toBe(expected);
  });

  test.each([
    { token: '' },
    { tokn: 'x' },
    { url: 'file:///etc/passwd' },
    { basic: { user: 'x', password: '' } },
    { groupInterval: '5' },
  ])('options %j are refused', options => {
    expect(source.options.safeParse(options).success).toBe(false);
  });
});

describe('asking Alertmanager', () => {
  let server: Server | null = null;
  afterEach(() => server?.close());

  const [fired] = alertsOf(normalise(source, payload('alertmanager/firing.json')).events);
  const known = { id: 'evt_1', source: 'alertmanager', receivedAt: now, raw: null, trusted: true };
  if (fired === undefined) throw new Error('the fixture fires');
  const alert: Alert = foldAlert(null, { ...known, body: fired }, 'opened', 'alt_1');
  const listed = (facts: object = {}) => ({
    fingerprint: fired.fingerprint,
    labels: fired.labels,
    endsAt: new Date(Date.now() + 240_000).toISOString(),
    status: { state: 'active' },
    ...facts,
  });
  const status = (uptime: number, cluster = 'ready') => ({
    uptime: new Date(uptime).toISOString(),
    cluster: { status: cluster },
  });

  async function ask(answer: RequestListener, options: object = {}, about = alert): Promise<string> {
    server = createServer(answer);
    await new Promise<void>(resolve => server?.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/am/`;
    const given = source.options.parse({ url, ...options });
    const tools = { fetch, signal: AbortSignal.timeout(10_000), clock: systemClock };
    return (await source.look?.(about, given, tools))?.state ?? 'not asked';
  }

  const answers =
    (alerts: unknown, state: unknown = status(Date.now() - 3_600_000)): RequestListener =>
    (request, response) =>
      response.end(JSON.stringify(request.url?.startsWith('/am/api/v2/status') ? state : alerts));

  test('it fires when it is listed, active or suppressed', async () => {
    expect(await ask(answers([listed({ fingerprint: 'other' }), listed()]))).toBe('firing');
  });

  test('suppressed counts', async () => {
    expect(await ask(answers([listed({ status: { state: 'suppressed' } })]))).toBe('firing');
  });

  test('it is resolved when it is not listed, or has ended', async () => {
    expect(await ask(answers([listed({ fingerprint: 'other' })]))).toBe('gone');
    server?.close();
    expect(await ask(answers([listed({ endsAt: '2020-01-01T00:00:00Z' })]))).toBe('gone');
  });

  test('nobody knows while Alertmanager is young or its cluster settles', async () => {
    expect(await ask(answers([], status(Date.now() - 30_000)))).toBe('unknown');
    server?.close();
    expect(await ask(answers([], status(Date.now() - 30_000)), { settle: '1s' })).toBe('gone');
    server?.close();
    expect(await ask(answers([], status(Date.now() - 3_600_000, 'settling')))).toBe('unknown');
  });

  test('without an address there is nobody to ask', async () => {
    const tools = { fetch, signal: AbortSignal.timeout(1000), clock: systemClock };
    void tools;
    expect(source.canAsk?.(source.options.parse({}))).toBe(false);
  });

  test('it asks with label matchers and the headers of the options, at the address of the options', async () => {
    const seen: { url: URL; auth: string | undefined }[] = [];
    const labels = { alertname: 'A"}, b="', 'odd name': 'x', long: 'y'.repeat(300), env: 'ä\\' };
    await ask(
      (request, response) => {
        seen.push({ url: new URL(request.url ?? '', 'http://x'), auth: request.headers.authorization });
        answers([listed()])(request, response);
      },
      { headers: { Authorization: 'Bearer t' } },
      { ...alert, labels },
    );
    expect(seen[0]?.url.pathname).toBe('/am/api/v2/alerts');
    expect(seen[0]?.url.searchParams.getAll('filter')).toEqual(['alertname="A\\"}, b=\\""', 'env="ä\\\\"']);
    expect(seen[0]?.auth).toBe('Bearer t');
  });

  test.each<[string, RequestListener]>([
    ['an error', (_request, response) => void response.writeHead(500).end('no')],
    ['something else', answers({ not: 'a list' })],
    ['no JSON', (_request, response) => void response.end('<html>')],
    ['a redirect', (_request, response) => void response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()],
    ['a cut connection', (request, _response) => void request.socket.destroy()],
  ])('it rejects on %s rather than guess', async (_what, answer) => {
    await expect(ask(answer)).rejects.toThrow();
  });

  test('its delay is the group interval, unless it can be asked', () => {
    expect(source.delay?.(source.options.parse({}))).toBe(300_000);
    expect(source.delay?.(source.options.parse({ groupInterval: '30s' }))).toBe(30_000);
    expect(source.delay?.(source.options.parse({ url: 'http://127.0.0.1:9093' }))).toBeNull();
  });
});
