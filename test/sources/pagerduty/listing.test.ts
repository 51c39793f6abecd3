import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/kernel/clock.ts';
import { incomingEvent } from '../../../src/model/event.ts';
import source from '../../../src/sources/pagerduty/index.ts';
import { sampleAlert } from '../../contracts/samples.ts';
import { type PagerDutyDouble, startPagerDuty } from '../../doubles/pagerduty.ts';
import { populate } from '../../flow/origin/place.ts';

let pagerduty: PagerDutyDouble;
beforeEach(async () => {
  pagerduty = await startPagerDuty();
  populate(pagerduty);
});
afterEach(() => pagerduty.close());

const given = (over: object = {}) =>
  source.options.parse({ secret: 's', apiToken: pagerduty.apiToken, apiUrl: pagerduty.url, ...over });
const now = Date.parse('2026-11-21T00:00:00Z');
const tools = () => ({ fetch, signal: new AbortController().signal, clock: { ...systemClock, now: () => now } });
async function list(over: object = {}) {
  const found = await source.listFiring?.(given(over), tools());
  if (found === undefined) throw new Error('it can list');
  return found;
}
async function ids(over: object = {}): Promise<string[]> {
  const found = await list(over);
  if (!found.ok) throw new Error(found.because);
  return found.alerts.map(one => one.event.fingerprint);
}
function add(count: number): void {
  for (let index = 0; index < count; index++) pagerduty.add({ id: `Q${index}` });
}
const lists = () => pagerduty.requests.filter(one => one === 'GET /incidents').length;

describe('what is open at PagerDuty', () => {
  test('can be listed with a key of the REST API', async () => {
    expect(source.canAsk?.(given())).toBe(true);
    expect(source.canAsk?.(given({ apiToken: undefined }))).toBe(false);
    expect(await list({ apiToken: undefined })).toMatchObject({
      ok: false,
      because: expect.stringMatching(/apiToken/),
    });
    expect(pagerduty.requests).toEqual([]);
  });

  test('is as its webhooks would bring it', async () => {
    pagerduty.add({ id: 'Q1', title: 'Disk full', updated: '2026-11-20T11:05:00Z' });
    pagerduty.add({ id: 'Q2', status: 'acknowledged', acknowledgements: ['POTTO', 'PMINA'], urgency: 'low' });
    pagerduty.add({ id: 'Q3', status: 'resolved' });
    const found = await list();
    if (!found.ok) throw new Error(found.because);
    expect(found.at).toBe(now);
    for (const one of found.alerts) incomingEvent.parse(one.event);
    expect(found.alerts).toEqual([
      {
        event: {
          kind: 'alert',
          state: 'firing',
          fingerprint: 'Q1',
          title: 'Disk full',
          severity: 'error',
          labels: {
            service: 'Service PSVC',
            service_id: 'PSVC',
            urgency: 'high',
            escalation_policy: 'DB on-call',
            escalation_policy_id: 'PEP1',
            number: '1',
            incident_key: 'key-Q1',
            status: 'triggered',
          },
          annotations: { incident_key: 'key-Q1' },
          links: [{ label: 'Incident', url: 'https://acme.pagerduty.com/incidents/Q1' }],
          startsAt: Date.parse('2026-11-20T11:00:03Z'),
          stretch: 'startsAt',
          newsAt: Date.parse('2026-11-20T11:05:00Z'),
          endsAt: null,
          occurredAt: Date.parse('2026-11-20T11:05:00Z'),
        },
        silenced: null,
        endsAt: null,
        receivers: ['PSVC'],
      },
      expect.objectContaining({
        event: expect.objectContaining({ fingerprint: 'Q2', state: 'acknowledged', by: 'Mina Okafor' }),
      }),
    ]);
  });

  test('has what is open for longer than a month, and not the incidents of our own pages', async () => {
    pagerduty.add({ id: 'QOLD', created: '2024-01-01T00:00:00Z' });
    pagerduty.add({ id: 'QPAGE', key: 'tocsin/run_1' });
    expect(await ids()).toEqual(['QOLD']);
  });

  test('is that of the named services', async () => {
    pagerduty.add({ id: 'Q1', service: 'PA' });
    pagerduty.add({ id: 'Q2', service: 'PB' });
    pagerduty.add({ id: 'Q3', service: 'PC' });
    expect(await ids({ services: ['PA', 'PC'] })).toEqual(['Q1', 'Q3']);
    expect(await ids()).toHaveLength(3);
    expect(source.options.safeParse({ services: [] }).success).toBe(false);
  });

  test.each([
    [0, 1],
    [100, 1],
    [101, 2],
    [250, 3],
  ])('%i incidents are read whole, each once', async (count, requests) => {
    add(count);
    const found = await ids();
    expect([found.length, new Set(found).size, lists()]).toEqual([count, count, requests]);
  });

  test('is read to 2,000; beyond it the list says that it is cut', async () => {
    add(2000);
    expect(await ids()).toHaveLength(2000);
    pagerduty.add({ id: 'QMORE' });
    expect(await list()).toEqual({ ok: false, because: 'more than 2000 incidents are open, so the list is cut' });
  });

  test('is read anew when an incident was closed meanwhile, so that none is overlooked', async () => {
    add(150);
    let closed = 0;
    pagerduty.watch(/GET \/incidents$/, () => {
      const incident = pagerduty.incidents.get('Q3');
      if (closed++ === 0 && incident !== undefined) incident.status = 'resolved';
    });
    expect(await ids()).toHaveLength(149);
    expect(lists()).toBe(4);
  });

  test('is no answer when incidents are closed each time', async () => {
    add(150);
    let next = 0;
    pagerduty.watch(/GET \/incidents$/, () => {
      const incident = pagerduty.incidents.get(`Q${next++}`);
      if (incident !== undefined) incident.status = 'resolved';
    });
    expect(await list()).toMatchObject({ ok: false, because: expect.stringMatching(/closed/) });
  });
});

