import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Store } from '../../src/ports/store.ts';
import { basicConfig, startTestApp, type TestApp, tokens } from '../doubles/app.ts';

const image = `registry.example/checkout@sha256:${'0f1e2d3c4b5a6978'.repeat(4)}`;
const subject = { service: 'checkout', environment: 'production', image };
const files = {
  'tocsin.yaml': `${basicConfig}  - { env: OTHER, service: other }\n`,
  'gates.yaml': 'gates: { deploy: { ask: [ci], needs: [image] }, release: { ask: [other] } }\n',
  'policy.yaml': `
rules:
  - { name: staging, when: 'gate.subject.environment == "staging"', decide: auto }
  - { name: never, when: 'gate.subject.service == "legacy"', decide: deny }
  - { name: ask, decide: approve, by: sre, expires: 10m }
`,
};
const env = { OTHER: 'token-of-other' };
const apps: TestApp[] = [];
afterEach(async () => {
  for (const app of apps.splice(0)) await app.stop();
});
async function start(options: Parameters<typeof startTestApp>[1] = {}): Promise<TestApp> {
  const app = await startTestApp(files, { env, ...options });
  apps.push(app);
  return app;
}
const ask = (app: TestApp, of: object, key?: string, gate = 'deploy') =>
  app.call('POST', '/gates', {
    as: 'CI',
    body: { gate, subject: of },
    headers: key === undefined ? {} : { 'idempotency-key': key },
  });

describe('Idempotency-Key', () => {
  const legacy = { ...subject, service: 'legacy' };

  it('gives the same gate for the same subject, also a denied one, over a restart', async () => {
    const app = await start({ keep: true });
    const first = await ask(app, legacy, 'build-1');
    expect(first.body).toMatchObject({ verdict: 'deny' });
    expect((await ask(app, legacy, 'build-1')).body.id).toBe(first.body.id);
    const other = await ask(app, legacy, 'build-2');
    expect(other.body.id).not.toBe(first.body.id);
    expect((await ask(app, legacy)).body.id).not.toBe(first.body.id);
    await app.stop();
    apps.splice(0);
    const again = await start({ folder: app.folder });
    expect((await ask(again, legacy, 'build-1')).body.id).toBe(first.body.id);
    expect((await ask(again, legacy, 'build-2')).body.id).toBe(other.body.id);
  });

  it('is refused with another subject or gate, with a code of its own, and nothing is asked', async () => {
    const app = await start();
    await ask(app, legacy, 'build-1');
    for (const of of [subject, { ...legacy, change: 'CHG-1' }, { ...subject, environment: 'staging' }]) {
      expect(await ask(app, of, 'build-1')).toMatchObject({ status: 422, body: { error: { code: 'gate-key-used' } } });
    }
    expect(await app.app.store.documents('gate', {})).toHaveLength(1);
  });

  it('names a question that stands already, until it is denied and after', async () => {
    const app = await start();
    const { body: gate } = await ask(app, subject);
    expect((await ask(app, subject, 'build-1')).body.id).toBe(gate.id);
    await app.call('POST', `/api/v1/approvals/${gate.approval}/votes`, { body: { vote: 'deny', reason: 'no' } });
    expect((await ask(app, subject, 'build-1')).body).toMatchObject({ id: gate.id, verdict: 'deny' });
    expect((await ask(app, subject, 'build-2')).body).toMatchObject({ verdict: 'pending' });
  });

  it('is the caller’s own', async () => {
    const app = await start();
    const first = await ask(app, legacy, 'build-1');
    const headers = { authorization: 'Bearer token-of-other', 'idempotency-key': 'build-1' };
    const body = { gate: 'release', subject: legacy };
    const other = await app.call('POST', '/gates', { as: null, headers, body });
    expect(other.status).toBe(200);
    expect(other.body.id).not.toBe(first.body.id);
  });

  it('makes one question of many at once', async () => {
    const app = await start();
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(app, legacy, 'build-1')));
    expect(new Set(answers.map(one => one.body.id)).size).toBe(1);
  });

  it.each(['', 'a b', 'x'.repeat(256), 'ü'])('that is %j is refused', async key => {
    const app = await start();
    expect((await ask(app, legacy, encodeURI(key) === key ? key : 'a b')).status).toBe(400);
  });
});

