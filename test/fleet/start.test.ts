import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { endAll, start } from '../cli/process.ts';
import { freePort } from '../real/free-port.ts';
import { type Fleet, missingServers, startFleet, tokens, until } from './fleet.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tocsin-start-'));
  await writeFile(join(folder, 'tocsin.yaml'), 'people: { you: {} }\n');
});
afterEach(async () => {
  endAll();
  await rm(folder, { recursive: true, force: true });
});

describe('servers and roles that do not go together are refused', () => {
  const redis = 'redis://:hidden-word@127.0.0.1:1/0';
  test.each([
    ['REDIS_URL alone', { REDIS_URL: redis }, ['REDIS_URL', 'DATABASE_URL is not']],
    ['a role alone', { TOCSIN_ROLE: 'worker' }, ['--role', 'DATABASE_URL and REDIS_URL']],
    ['a role that is none', { TOCSIN_ROLE: 'boss' }, ['TOCSIN_ROLE', 'all, intake, worker, chat', 'boss']],
    ['an address that is none', { DATABASE_URL: 'mysql://u:hidden-word@h/d', REDIS_URL: redis }, ['DATABASE_URL']],
  ])('%s', async (_what, env, words) => {
    const process = start(folder, { env });
    expect(await process.ended).toBe(1);
    for (const word of words) expect(process.err()).toContain(word);
    expect(process.out() + process.err()).not.toContain('hidden-word');
  });

  test('--role is taken by npm start, and a wrong one named', async () => {
    const main = join(import.meta.dirname, '../../src/main.ts');
    const process = start(folder, { command: [globalThis.process.execPath, main, '--role', 'boss'] });
    await process.ended;
    expect(process.err()).toMatch(/--role[\s\S]*all, intake, worker, chat[\s\S]*boss/);
  });
});

describe.skipIf(missingServers() !== null)('servers that are not there', { timeout: 60_000 }, () => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await startFleet(() => ({}));
  });
  afterAll(() => fleet.close());

  test('a Redis that is down: events are accepted, /readyz says so, and it is found when it comes', async () => {
    await fleet.redis.kill();
    const address = `redis://:hidden-word@127.0.0.1:${fleet.redis.port}/0`;
    const node = await fleet.node('all', { REDIS_URL: fleet.redis.url });
    const secret = await fleet.node('all', { REDIS_URL: address });
    expect(await node.alert({})).toBe(202);
    for (const one of [node, secret]) {
      const ready = await one.call('GET', '/readyz');
      expect([ready.status, ready.body.parts.redis]).toEqual([200, expect.stringContaining('127.0.0.1')]);
      expect(JSON.stringify(ready.body) + one.process.err()).not.toContain('hidden-word');
    }
    await secret.stop();
    await fleet.redis.start();
    await until(async () => (await node.call('GET', '/readyz')).body.well === true);
    expect(await node.stop()).toBe(0);
  });

  test('a Redis that is something else, or may drop keys: start refuses', async () => {
    const wrong = fleet.redis.url.replace('redis:', 'http:');
    const process = start(fleet.folder, { env: { ...fleet.env, REDIS_URL: wrong } });
    expect(await process.ended).toBe(1);
    expect(process.err()).toContain('REDIS_URL');
    fleet.redis.cli('config', 'set', 'maxmemory-policy', 'allkeys-lru');
    const unfit = start(fleet.folder, { env: fleet.env });
    expect(await unfit.ended).toBe(1);
    expect(unfit.err()).toMatch(/redis-unfit[\s\S]*noeviction[\s\S]*allkeys-lru/);
    fleet.redis.cli('config', 'set', 'maxmemory-policy', 'noeviction');
  });

  test('a database that is down: /readyz says where it was looked for, and a signal ends the wait', async () => {
    const port = await freePort();
    const listen = await freePort();
    const env = {
      ...fleet.env,
      DATABASE_URL: `postgres://u:hidden-word@127.0.0.1:${port}/d`,
      TOCSIN_LISTEN: `127.0.0.1:${listen}`,
    };
    const process = start(fleet.folder, { env });
    const body = await until(async () => {
      const answer = await fetch(`http://127.0.0.1:${listen}/readyz`).catch(() => null);
      return answer?.status === 503 ? await answer.text() : null;
    });
    expect(body).toContain(`127.0.0.1:${port}`);
    process.child.kill('SIGTERM');
    expect(await process.ended).toBe(0);
    expect(body + process.err()).not.toContain('hidden-word');
  });
});

describe.skipIf(missingServers() !== null)('a database that goes away and comes back', { timeout: 60_000 }, () => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await startFleet(() => ({}));
  });
  afterAll(() => fleet.close());

  test('/readyz, the console and the log say why and what to do, once, and when it is back', async () => {
    const node = await fleet.node();
    const signedIn = await fetch(`${node.url}/login`, {
      method: 'POST',
      body: new URLSearchParams({ token: tokens.ALICE, to: '/' }),
      headers: { origin: node.url },
      redirect: 'manual',
    });
    const cookie = signedIn.headers.get('set-cookie')?.split(';')[0] ?? '';
    await fleet.postgres.halt('fast');
    const refused = `ECONNREFUSED 127.0.0.1:${fleet.postgres.port}`;
    const ready = await until(async () => {
      const answer = await node.call('GET', '/readyz');
      return JSON.stringify(answer.body).includes(refused) ? answer : null;
    });
    expect([ready.status, ready.body.ready]).toEqual([503, false]);
    expect(ready.body.parts.store).toMatch(/does not answer.*no restart is needed when it is back/);
    const part = await fetch(`${node.url}/runs`, { headers: { cookie, 'hx-request': 'true' } });
    expect([part.status, await part.text()]).toEqual([503, expect.stringContaining('no restart is needed')]);
    await node.process.prints('takes no heartbeat');
    await until(async () => node.process.err().includes('could not be renewed'));
    await fleet.postgres.resume();
    await node.process.prints('takes heartbeats of this node again');
    await until(async () => (await node.call('GET', '/readyz')).body.well === true);
    expect(node.process.err().match(/takes no heartbeat/g)).toHaveLength(1);
    expect(node.process.err()).not.toContain('a duty is tried again');
    expect(await node.stop()).toBe(0);
  });
});
