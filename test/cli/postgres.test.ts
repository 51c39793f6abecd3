import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import postgres from '../../src/stores/postgres/index.ts';
import { sampleEntry } from '../contracts/samples.ts';
import { freePort } from '../real/free-port.ts';
import { missingPostgres, type Postgres, startPostgres } from '../real/postgres.ts';
import { startProxy, type TcpProxy } from '../real/proxy.ts';
import { delivery, endAll, ready, start, until } from './process.ts';
import { cli } from './terminal.ts';

describe.skipIf(missingPostgres() !== null)('the process on PostgreSQL', () => {
  let server: Postgres;
  let proxy: TcpProxy;
  let folder: string;
  let listen: string;
  let url: string;

  beforeAll(async () => {
    server = await startPostgres({ fsync: 'off' });
  });
  afterAll(() => server.destroy());
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tocsin-fleet-'));
    await writeFile(join(folder, 'tocsin.yaml'), 'sources:\n  alertmanager: {}\n');
    listen = `127.0.0.1:${await freePort()}`;
    proxy = await startProxy({ port: server.port });
    url = (await server.database())
      .replace(`:${server.port}/`, `:${proxy.port}/`)
      .replace('tocsin@', 'tocsin:hunter2@');
  });
  afterEach(async () => {
    endAll();
    await proxy.close();
    await rm(folder, { recursive: true, force: true });
  });
  const begin = () => start(folder, { env: { DATABASE_URL: url, TOCSIN_LISTEN: listen } });
  const answer = (path: string, init?: RequestInit) => fetch(`http://${listen}${path}`, init).catch(() => null);
  const post = { method: 'POST', headers: { 'content-type': 'application/json' }, body: delivery };

  test('waits for a server that is not there, tells what it waits for, and starts when it answers', async () => {
    proxy.refuse(true);
    const tocsin = begin();
    await until(async () => (await answer('/readyz')) !== null);
    const waiting = await answer('/readyz');
    expect(waiting?.status).toBe(503);
    const store = expect.stringMatching(
      new RegExp(`The database server cannot be reached.*127.0.0.1:${proxy.port}`, 's'),
    );
    expect(await waiting?.json()).toMatchObject({ ready: false, parts: { store } });
    expect((await answer('/healthz'))?.status).toBe(200);
    const refused = await answer('/events/alertmanager', post);
    expect([refused?.status, refused?.headers.get('retry-after')]).toEqual([503, '5']);
    proxy.refuse(false);
    const { url: at } = await ready(tocsin);
    expect(at).toBe(`http://${listen}`);
    expect((await answer('/readyz'))?.status).toBe(200);
    expect((await answer('/events/alertmanager', post))?.status).toBe(202);
    expect(tocsin.err()).toContain('The database server cannot be reached.');
    tocsin.child.kill('SIGTERM');
    expect(await tocsin.ended).toBe(0);
    expect(tocsin.err() + tocsin.out()).not.toContain('hunter2');
  });

  test('stops in order while it waits', async () => {
    proxy.refuse(true);
    const tocsin = begin();
    await tocsin.prints('cannot be reached');
    tocsin.child.kill('SIGTERM');
    expect(await tocsin.ended).toBe(0);
  });

  test('refuses at once what no waiting helps', async () => {
    url = url.replace(/[^/]+$/, 'nothere');
    const tocsin = begin();
    expect(await tocsin.ended).toBe(1);
    expect(tocsin.err()).toContain('store-refused');
    expect(tocsin.err()).not.toContain('hunter2');
  });

  test('says on /readyz that the server went, answers 503, and goes on when it is back', async () => {
    const tocsin = begin();
    await ready(tocsin);
    proxy.refuse(true);
    proxy.cut();
    expect((await answer('/readyz'))?.status).toBe(503);
    const refused = await answer('/events/alertmanager', post);
    expect([refused?.status, refused?.headers.has('retry-after')]).toEqual([503, true]);
    proxy.refuse(false);
    await until(async () => (await answer('/readyz'))?.status === 200);
    expect((await answer('/events/alertmanager', post))?.status).toBe(202);
    expect(tocsin.child.exitCode).toBeNull();
    tocsin.child.kill('SIGTERM');
    expect(await tocsin.ended).toBe(0);
  });

  test('what was accepted is there after kill -9', async () => {
    const first = begin();
    await ready(first);
    const sent = await answer('/events/alertmanager', post);
    const { accepted } = (sent === null ? {} : await sent.json()) as { accepted: { alert: string }[] };
    first.child.kill('SIGKILL');
    await first.ended;
    await ready(begin());
    expect((await answer(`/api/v1/alerts/${accepted[0]?.alert}`))?.status).toBe(200);
  });

  test('the journal is verified without a running process', async () => {
    const store = await postgres.open({ folder: '', url, now: Date.now });
    await store.commit({ entries: [sampleEntry('a'), sampleEntry('b')] });
    const { seq, hash } = await store.head();
    await store.close();
    const result = await cli(['audit', 'verify'], {
      env: { DATABASE_URL: url, TOCSIN_LISTEN: listen, TOCSIN_DATA: folder },
    });
    expect(result).toMatchObject({ code: 0, out: `${seq}:${hash}` });
    expect(result.err).not.toContain('hunter2');
  });
});
