import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../../doubles/app.ts';

/** Alertmanager's API v2, as far as looks need it: what it lists, and that it is neither young nor settling. */
interface FakeApi {
  url: string;
  listed: { fingerprint: string; endsAt: number }[];
  down: boolean;
  questions: number;
}

const servers: Server[] = [];
let api: FakeApi;
let app: TestApp;

beforeEach(async () => {
  const state: FakeApi = { url: '', listed: [], down: false, questions: 0 };
  const server = createServer((request, response) => {
    state.questions++;
    if (state.down) return void response.writeHead(500).end();
    const body = request.url?.includes('/status')
      ? { uptime: '2020-01-01T00:00:00Z', cluster: { status: 'ready' } }
      : state.listed.map(one => ({
          fingerprint: one.fingerprint,
          labels: { alertname: 'Hello' },
          annotations: {},
          receivers: [{ name: 'tocsin' }],
          startsAt: '2026-11-20T09:14:07.331Z',
          updatedAt: '2026-11-20T09:14:07.331Z',
          endsAt: new Date(one.endsAt).toISOString(),
          status: { state: 'active', silencedBy: [], inhibitedBy: [] },
        }));
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  servers.push(server);
  state.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  api = state;
});
afterEach(async () => {
  await app.stop();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise(resolve => server.close(resolve));
  }
});

const fingerprint = 'b3c1d5e2a9f0476c';
const minute = 60_000;
const config = () => `
sources:
  alertmanager: { token: alert-secret, url: "${api.url}" }
people: { alice: {}, bob: {} }
groups: { sre: [alice, bob] }
operators: [sre]
tokens: [{ env: ALICE, person: alice }, { env: BOB, person: bob }]
`;
const runbook = (steps: string) => `
title: Fix it
risk: low
on: [{ source: alertmanager, match: { alertname: Hello } }]
steps:
${steps}`;
const verify = '  - { id: gone, verify: { resolved: true, within: 10m, apart: 1s } }\n';
const auto = 'rules: [{ name: all, decide: auto }]\n';
const ask = 'rules: [{ name: all, decide: approve, by: [sre], expires: 30m }]\n';

async function open(policy: string, steps: string): Promise<void> {
  app = await startTestApp({ 'tocsin.yaml': config(), 'policy.yaml': policy, 'runbooks/fix.yaml': runbook(steps) });
}
const fire = () => app.alert({ alertname: 'Hello' });
/** The body of a resolve that ended at a time of the test's choice. */
async function resolveAt(endsAt: number): Promise<void> {
  const answer = await app.call('POST', '/events/alertmanager', {
    as: null,
    headers: { authorization: 'Bearer alert-secret' },
    body: {
      version: '4',
      receiver: 'tocsin',
      alerts: [
        {
          status: 'resolved',
          labels: { alertname: 'Hello' },
          annotations: {},
          startsAt: '2026-11-20T09:14:07.331Z',
          endsAt: new Date(endsAt).toISOString(),
          fingerprint,
        },
      ],
    },
  });
  expect(answer.status).toBe(202);
}
const list = (endsAt: number) => {
  api.listed = [{ fingerprint, endsAt }];
};
const looked = (alert: string) => app.until(async () => (await app.app.store.look(alert))?.at ?? null);
const firstRun = () => app.until(async () => (await app.runs())[0]);
const waiting = () =>
  app.until(async () => (await app.runs()).find(run => run.steps.some(step => step.state === 'waiting')));

describe('a resolve while its source can be asked', () => {
  test('earlier than the end that was shown is a cure', async () => {
    list(Date.now() + 4 * minute);
    await open(auto, verify);
    const { alert } = await fire();
    const run = await waiting();
    await looked(alert);
    await resolveAt(Date.now());
    expect(await app.ended(run.id)).toMatchObject({ state: 'succeeded', because: null });
  });

  test('at the end that was shown is an expiry: unconfirmed, and people are called', async () => {
    const end = Date.now() + 20_000;
    list(end);
    await open(auto, verify);
    const { alert } = await fire();
    const run = await waiting();
    await looked(alert);
    await resolveAt(end);
    expect(await app.ended(run.id)).toMatchObject({
      state: 'unconfirmed',
      because: expect.stringContaining('heard nothing more'),
    });
    expect(await app.app.store.alert(alert)).toMatchObject({ state: 'resolved', end: { how: 'expired' } });
  });

  test('an expiry voids no approval: the card says it, and people may still decide', async () => {
    const end = Date.now() + 20_000;
    list(end);
    await open(ask, '  - { id: fix, exec: ["true"] }\n');
    const { alert } = await fire();
    const [approval] = await app.until(async () => {
      const found = await app.app.store.approvals({ state: 'open' });
      return found.length > 0 ? found : null;
    });
    await looked(alert);
    await resolveAt(end);
    const card = await app.until(async () => {
      const post = await app.app.store.post('console', `approval/${approval?.id}`);
      return JSON.stringify(post?.card).includes('heard nothing more') ? post?.card : null;
    });
    expect(card.buttons.map(button => button.label)).toContain('Approve');
    const voted = await app.call('POST', `/api/v1/approvals/${approval?.id}/votes`, { body: { vote: 'approve' } });
    expect(voted.status).toBe(200);
    expect(await app.ended(approval?.run ?? '')).toMatchObject({ state: 'succeeded' });
  });

  test('without a look it is unconfirmed, and the run says that the origin could not be asked', async () => {
    api.down = true;
    await open(auto, verify);
    const { alert } = await fire();
    const run = await waiting();
    await app.until(async () => api.questions > 0);
    const ready = await app.until(async () => {
      const { body } = await app.call('GET', '/readyz', { as: null });
      return body.parts['reconcile alertmanager'] === null ? null : body;
    });
    expect([ready.well, ready.parts['reconcile alertmanager']]).toEqual([false, expect.stringContaining('500')]);
    await resolveAt(Date.now());
    expect(await app.ended(run.id)).toMatchObject({
      state: 'unconfirmed',
      because: expect.stringMatching(/nobody looked.*could not be asked.*500/s),
    });
    expect(await app.app.store.alert(alert)).toMatchObject({ end: { how: 'unwatched' } });
  });
});

describe('what is no longer listed', () => {
  test('before the end that was shown, in two looks apart, is gone', async () => {
    list(Date.now() + 4 * minute);
    await open(auto, verify);
    const { alert } = await fire();
    await looked(alert);
    const run = await firstRun();
    api.listed = [];
    expect(await app.ended(run.id)).toMatchObject({ state: 'succeeded' });
    const seen = await app.app.store.look(alert);
    expect(seen?.goneAt).not.toBeNull();
  });

  test('one look is not enough: it was found again', async () => {
    list(Date.now() + 4 * minute);
    await open(auto, verify.replace('apart: 1s', 'apart: 5m'));
    const { alert } = await fire();
    await looked(alert);
    const run = await firstRun();
    api.listed = [];
    await app.until(async () => (await app.app.store.look(alert))?.goneAt ?? null);
    list(Date.now() + 4 * minute);
    await app.until(async () => ((await app.app.store.look(alert))?.goneAt === null ? true : null));
    expect((await app.app.store.run(run.id))?.state).toBe('waiting');
  });

  test('at or after the end that was shown it only expired', async () => {
    list(Date.now() + 1500);
    await open(auto, verify);
    const { alert } = await fire();
    await looked(alert);
    const run = await firstRun();
    // Alertmanager drops it from the list by its own clock.
    await app.until(async () => Date.now() > (api.listed[0]?.endsAt ?? 0));
    api.listed = [];
    expect(await app.ended(run.id)).toMatchObject({
      state: 'unconfirmed',
      because: expect.stringContaining('no cure'),
    });
  });
});
