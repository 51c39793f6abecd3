import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { reachOf } from '../../../src/kernel/egress/address.ts';
import { createEgress, type EgressParts } from '../../../src/kernel/egress/egress.ts';

type Handler = (request: IncomingMessage & { text: string }, response: ServerResponse) => void;
const servers: Server[] = [];
const egresses: { close(): Promise<void> }[] = [];

/** A server on loopback that remembers what it was asked. */
async function serve(handler: Handler) {
  const seen: { url: string; method: string; headers: IncomingMessage['headers']; text: string }[] = [];
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part);
    const text = Buffer.concat(parts).toString();
    seen.push({ url: request.url ?? '', method: request.method ?? '', headers: request.headers, text });
    handler(Object.assign(request, { text }), response);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  servers.push(server);
  return { port: (server.address() as AddressInfo).port, seen };
}

afterEach(async () => {
  await Promise.all(egresses.splice(0).map(egress => egress.close()));
});
afterAll(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

/** Names of the tests; all that are `private` lead to loopback. */
const names: Record<string, string[]> = {
  'inside.example': ['127.0.0.1'],
  'other.example': ['127.0.0.1'],
  'allowed.example': ['93.184.215.14'],
  'rebind.example': ['127.0.0.1'],
  'mixed.example': ['93.184.215.14', '10.0.0.1'],
  'meta.example': ['169.254.169.254'],
  'empty.example': [],
};

function open(parts: Partial<EgressParts> = {}) {
  const asked: string[] = [];
  const egress = createEgress({
    allow: [],
    private: ['inside.example', 'other.example', '127.0.0.1'],
    async lookup(host) {
      asked.push(host);
      const found = names[host];
      if (found === undefined) throw Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: 'ENOTFOUND' });
      return found.map(address => ({ address, family: address.includes(':') ? 6 : 4 }));
    },
    ...parts,
  });
  egresses.push(egress);
  return { fetch: egress.fetch, asked };
}

describe('what is refused', () => {
  const urls = readFileSync(new URL('../../fixtures/hostile/ssrf-urls.txt', import.meta.url), 'utf8')
    .trim()
    .split('\n');
  it.each(urls)('%s', async url => {
    // Even to somebody who allows every name that these use, and private ones of another name.
    const allow = [
      'allowed.example:80',
      'allowed.example:443',
      'rebind.example',
      'mixed.example',
      'localhost',
      '*.good.example',
    ];
    const { fetch } = open({
      allow: [...allow, '0.0.0.0', '127.0.0.1', '169.254.169.254', '[::1]'],
      private: ['inside.example'],
    });
    await expect(fetch(url)).rejects.toMatchObject({ code: expect.stringMatching(/^egress-(refused|failed)$/) });
    const refusal = await fetch(url).catch(error => error);
    // Names that do not exist fail at the lookup; nothing else gets that far.
    if (refusal.code === 'egress-failed') expect(url).toMatch(/localhost/i);
    expect(JSON.stringify(refusal)).not.toContain('secret');
  });

  it('everything by default', async () => {
    const { fetch, asked } = open({ private: [] });
    await expect(fetch('https://allowed.example/')).rejects.toMatchObject({ code: 'egress-refused' });
    expect(asked).toEqual([]);
  });

  it('a private address under an allowed name, and a metadata address under a private one', async () => {
    const { fetch } = open({ allow: ['rebind.example'], private: ['meta.example'] });
    await expect(fetch('http://rebind.example/')).rejects.toThrow(/private or loopback/);
    await expect(fetch('http://meta.example/')).rejects.toThrow(/metadata/);
  });

  it('another port than the one that is named', async () => {
    const server = await serve((_, response) => response.end('ok'));
    const { fetch } = open({ private: [`inside.example:${server.port}`] });
    await expect(fetch('http://inside.example:1/')).rejects.toMatchObject({ code: 'egress-refused' });
    expect(await (await fetch(`http://inside.example:${server.port}/`)).text()).toBe('ok');
  });

  it('subdomains only of what is named, and not the name itself', async () => {
    const { fetch } = open({ allow: ['*.example.com'] });
    for (const url of ['http://example.com/', 'http://evilexample.com/', 'http://example.com.evil.example/']) {
      await expect(fetch(url)).rejects.toMatchObject({ code: 'egress-refused' });
    }
    await expect(fetch('http://a.b.example.com/')).rejects.toMatchObject({ code: 'egress-failed' });
  });
});

