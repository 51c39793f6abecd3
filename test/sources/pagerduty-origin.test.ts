import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/kernel/clock.ts';
import { isCode, type TocsinError } from '../../src/kernel/errors.ts';
import { silentLog } from '../../src/kernel/log.ts';
import type { OriginConnection } from '../../src/ports/origin.ts';
import source from '../../src/sources/pagerduty/index.ts';
import { sampleAlert } from '../contracts/samples.ts';
import { type PagerDutyDouble, startPagerDuty } from '../doubles/pagerduty.ts';
import { populate } from '../flow/origin/place.ts';

let pagerduty: PagerDutyDouble;
beforeEach(async () => {
  pagerduty = await startPagerDuty();
  populate(pagerduty);
  pagerduty.add({ id: 'Q1' });
});
afterEach(() => pagerduty.close());

const given = (over: object = {}) =>
  source.options.parse({
    secret: 's',
    apiToken: pagerduty.apiToken,
    from: pagerduty.from,
    routingKey: pagerduty.routingKey,
    apiUrl: pagerduty.url,
    eventsUrl: `${pagerduty.url}/`,
    ...over,
  });

function connect(over: object = {}): OriginConnection {
  const opened = source.origin?.(given(over), { clock: systemClock, log: silentLog, reach: () => fetch });
  if (opened == null) throw new Error('there is no way back');
  return opened;
}

const alert = (over: Parameters<typeof sampleAlert>[0] = {}) =>
  sampleAlert({ source: 'pagerduty', fingerprint: 'Q1', ...over });
const failure = (work: Promise<unknown> | undefined): Promise<TocsinError> =>
  (work ?? Promise.resolve()).then(
    () => {
      throw new Error('it worked');
    },
    error => error,
  );
const page = {
  key: 'run_1',
  summary: 's',
  severity: 'error',
  source: 'db',
  component: 'fix',
  at: 0,
  details: { run: 'run_1' },
  links: [{ label: 'Run', url: 'https://tocsin.example.com/runs/run_1' }],
} as const;

describe('what it can do', () => {
  test('follows from its keys', () => {
    const can = (over: object) =>
      Object.entries(source.origin?.(given(over), { clock: systemClock, log: silentLog, reach: () => fetch }) ?? {})
        .filter(([, value]) => typeof value === 'function')
        .map(([name]) => name)
        .sort();
    expect(can({})).toEqual(['acknowledge', 'note', 'onCall', 'page', 'recall', 'resolve', 'unpage']);
    expect(can({ acknowledge: false })).not.toContain('acknowledge');
    expect(can({ apiToken: undefined })).toEqual(['page', 'unpage']);
    expect(can({ apiToken: undefined, routingKey: undefined })).toEqual([]);
    expect(source.tellsOnCall?.(given())).toBe(true);
    expect(source.tellsOnCall?.(given({ apiToken: undefined }))).toBe(false);
  });

  test('keys must not be empty, and addresses are of the region', () => {
    expect(source.options.safeParse({ apiToken: '' }).success).toBe(false);
    expect(source.options.safeParse({ routingKey: '' }).success).toBe(false);
    const reached: string[] = [];
    const eu = source.options.parse({ apiToken: 'k', region: 'eu' });
    const reach = (all: readonly string[]) => {
      reached.push(...all);
      return fetch;
    };
    source.origin?.(eu, { clock: systemClock, log: silentLog, reach });
    expect(reached).toEqual(['https://api.eu.pagerduty.com', 'https://events.eu.pagerduty.com']);
  });
});

describe('an incident', () => {
  test('is acknowledged, resolved and acknowledged too late, each without an error when it is done already', async () => {
    const it = connect();
    await it.acknowledge?.(alert());
    await it.acknowledge?.(alert());
    expect(pagerduty.incidents.get('Q1')).toMatchObject({ status: 'acknowledged', acknowledgements: ['PBOT'] });
    await it.resolve?.(alert());
    expect(await it.resolve?.(alert())).toBe('The incident is resolved in PagerDuty already');
    expect(await it.acknowledge?.(alert())).toBe('The incident is resolved in PagerDuty already');
  });

  test('takes each note once, known by its marker and not by its text', async () => {
    const it = connect();
    const note = { text: 'x'.repeat(5000), marker: 'note/run_1/7' };
    await it.note?.(alert(), note);
    await it.note?.(alert(), { ...note, text: 'another text' });
    await it.note?.(alert(), { ...note, marker: 'note/run_1/77' });
    const notes = pagerduty.incidents.get('Q1')?.notes ?? [];
    expect(notes).toHaveLength(2);
    expect(notes[0]).toMatch(/more characters\n\[tocsin note\/run_1\/7\]$/);
  });

  test('is handed back once, and not when it is triggered again, resolved, or somebody else is on it', async () => {
    const it = connect();
    await it.acknowledge?.(alert());
    await it.recall?.(alert());
    expect(await it.recall?.(alert())).toContain('triggered');
    expect(pagerduty.incidents.get('Q1')?.escalations).toEqual([1]);
    Object.assign(pagerduty.incidents.get('Q1') ?? {}, { status: 'acknowledged', acknowledgements: ['PBOT', 'PMINA'] });
    expect(await it.recall?.(alert())).toContain('Somebody else');
    expect(pagerduty.incidents.get('Q1')?.escalations).toEqual([1]);
  });

  test.each([
    ['resolved', ['triggered'], 'gone'],
    ['acknowledged', ['resolved', 'resolved'], 'gone'],
    ['acknowledged', ['resolved', 'triggered'], 'unknown'],
    ['triggered', [], 'unknown'],
  ] as const)('that is %s with alerts %j: %s', async (status, alerts, says) => {
    pagerduty.add({ id: 'Q1', status, alerts: [...alerts] });
    const tools = { fetch, signal: new AbortController().signal, clock: systemClock };
    expect((await source.look?.(alert(), given(), tools))?.state).toBe(says);
    expect([source.canAsk?.(given()), source.canAsk?.(given({ apiToken: undefined }))]).toEqual([true, false]);
  });
});