describe('who reads a question', () => {
  it('are people and those who may ask its gate', async () => {
    const app = await start();
    const { body: gate } = await ask(app, subject);
    const get = (path: string, headers: Record<string, string>, as: string | null = null) =>
      app.call('GET', path, { as, headers });
    expect((await get(`/gates/${gate.id}`, {}, 'CI')).status).toBe(200);
    expect((await get(`/gates/${gate.id}`, {}, 'RITA')).status).toBe(200);
    const other = { authorization: 'Bearer token-of-other' };
    expect(await get(`/gates/${gate.id}`, other)).toMatchObject({
      status: 403,
      body: { error: { code: 'forbidden' } },
    });
    expect((await get(`/gates/${gate.id}?wait=45s`, other)).status).toBe(403);
    expect((await get(`/gates/${gate.id}`, {})).status).toBe(401);
    expect((await get('/gates/gat_0000000000', other)).status).toBe(404);
    expect((await get('/gates/gat_0000000000?wait=1s', {}, 'CI')).status).toBe(404);
    expect((await get('/api/v1/gates', {}, 'CI')).status).toBe(403);
    expect((await get('/api/v1/gates', {}, 'RITA')).body).toHaveLength(1);
  });

  it('are not asked to wait for longer than proxies do', async () => {
    const app = await start();
    const { body: gate } = await ask(app, subject);
    for (const wait of ['46s', '1h', '30', '', '-1s'])
      expect((await app.call('GET', `/gates/${gate.id}?wait=${wait}`)).status).toBe(400);
  });

  it('get JSON in a browser too, and a HEAD without a body', async () => {
    const app = await start();
    const { body: gate } = await ask(app, subject);
    const headers = { authorization: `Bearer ${tokens['CI']}`, accept: 'text/html,application/xhtml+xml' };
    const page = await fetch(`${app.app.url}/gates/${gate.id}`, { headers });
    expect(page.headers.get('content-type')).toMatch(/^application\/json/);
    const lost = await fetch(`${app.app.url}/gates/gat_0000000000`, { headers });
    expect([lost.status, lost.headers.get('content-type')]).toEqual([404, expect.stringMatching(/^application\/json/)]);
    const head = await fetch(`${app.app.url}/gates/${gate.id}`, { method: 'HEAD', headers });
    expect([head.status, await head.text()]).toEqual([200, '']);
  });

  it('send no more than a question', async () => {
    const app = await start();
    const huge = { ...subject, change: 'x'.repeat(300 * 1024) };
    expect((await ask(app, huge)).status).toBe(413);
    expect((await ask(app, { ...subject, change: 'x'.repeat(201) })).status).toBe(400);
    expect((await ask(app, { ...subject, service: 'a\u0000b' })).status).toBe(400);
  });
});