describe('a list that cannot be had', () => {
  test.each([
    [{ status: 429, headers: { 'ratelimit-reset': '20' } }, 'origin-limited'],
    [{ status: 401 }, 'origin-down'],
    [{ status: 500 }, 'origin-down'],
    [{ status: 403 }, 'origin-refused'],
    ['lost', 'origin-down'],
  ] as const)('%j', async (how, code) => {
    add(150);
    // The second page: half a list is none.
    let pages = 0;
    pagerduty.watch(/GET \/incidents$/, () => {
      if (++pages === 1) pagerduty.fail({ on: /GET \/incidents$/, times: 1, how });
    });
    await expect(list()).rejects.toMatchObject({ code });
  });

  test('a wrong key', async () => {
    await expect(list({ apiToken: 'wrong' })).rejects.toMatchObject({ code: 'origin-down' });
  });

  test('an answer of another shape', async () => {
    const incidents = [{ id: 'Q1', type: 'incident', status: 5 }];
    const answer = async () => new Response(JSON.stringify({ incidents, more: false }));
    await expect(source.listFiring?.(given(), { ...tools(), fetch: answer })).rejects.toMatchObject({
      code: 'origin-down',
      message: expect.stringContaining('incidents.0.status'),
    });
  });
});

describe('a merged incident', () => {
  test('is not cured: nobody knows by it whether the condition lasts', async () => {
    pagerduty.add({ id: 'Q1' });
    pagerduty.add({ id: 'Q2', title: 'A queue grows' });
    const source_incidents = [{ id: 'Q1', type: 'incident_reference' }];
    const merged = await fetch(`${pagerduty.url}/incidents/Q2/merge`, {
      method: 'PUT',
      headers: {
        authorization: `Token token=${pagerduty.apiToken}`,
        accept: 'application/vnd.pagerduty+json;version=2',
        'content-type': 'application/json',
        from: pagerduty.from,
      },
      body: JSON.stringify({ source_incidents }),
    });
    expect(merged.status).toBe(200);
    expect(pagerduty.incidents.get('Q1')).toMatchObject({ status: 'resolved', mergedInto: 'Q2', alerts: [] });
    expect(pagerduty.incidents.get('Q2')?.alerts).toHaveLength(2);
    const ask = (fingerprint: string) =>
      source.look?.(sampleAlert({ source: 'pagerduty', fingerprint }), given(), tools());
    expect(await ask('Q1')).toMatchObject({ state: 'unknown' });
    Object.assign(pagerduty.incidents.get('Q2') ?? {}, { status: 'resolved' });
    expect(await ask('Q2')).toMatchObject({ state: 'gone' });
  });
});