describe('a page', () => {
  test('is one alert for one key, whatever is long, and is taken back', async () => {
    const it = connect();
    await it.page?.({ ...page, summary: 'y'.repeat(3000), source: 'z'.repeat(500) });
    await it.page?.(page);
    expect([...pagerduty.calls]).toMatchObject([['tocsin/run_1', { open: true, triggers: 2 }]]);
    await it.unpage?.('run_1');
    await it.unpage?.('run_2');
    expect([...pagerduty.calls]).toMatchObject([['tocsin/run_1', { open: false }]]);
  });
});

describe('what goes wrong', () => {
  test.each([
    [{ status: 429, headers: { 'retry-after': '7' } }, 'origin-limited', 7000],
    [{ status: 429, headers: { 'retry-after': '0x7' } }, 'origin-limited', 30_000],
    [{ status: 429, headers: { 'retry-after': '' } }, 'origin-limited', 30_000],
    [{ status: 429, headers: { 'ratelimit-reset': '20' } }, 'origin-limited', 20_000],
    [{ status: 429 }, 'origin-limited', 30_000],
    [{ status: 429, headers: { 'retry-after': '99999999' } }, 'origin-limited', 600_000],
    [{ status: 500 }, 'origin-down', undefined],
    [{ status: 408 }, 'origin-down', undefined],
    [{ status: 401 }, 'origin-down', undefined],
    [{ status: 403 }, 'origin-refused', undefined],
    [{ status: 402 }, 'origin-refused', undefined],
    ['lost', 'origin-down', undefined],
  ] as const)('%j is %s', async (how, code, retryAfter) => {
    pagerduty.fail({ on: /./, times: 1, how });
    const error = await failure(connect().resolve?.(alert()));
    expect([error.code, error.retryAfter]).toEqual([code, retryAfter]);
    expect(error.message).not.toContain(pagerduty.apiToken);
  });

  test('an incident that is not there, an address that no user has, and an invalid event are refused with what PagerDuty says', async () => {
    expect((await failure(connect().resolve?.(alert({ fingerprint: '../users' })))).message).toContain('404');
    const stranger = await failure(connect({ from: 'nobody@example.com' }).acknowledge?.(alert()));
    expect(stranger.message).toBe('PagerDuty answered 400: Requester User Not Found');
    const event = await failure(connect({ routingKey: 'wrong' }).page?.(page));
    expect(isCode(event, 'origin-refused') && event.message).toContain('Invalid routing key');
  });

  test('nobody there is down, and says why', async () => {
    const error = await failure(connect({ apiUrl: 'http://127.0.0.1:1' }).resolve?.(alert()));
    expect(error.code).toBe('origin-down');
    expect(error.message).toMatch(/^PagerDuty cannot be reached: /);
  });
});

describe('who is on call', () => {
  const ask = async (query: object = {}, over: object = {}) =>
    await connect(over).onCall?.({ alert: null, escalationPolicy: null, schedule: null, ...query });
  const names = async (query: object, over: object = {}) => (await ask(query, over))?.people.map(one => one.account);

  test('is the first level of the policy of the incident, of the one that is named, or whom a schedule names', async () => {
    const incident = alert({ labels: { escalation_policy_id: 'PEP1' } });
    expect(await ask({ alert: incident })).toEqual({
      of: 'DB on-call',
      people: [
        { account: 'PMINA', name: 'Mina Okafor' },
        { account: 'PEXT', name: 'Eve External' },
      ],
    });
    expect(await names({ alert: incident, escalationPolicy: 'PEP2' })).toEqual(['POTTO']);
    expect(await names({ schedule: 'PS1' })).toEqual(['PMINA', 'PEXT']);
  });

  test('without anything named it is nobody, never everybody', async () => {
    expect(await ask()).toEqual({ people: [], of: null });
    expect(pagerduty.requests).toEqual([]);
    expect(await names({}, { onCall: { escalationPolicy: 'PEP2' } })).toEqual(['POTTO']);
  });

  test('is read to its end', async () => {
    const policy = { id: 'PBIG', summary: 'Big' };
    for (let index = 0; index < 130; index++) {
      pagerduty.users.set(`P${index}`, { id: `P${index}`, name: `N${index}`, email: `${index}@example.com` });
      pagerduty.rota.push({ policy, level: 1, schedule: null, user: `P${index}` });
    }
    expect(await names({ escalationPolicy: 'PBIG' })).toHaveLength(130);
  });
});