describe('a wait', () => {
  /** Everything that comes on the wire, until the end of the answer. */
  function raw(app: TestApp, path: string): { text: () => string; ended: Promise<string>; leave(): void } {
    const { hostname, port } = new URL(app.app.url);
    const socket = connect(Number(port), hostname);
    const parts: Buffer[] = [];
    const text = () => Buffer.concat(parts).toString();
    const ended = new Promise<string>((resolve, reject) => {
      socket.on('data', data => parts.push(data));
      socket.on('error', reject);
      socket.on('close', () => resolve(text()));
    });
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: ${hostname}\r\nAuthorization: Bearer ${tokens['CI']}\r\nConnection: close\r\n\r\n`,
    );
    return { text, ended, leave: () => socket.destroy() };
  }
  const body = (text: string) => {
    const [head = '', ...rest] = text.split('\r\n\r\n');
    const chunks = rest.join('\r\n\r\n').split('\r\n');
    return { head, body: chunks.filter((_, index) => index % 2 === 1).join('') };
  };

  it('sends one status, nothing but spaces, and the JSON', async () => {
    const app = await start();
    const { body: gate } = await ask(app, subject);
    const waiting = raw(app, `/gates/${gate.id}?wait=45s`);
    await app.until(async () => body(waiting.text()).body === ' ');
    await app.call('POST', `/api/v1/approvals/${gate.approval}/votes`, { body: { vote: 'approve' } });
    const text = await waiting.ended;
    expect(text.match(/HTTP\/1\.1 /g)).toHaveLength(1);
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(body(text).body).toMatch(/^ +\{.*\}$/);
    expect(JSON.parse(body(text).body)).toMatchObject({ id: gate.id, verdict: 'allow' });
  });

  it('ends with pending when its time is over', async () => {
    const app = await start();
    const { body: gate } = await ask(app, subject);
    const answer = await app.call('GET', `/gates/${gate.id}?wait=1s`, { as: 'CI' });
    expect(answer.body).toMatchObject({ id: gate.id, verdict: 'pending' });
  });

  it('ends with what was known last, and never with an allow, when the store fails meanwhile', async () => {
    let fails = false;
    const wrapStore = (store: Store): Store => ({
      ...store,
      document: (kind, id) => (fails ? Promise.reject(new Error('the disk is gone')) : store.document(kind, id)),
    });
    const app = await start({ wrapStore });
    const { body: gate } = await ask(app, subject);
    const waiting = raw(app, `/gates/${gate.id}?wait=2s`);
    await app.until(async () => body(waiting.text()).body === ' ');
    fails = true;
    expect(JSON.parse(body(await waiting.ended).body)).toMatchObject({ id: gate.id, verdict: 'pending' });
    fails = false;
  });

  it('of a client that leaves ends nothing else', async () => {
    const app = await start();
    const { body: gate } = await ask(app, subject);
    const [gone, stays] = [raw(app, `/gates/${gate.id}?wait=45s`), raw(app, `/gates/${gate.id}?wait=45s`)];
    await app.until(async () => body(gone.text()).body === ' ' && body(stays.text()).body === ' ');
    gone.leave();
    await app.call('POST', `/api/v1/approvals/${gate.approval}/votes`, { body: { vote: 'deny', reason: 'no' } });
    expect(JSON.parse(body(await stays.ended).body)).toMatchObject({ verdict: 'deny', state: 'denied' });
  });

  it('ends when the process drains', async () => {
    const app = await start();
    const { body: gate } = await ask(app, subject);
    const waiting = raw(app, `/gates/${gate.id}?wait=45s`);
    await app.until(async () => body(waiting.text()).body === ' ');
    apps.splice(0);
    const stopped = app.stop();
    expect(JSON.parse(body(await waiting.ended).body)).toMatchObject({ verdict: 'pending' });
    await stopped;
  });
});

describe('a halt', () => {
  it('denies what is asked, and what is approved while it lasts', async () => {
    const app = await start();
    const { body: gate } = await ask(app, subject);
    await app.call('PUT', '/api/v1/halt', { body: { reason: 'an incident' } });
    expect((await ask(app, { ...subject, environment: 'staging' })).body).toMatchObject({
      verdict: 'deny',
      rule: 'halt',
    });
    await app.call('POST', `/api/v1/approvals/${gate.approval}/votes`, { body: { vote: 'approve' } });
    const after = await app.call('GET', `/gates/${gate.id}`);
    expect(after.body.verdict).not.toBe('allow');
    expect(await app.app.store.documents('permit', { state: 'open' })).toEqual([]);
  });

  it('that comes between the decision and its commit lets nothing in', async () => {
    let once = true;
    const wrapStore = (store: Store): Store => ({
      ...store,
      async commit(change) {
        const asks = change.entries?.some(({ fact }) => fact.kind === 'gate.asked') === true;
        if (asks && once) {
          once = false;
          const doc = { by: 'alice', reason: 'an incident', at: Date.now() };
          await store.commit({ rows: [{ table: 'halt', doc }] });
        }
        return await store.commit(change);
      },
    });
    const app = await start({ wrapStore });
    expect((await ask(app, { ...subject, environment: 'staging' })).body).toMatchObject({
      verdict: 'deny',
      rule: 'halt',
    });
    expect(once).toBe(false);
  });
});