describe('what is allowed', () => {
  it('gets an answer, by name and by address', async () => {
    const server = await serve((_, response) => response.writeHead(201, { 'x-one': '1' }).end('hello'));
    const { fetch, asked } = open();
    for (const host of ['inside.example', '127.0.0.1', 'INSIDE.example.', '127.1']) {
      const answer = await fetch(`http://${host}:${server.port}/path?q=1`);
      expect([answer.status, answer.headers.get('x-one'), await answer.text()]).toEqual([201, '1', 'hello']);
    }
    expect(new Set(asked)).toEqual(new Set(['inside.example']));
    expect(server.seen.every(request => request.url === '/path?q=1')).toBe(true);
  });

  it('is looked up once: what was checked is what is connected to', async () => {
    const server = await serve((_, response) => response.end('ok'));
    let lookups = 0;
    const { fetch } = open({
      // The second answer would lead elsewhere.
      lookup: async () => [{ address: lookups++ === 0 ? '127.0.0.1' : '169.254.169.254', family: 4 }],
    });
    expect(await (await fetch(`http://inside.example:${server.port}/`)).text()).toBe('ok');
    expect(lookups).toBe(1);
  });

  it('passes method, headers and body on', async () => {
    const server = await serve((_, response) => response.end());
    const { fetch } = open();
    await fetch(`http://inside.example:${server.port}/`, {
      method: 'POST',
      headers: { authorization: 'Bearer x' },
      body: '{"a":1}',
    });
    await fetch(new Request(`http://inside.example:${server.port}/`, { method: 'PUT', headers: { 'x-a': 'b' } }));
    expect(server.seen).toMatchObject([
      { method: 'POST', text: '{"a":1}', headers: { authorization: 'Bearer x' } },
      { method: 'PUT', headers: { 'x-a': 'b' } },
    ]);
  });
});

describe('redirects', () => {
  const chain = (target: (port: number) => string, status = 302) => {
    let port = 0;
    return serve((request, response) => {
      if (request.url === '/end') response.end(`end ${request.method}`);
      else response.writeHead(status, { location: target(port) }).end('see there');
    }).then(server => {
      port = server.port;
      return server;
    });
  };

  it('are followed, three at most', async () => {
    const server = await serve((request, response) => {
      const left = Number(request.url?.slice(1));
      if (left === 0) response.end('there');
      else response.writeHead(302, { location: `/${left - 1}` }).end();
    });
    const { fetch } = open();
    expect(await (await fetch(`http://inside.example:${server.port}/3`)).text()).toBe('there');
    await expect(fetch(`http://inside.example:${server.port}/4`)).rejects.toThrow(/more than 3/);
  });

  it.each([
    'http://169.254.169.254/',
    'http://[::ffff:10.0.0.1]/',
    'http://rebind.example/',
    'file:///etc/passwd',
    'http://u:p@inside.example/',
    'http://%/',
  ])('to %s are refused', async location => {
    const server = await chain(() => location);
    await expect(open().fetch(`http://inside.example:${server.port}/`)).rejects.toMatchObject({
      code: 'egress-refused',
    });
  });

  it('take no credential to another origin', async () => {
    const elsewhere = await serve((_, response) => response.end('ok'));
    const server = await serve((_, response) =>
      response.writeHead(302, { location: `http://other.example:${elsewhere.port}/end` }).end(),
    );
    await open().fetch(`http://inside.example:${server.port}/`, {
      headers: { authorization: 'Bearer s', cookie: 'a=b', 'x-api-key': 's', accept: 'text/plain' },
    });
    expect(server.seen[0]?.headers).toMatchObject({ authorization: 'Bearer s', 'x-api-key': 's' });
    expect(elsewhere.seen[0]?.headers).toMatchObject({ accept: 'text/plain' });
    for (const name of ['authorization', 'cookie', 'x-api-key'])
      expect(elsewhere.seen[0]?.headers).not.toHaveProperty(name);
  });

  it('keep them on the same origin, and the body with 307', async () => {
    const server = await chain(() => '/end', 307);
    await open().fetch(`http://inside.example:${server.port}/`, {
      method: 'POST',
      body: 'b',
      headers: { authorization: 's' },
    });
    expect(server.seen[1]).toMatchObject({ method: 'POST', text: 'b', headers: { authorization: 's' } });
  });

  it('make a GET without a body of a POST', async () => {
    const server = await chain(() => '/end', 303);
    const answer = await open().fetch(`http://inside.example:${server.port}/`, { method: 'POST', body: 'b' });
    expect(await answer.text()).toBe('end GET');
    expect(server.seen[1]?.text).toBe('');
  });

  it('take no body to another origin', async () => {
    const server = await chain(port => `http://other.example:${port}/end`, 307);
    await expect(open().fetch(`http://inside.example:${server.port}/`, { method: 'POST', body: 'b' })).rejects.toThrow(
      /body/,
    );
    expect(server.seen).toHaveLength(1);
  });

  it('are handed over when asked for by hand', async () => {
    const server = await chain(() => '/end');
    const answer = await open().fetch(`http://inside.example:${server.port}/`, { redirect: 'manual' });
    expect([answer.status, answer.headers.get('location')]).toEqual([302, '/end']);
  });
});

