import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { fetchWithMark, permitOfRun } from '../../../src/flow/run/permit.ts';
import { createEgress } from '../../../src/kernel/egress/egress.ts';
import { sampleRun } from '../../contracts/samples.ts';
import { startTestApp, type TestApp } from '../../doubles/app.ts';

const mark = `tocsin-${'0a1b2c3d'.repeat(4)}`;
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** A server that notes what came, and leads on to this address. */
async function serve(location: string | null = null) {
  const seen: IncomingHttpHeaders[] = [];
  const server: Server = createServer((request, response) => {
    seen.push(request.headers);
    const isOn = location !== null && request.url !== '/end';
    response.writeHead(isOn ? 307 : 200, isOn ? { location } : {}).end('ok');
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  ends.push(() => new Promise(resolve => server.close(resolve)));
  return { seen, port: (server.address() as AddressInfo).port };
}

function sender(hosts: readonly string[]): typeof fetch {
  const inside = ['inside.example', 'other.example'];
  const lookup = async () => [{ address: '127.0.0.1', family: 4 }];
  const egress = createEgress({ allow: [], private: inside, lookup });
  ends.push(() => egress.close());
  return fetchWithMark(egress.fetch, mark, () => hosts);
}

describe('the mark of a run on its requests', () => {
  it('goes to the hosts of permitHeader and to no other', async () => {
    const server = await serve();
    const send = sender(['inside.*']);
    await send(`http://inside.example:${server.port}/`, { headers: { accept: 'text/plain' } });
    await send(new Request(`http://other.example:${server.port}/`));
    await send(new URL(`http://other.example:${server.port}/?inside.example`));
    await sender([])(`http://inside.example:${server.port}/`);
    expect(server.seen.map(headers => headers['tocsin-permit'])).toEqual([mark, undefined, undefined, undefined]);
    expect(server.seen[0]?.accept).toBe('text/plain');
  });

  it('is not taken to another origin by a redirect, also when that host may have it', async () => {
    const elsewhere = await serve();
    const first = await serve(`http://other.example:${elsewhere.port}/end`);
    await sender(['*'])(`http://inside.example:${first.port}/`);
    expect(first.seen[0]?.['tocsin-permit']).toBe(mark);
    expect(elsewhere.seen).toHaveLength(1);
    expect(elsewhere.seen[0]).not.toHaveProperty('tocsin-permit');
    // Another port of the same host is another origin too.
    const aside = await serve(`http://inside.example:${elsewhere.port}/end`);
    await sender(['*'])(`http://inside.example:${aside.port}/`);
    expect(elsewhere.seen[1]).not.toHaveProperty('tocsin-permit');
  });

  it('goes along on the same origin', async () => {
    const server = await serve('/end');
    await sender(['inside.example'])(`http://inside.example:${server.port}/`);
    expect(server.seen.map(headers => headers['tocsin-permit'])).toEqual([mark, mark]);
  });
});

describe('the mark of a run that is resumed', () => {
  const apps: TestApp[] = [];
  afterEach(async () => {
    for (const app of apps.splice(0)) await app.stop();
  });

  it('is the one with which it began, after a restart between two steps', { timeout: 60_000 }, async () => {
    const server = await serve();
    const files = {
      'tocsin.yaml': `people: { alice: {} }
operators: [alice]
tokens: [{ env: ALICE, person: alice }]
egress: { private: ["127.0.0.1"] }
`,
      'policy.yaml': 'rules: [{ name: fine, decide: auto }]',
      'runbooks/two.yaml': `
title: Two steps
risk: low
steps:
  - { id: one, http: { url: "http://127.0.0.1:${server.port}/one" } }
  - { id: pause, wait: 3s }
  - { id: two, http: { url: "http://127.0.0.1:${server.port}/two" } }
`,
    };
    const first = await startTestApp(files, { keep: true });
    const { body } = await first.call('POST', '/api/v1/runs', { body: { runbook: 'two', params: {} } });
    const id = body.id ?? body.run;
    await first.until(async () => (await first.app.store.run(id))?.state === 'waiting');
    await first.app.stop('killed');
    const second = await startTestApp(files, { folder: first.folder });
    apps.push(second);
    expect((await second.ended(id)).state).toBe('succeeded');
    const marks = server.seen.map(headers => headers['tocsin-permit']);
    expect(marks[0]).toMatch(/^tocsin-[0-9a-f]{32}$/);
    expect(marks).toEqual([marks[0], marks[0]]);
    expect(await second.app.store.documents('permit', {})).toHaveLength(1);
  });

  it('is none where a run began before runs had permits, and a new one for each that begins', async () => {
    const store = { document: async () => null };
    expect(await permitOfRun(sampleRun({ startedAt: 1 }), store)).toEqual({ mark: null, issue: null });
    const [one, two] = [
      await permitOfRun(sampleRun({ startedAt: null }), store),
      await permitOfRun(sampleRun({ startedAt: null }), store),
    ];
    expect(one.mark).not.toBe(two.mark);
  });
});
