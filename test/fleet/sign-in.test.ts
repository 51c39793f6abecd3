import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, request, type Server } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Fleet, type FleetNode, missingServers, startFleet, tokens, until } from './fleet.ts';

const rules = 'rules: [{ name: ask, decide: approve, by: sre }]\n';

describe.skipIf(missingServers() !== null)('a browser behind a load balancer', { timeout: 90_000 }, () => {
  let fleet: Fleet;
  let nodes: FleetNode[];
  let balancer: Balancer;
  beforeAll(async () => {
    fleet = await startFleet(() => ({ 'policy.yaml': rules, 'runbooks/.keep': '' }));
    nodes = await Promise.all([fleet.node(), fleet.node()]);
    balancer = await startBalancer(nodes.map(node => node.url));
  });
  afterAll(async () => {
    balancer.close();
    await fleet.close();
  });

  const cookieOf = (answer: Response) => (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
  const send = (path: string, form: Record<string, string>, cookie = '', at = balancer.url) =>
    fetch(at + path, {
      method: 'POST',
      body: new URLSearchParams(form),
      headers: { origin: at, 'sec-fetch-site': 'same-origin', cookie },
      redirect: 'manual',
    });
  const signIn = async (token: string, at?: string) => cookieOf(await send('/login', { token, to: '/' }, '', at));
  /** What each node says of the page. */
  const onEach = (cookie: string) =>
    Promise.all(
      nodes.map(async node => (await fetch(`${node.url}/runs`, { headers: { cookie }, redirect: 'manual' })).status),
    );
  const formToken = async (cookie: string) => {
    const page = await (await fetch(`${balancer.url}/runs`, { headers: { cookie } })).text();
    return /name="csrf" value="([^"]+)"/.exec(page)?.[1] ?? '';
  };
  const halt = JSON.stringify({ kind: 'halt', reason: 'try' });
  const halted = async () => (await fleet.postgres.ask('select * from halt', databaseOf(fleet))).length;

  test('signs in at one node, reads and presses at the others, and is who they are', async () => {
    const cookie = await signIn(tokens.ALICE);
    expect(await onEach(cookie)).toEqual([200, 200]);
    const csrf = await formToken(cookie);
    // The page came from one node; the press goes to the next.
    const before = balancer.served();
    const pressed = await send('/console/act', { act: halt, csrf }, cookie);
    expect([pressed.status, balancer.served() - before]).toEqual([200, 1]);
    expect(await halted()).toBe(1);
    const other = await signIn(tokens.BOB);
    expect((await send('/console/act', { act: halt, csrf }, other)).status).toBe(403);
    expect((await send('/console/act', { act: halt, csrf }, '')).status).toBe(403);
  });

  test('signs out at one node and is signed out at all, whoever kept the cookie', async () => {
    const [cookie, other] = [await signIn(tokens.ALICE), await signIn(tokens.ALICE)];
    const csrf = await formToken(cookie);
    expect((await send('/logout', { csrf }, cookie)).status).toBe(303);
    expect(await onEach(cookie)).toEqual([303, 303]);
    for (const _ of nodes) expect((await send('/console/act', { act: halt, csrf }, cookie)).status).toBe(403);
    expect(await onEach(other)).toEqual([200, 200]);
  });

  test('an open page gets nothing more after its person signed out at the other node', async () => {
    const cookie = await signIn(tokens.ALICE);
    const stream = await fetch(`${nodes[0]?.url}/console/stream?page=/runs&after=0`, { headers: { cookie } });
    expect(stream.status).toBe(200);
    const csrf = await formToken(cookie);
    await send('/logout', { csrf }, cookie);
    await nodes[1]?.alert({ word: 'news' });
    // The body ends only when the node ends it.
    await stream.text().catch(() => '');
    expect(await onEach(cookie)).toEqual([303, 303]);
  });

  test('stays signed in when the node that took the token is gone, and not when the token is', async () => {
    const first = nodes[0];
    const cookie = await signIn(tokens.BOB, first?.url);
    await first?.kill();
    nodes = [await fleet.node(), ...nodes.slice(1)];
    expect(await onEach(cookie)).toEqual([200, 200]);
    const path = join(fleet.folder, 'tocsin.yaml');
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.replace('  - { env: BOB, person: bob }\n', ''));
    await until(async () => (await onEach(cookie)).every(status => status === 303));
    expect(await onEach(await signIn(tokens.ALICE, nodes[1]?.url))).toEqual([200, 200]);
  });
});

function databaseOf(fleet: Fleet): string {
  return new URL(fleet.database).pathname.slice(1);
}

interface Balancer {
  url: string;
  /** How many requests it has passed on. */
  served(): number;
  close(): void;
}

/** Gives each request to the next node, with the Host that the browser sent. */
async function startBalancer(urls: readonly string[]): Promise<Balancer> {
  let served = 0;
  const server: Server = createServer((incoming, answer) => {
    const target = urls[served % urls.length] ?? '';
    served += 1;
    const { method, headers } = incoming;
    const onward = request(new URL(incoming.url ?? '/', target), { method: method ?? 'GET', headers }, back => {
      answer.writeHead(back.statusCode ?? 502, back.headers);
      back.pipe(answer);
    });
    onward.on('error', () => answer.destroy());
    incoming.pipe(onward);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    served: () => served,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
