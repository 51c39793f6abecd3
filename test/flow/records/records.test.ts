import { afterEach, expect, test } from 'vitest';
import records from '../../../src/sources/records/index.ts';
import { startTestApp, type TestApp } from '../../doubles/app.ts';

let app: TestApp | null = null;
afterEach(async () => {
  await app?.stop();
  app = null;
});

const files = {
  'tocsin.yaml': `
sources:
  records:
    token: log-secret
    detect:
      - name: failed logins
        where: record.event == "login" && record.ok == false
        by: [record.user]
        count: { atLeast: 3, within: 5m }
        quiet: 1s
        severity: error
people: { alice: {}, bob: {} }
groups: { sre: [alice, bob] }
operators: [sre]
tokens:
  - { env: ALICE, person: alice }
`,
};

async function send(to: TestApp, body: string | Buffer, headers: Record<string, string> = {}) {
  const answer = await fetch(`${to.app.url}/events/records`, {
    method: 'POST',
    headers: { authorization: 'Bearer log-secret', ...headers },
    body,
  });
  return { status: answer.status, body: await answer.json() };
}

const login = (user: string, n = 0) => JSON.stringify({ event: 'login', user, ok: false, n });

test('a count over batches makes an alert with a thread, which is over when nothing matches any more', async () => {
  app = await startTestApp(files);
  const it = app;
  expect(await send(it, `${login('ann', 1)}\n${login('bob', 1)}\n`)).toEqual({
    status: 202,
    body: { records: 2, unreadable: 0, alerts: 0, duplicate: false },
  });
  expect((await send(it, `${login('ann', 2)}\n${login('ann', 3)}\n`)).body).toMatchObject({ alerts: 1 });
  const [alert] = await it.app.store.alerts({});
  expect(alert).toMatchObject({
    source: 'records',
    title: 'failed logins: ann',
    severity: 'error',
    labels: { rule: 'failed logins', user: 'ann' },
    annotations: { count: '3', evidence: `${login('ann', 1)}\n${login('ann', 2)}\n${login('ann', 3)}` },
  });
  const shown = await it.call('GET', `/api/v1/alerts/${alert?.id}/evidence`);
  expect(shown.status).toBe(200);
  expect(shown.body.map(({ place, record }: { place: number; record: string }) => [place, record])).toEqual([
    [1, login('ann', 1)],
    [1, login('ann', 2)],
    [2, login('ann', 3)],
  ]);
  expect((await it.call('GET', '/api/v1/alerts/alt_none/evidence')).status).toBe(404);
  expect((await it.call('GET', `/api/v1/alerts/${alert?.id}/evidence`, { as: null })).status).toBe(401);
  const thread = await it.until(async () => (await it.app.store.posts({ platform: 'console', thread: null }))[0]);
  expect(JSON.stringify(thread)).toContain('failed logins: ann');
  expect(JSON.stringify(thread)).toContain('3 records within 5m');
  // Something else comes, so the silence about ann is her own.
  await it.until(async () => {
    await send(it, login('bob', Math.random()));
    return (await it.app.store.alerts({ state: 'resolved' })).find(one => one.title === 'failed logins: ann');
  });
});

test('a client of the Splunk HTTP Event Collector finds its paths behind the address of the source', async () => {
  app = await startTestApp(files);
  const it = app;
  const address = `${it.app.url}/events/records/services/collector`;
  expect(await (await fetch(`${address}/health`)).json()).toEqual({ text: 'HEC is healthy', code: 17 });
  for (const path of ['', '/event', '/event/1.0']) {
    const post = (token: string) =>
      fetch(address + path, {
        method: 'POST',
        headers: { authorization: `Splunk ${token}` },
        body: `{"event":"${path}"}`,
      });
    const answer = await post('log-secret');
    expect([answer.status, await answer.json()]).toEqual([200, { text: 'Success', code: 0 }]);
    expect((await post('guessed')).status).toBe(401);
  }
  // Behind another source they are not there, and look as if there were no such source.
  const other = await fetch(`${it.app.url}/events/nothing/services/collector/event`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  });
  expect(other.status).toBe(401);
});

test('signs of life that would be taken for one are warned of', () => {
  const absent = [{ name: 'backup', absent: { for: '10m' } }];
  const warned = (given: object) =>
    records.warnings?.(records.options.parse({ token: 'x', detect: absent, ...given })).map(({ at }) => at);
  expect(warned({})).toEqual([['duplicates']]);
  for (const fine of [{ duplicates: 'count' }, { time: 'at' }, { format: 'logfmt' }, { detect: [] }])
    expect(warned(fine)).toEqual([]);
});

test('a rule with a mistake is refused with its place, and the nearest name', async () => {
  const wrong = files['tocsin.yaml']
    .replace('token: log-secret', 'token: log-secret\n    format: vpc-flow')
    .replace(/where: .*/, 'where: record.srcadr == "10.0.0.1"');
  await expect(startTestApp({ 'tocsin.yaml': wrong })).rejects.toThrow(/detect.0.where|record\.srcadr|srcaddr/);
});

test('what became of batches is on the page of the source', async () => {
  app = await startTestApp(files);
  const it = app;
  await send(it, `${login('ann', 1)}\n${login('bob', 1)}\n`);
  await send(it, login('eve'), { authorization: 'Bearer wrong' });
  const shown = await it.until(async () => {
    const { body } = await it.call('GET', '/api/v1/sources/records/deliveries');
    return body.length === 2 ? body : null;
  });
  const facts = shown.map(({ ring, outcome, records, code }: Record<string, unknown>) => [
    ring,
    outcome,
    records,
    code,
  ]);
  expect(new Set(facts)).toEqual(
    new Set([
      ['proven', 'accepted', 2, null],
      ['stranger', 'refused', null, 'bad-signature'],
    ]),
  );
});