describe('limits', () => {
  it('end a body that is too long, packed or not', async () => {
    const big = Buffer.alloc(3 * 1024 * 1024, 'x');
    const server = await serve((request, response) => {
      if (request.url === '/gzip') response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(big));
      else response.end(big);
    });
    const { fetch } = open();
    for (const path of ['/', '/gzip']) {
      const answer = await fetch(`http://inside.example:${server.port}${path}`);
      await expect(answer.text()).rejects.toMatchObject({ code: 'response-too-large' });
    }
    const { fetch: roomy } = open({ maxBody: 4 * 1024 * 1024 });
    expect((await (await roomy(`http://inside.example:${server.port}/gzip`)).text()).length).toBe(big.length);
  });

  it('end with the signal and its reason, before and within the answer', async () => {
    const server = await serve((request, response) => {
      if (request.url === '/slow') response.writeHead(200).write('first');
    });
    const { fetch } = open();
    const reason = new Error('cancelled');
    await expect(fetch(`http://inside.example:${server.port}/`, { signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    );
    const stop = new AbortController();
    const pending = fetch(`http://inside.example:${server.port}/`, { signal: stop.signal });
    stop.abort(reason);
    await expect(pending).rejects.toBe(reason);
    const late = new AbortController();
    const answer = await fetch(`http://inside.example:${server.port}/slow`, { signal: late.signal });
    late.abort(reason);
    await expect(answer.text()).rejects.toBeDefined();
  });

  it('say what happened when nobody answers', async () => {
    const server = await serve(() => {});
    const { port } = server;
    await new Promise(resolve => servers.pop()?.close(resolve));
    await expect(open().fetch(`http://inside.example:${port}/`)).rejects.toMatchObject({
      code: 'egress-failed',
      message: expect.stringContaining('ECONNREFUSED'),
    });
    await expect(open({ allow: ['nowhere.example'] }).fetch('http://nowhere.example/')).rejects.toThrow(/ENOTFOUND/);
    await expect(open({ allow: ['empty.example'] }).fetch('http://empty.example/')).rejects.toThrow(/no address/);
  });
});

describe('reachOf', () => {
  it.each([
    ['8.8.8.8', 'public'],
    ['172.32.0.1', 'public'],
    ['2606:4700::1111', 'public'],
    ['64:ff9b::8.8.8.8', 'public'],
    ['::ffff:8.8.8.8', 'public'],
    ['2002:808:808::1', 'public'],
    ['::ffff:192.168.0.1', 'private'],
    ['fd12::1', 'private'],
    ['::1', 'private'],
    ['fe80::1%eth0', 'guarded'],
    ['::', 'guarded'],
    ['169.254.0.1', 'guarded'],
    ['nonsense', 'guarded'],
  ])('%s is %s', (address, reach) => expect(reachOf(address)).toBe(reach));
});
