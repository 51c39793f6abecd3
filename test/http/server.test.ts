import { connect } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { hostName, isLoopbackAddress } from '../../src/http/guards.ts';
import { openApi } from '../../src/http/openapi.ts';
import { createWorld, localKey, rawRequest, type World, withHost } from './setup.ts';

let world: World | undefined;
afterEach(async () => {
  await world?.close();
  world = undefined;
});

describe('Host', () => {
  test('a rebound name reaches no API and no page, and senders, probes and scrapers may use any name', async () => {
    world = await createWorld();
    const { port } = world;
    world.app.server.keepAliveTimeout = 1;
    const status = async (host: string, path: string) => (await withHost(port, host, `GET ${path}`)).status;
    for (const host of [
      'evil.example',
      `evil.example:${port}`,
      'localhost.evil.example',
      '127.0.0.1.evil.example',
      'a@127.0.0.1',
      '',
    ]) {
      expect(await status(host, '/api/v1/alerts'), host).toBe(421);
      expect(await status(host, '/'), host).toBe(421);
      expect(await status(host, '/readyz'), host).toBe(421);
      expect(await status(host, '/%65vents/../api/v1/alerts'), host).toBe(421);
    }
    for (const host of [
      'localhost',
      `localhost:${port}`,
      '127.0.0.1',
      `127.0.0.1:${port}`,
      '[::1]:80',
      'LOCALHOST',
      'tocsin.localhost',
      '127.0.0.1.',
    ]) {
      expect(await status(host, '/api/v1/alerts'), host).toBe(200);
    }
    // Pages of the console that are called like the address where a platform posts.
    for (const path of ['/channels/events', '/runbooks/events']) expect(await status('evil.example', path)).toBe(421);
    expect((await withHost(port, 'tocsin.example', 'POST /slack/events')).status).toBe(404);
    expect(await status('evil.example', '/healthz')).toBe(200);
    expect(await status('evil.example', '/metrics')).toBe(200);
  });

  test('the configured url is a name of ours; with tokens and no url any name is', async () => {
    world = await createWorld({ local: false, url: 'https://tocsin.example.com/' });
    expect((await withHost(world.port, 'tocsin.example.com', 'GET /openapi.json')).status).toBe(200);
    expect((await withHost(world.port, 'other.example.com', 'GET /openapi.json')).status).toBe(421);
    await world.close();
    world = await createWorld({ local: false });
    expect((await withHost(world.port, 'box.internal', 'GET /openapi.json')).status).toBe(200);
    expect((await withHost(world.port, 'box.internal', 'GET /api/v1/alerts')).status).toBe(401);
  });

  test('names are read as they are written', () => {
    expect(hostName('[::1]:8080')).toBe('::1');
    expect(hostName('Example.COM:1')).toBe('example.com');
    for (const bad of ['', 'a b', 'a:b', 'a/b', 'user@host', 'a:123456', '[::1', '[evil.example]'])
      expect(hostName(bad), bad).toBe(null);
    expect(['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1'].every(isLoopbackAddress)).toBe(true);
    expect(['128.0.0.1', '127.0.0.1.evil.example', '::2', '::ffff:10.0.0.1', '127'].some(isLoopbackAddress)).toBe(
      false,
    );
  });
});

describe('Origin', () => {
  test('no page of another site changes anything, also not through the door', async () => {
    world = await createWorld();
    const { url } = world;
    const send = (path: string, headers: Record<string, string>, method = 'POST') =>
      fetch(url + path, {
        method,
        headers: { authorization: `Bearer ${localKey}`, 'content-type': 'application/json', ...headers },
        body: '{}',
      });
    for (const origin of [
      'https://evil.example',
      'null',
      'http://127.0.0.1:1',
      url.replace('http:', 'https:').replace('127.0.0.1', 'localhost'),
    ]) {
      expect((await send('/api/v1/halt', { origin }, 'PUT')).status, origin).toBe(403);
      expect((await send('/events/alertmanager', { origin })).status, origin).toBe(403);
    }
    expect(
      (
        await withHost(world.port, 'evil.example:80', 'POST /events/alertmanager', {
          Origin: 'http://evil.example:80',
          'Content-Length': '0',
        })
      ).status,
    ).toBe(403);
    expect(world.received).toHaveLength(0);
    expect(world.acts).toHaveLength(0);
    expect((await send('/api/v1/halt', { origin: url }, 'PUT')).status).toBe(200);
    expect((await send('/events/alertmanager', { origin: url })).status).toBe(202);
  });

  test('nothing is shared across origins', async () => {
    world = await createWorld();
    const answer = await fetch(`${world.url}/api/v1/alerts`, { headers: { origin: 'https://evil.example' } });
    expect([...answer.headers.keys()].filter(name => name.startsWith('access-control'))).toEqual([]);
    const preflight = await fetch(`${world.url}/api/v1/halt`, {
      method: 'OPTIONS',
      headers: { origin: 'https://evil.example', 'access-control-request-method': 'PUT' },
    });
    expect(preflight.ok).toBe(false);
  });
});

describe('connections', () => {
  test('a slow sender is cut off: the times are set, and what is too slow or too long gets a JSON answer', async () => {
    world = await createWorld();
    const { app, port } = world;
    const { headersTimeout, requestTimeout, maxConnections } = app.server;
    expect(headersTimeout).toBeGreaterThan(0);
    expect(headersTimeout).toBeLessThanOrEqual(15_000);
    expect(requestTimeout).toBeGreaterThanOrEqual(headersTimeout);
    expect(requestTimeout).toBeLessThanOrEqual(60_000);
    expect(maxConnections).toBeGreaterThan(0);
    const long = await rawRequest(port, `GET /healthz HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`);
    expect(long).toMatch(/^HTTP\/1\.1 431 /);
    expect(await rawRequest(port, 'nonsense\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 [\s\S]*"code":"bad-request"/);
    expect(await rawRequest(port, 'GET /healthz HTTP/1.1\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
    const smuggled =
      'POST /events/alertmanager HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n';
    expect(await rawRequest(port, smuggled)).toMatch(/^HTTP\/1\.1 400 /);
  });

  test('a hundred silent connections keep nobody out', async () => {
    world = await createWorld();
    const { port, url } = world;
    const silent = Array.from({ length: 100 }, () => connect(port, '127.0.0.1'));
    for (const socket of silent)
      socket.on('error', () => {}).write('POST /events/alertmanager HTTP/1.1\r\nHost: x\r\nContent-Le');
    const answer = await fetch(`${url}/events/alertmanager`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    expect(answer.status).toBe(202);
    for (const socket of silent) socket.destroy();
  });
});

describe('health', () => {
  test('the process is up whatever its parts say; it is ready when it can accept events', async () => {
    world = await createWorld();
    const { url } = world;
    expect(await (await fetch(`${url}/healthz`)).json()).toEqual({ ok: true });
    const ready = await fetch(`${url}/readyz`);
    expect(ready.status).toBe(200);
    expect(await ready.json()).toMatchObject({
      ready: true,
      well: true,
      parts: { store: null },
      problems: [{ file: 'policy.yaml', line: 3 }],
    });
    world.health = { store: 'disk full', console: null };
    const ill = await fetch(`${url}/readyz`);
    expect(ill.status).toBe(503);
    expect(await ill.json()).toMatchObject({ ready: false, parts: { store: 'disk full' } });
    world.health = { store: null, 'chat slack': 'the token is wrong', redis: 'down' };
    const limping = await fetch(`${url}/readyz`);
    expect(limping.status).toBe(200);
    expect(await limping.json()).toMatchObject({ ready: true, well: false, parts: { redis: 'down' } });
    world.health = { store: null };
    world.draining = true;
    expect((await fetch(`${url}/readyz`)).status).toBe(503);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  test('a health check that fails itself is a part that is ill', async () => {
    world = await createWorld();
    world.parts.health = async () => {
      throw new Error('no answer');
    };
    const answer = await fetch(`${world.url}/readyz`);
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({ parts: { health: 'no answer' } });
  });

  test('metrics are in the naming of Prometheus and come from the store', async () => {
    world = await createWorld();
    const answer = await fetch(`${world.url}/metrics`);
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    const text = await answer.text();
    for (const line of text.split('\n').filter(line => line !== '' && !line.startsWith('#'))) {
      expect(line).toMatch(
        /^[a-z_]+(_total|_seconds|_bucket|_sum|_count|_head|_runs|_undelivered|_halted)?(\{.*\})? [-+0-9.eInfNa]+$/,
      );
    }
    expect(text).toContain('tocsin_journal_head 0');
    expect(text).toContain('tocsin_runs{state="waiting"} 0');
    expect(text).toContain('tocsin_posts_undelivered{platform="console"} 0');
    expect(text).toContain('# TYPE tocsin_events_accepted_total counter');
  });
});

describe('OpenAPI', () => {
  test('is served, and every reference in it resolves', async () => {
    world = await createWorld();
    const served = await (await fetch(`${world.url}/openapi.json`)).json();
    expect(served).toEqual(JSON.parse(JSON.stringify(openApi('0.0.0-test'))));
    const { components } = served as { components: { schemas: object } };
    const references = [...JSON.stringify(served).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)].map(
      found => found[1] ?? '',
    );
    expect(references.length).toBeGreaterThan(20);
    for (const name of references) expect(components.schemas).toHaveProperty(name);
    expect(JSON.stringify(served)).not.toContain('$defs');
  });

  test('names each address of the interface and no other', async () => {
    world = await createWorld();
    const document = openApi('1') as {
      paths: Record<string, Record<string, { operationId: string; responses: object }>>;
    };
    const listed = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map(method => `${method.toUpperCase()} ${path}`),
    );
    const contract = [
      'POST /events/{source}',
      'GET /api/v1/alerts',
      'GET /api/v1/alerts/{id}',
      'POST /api/v1/runs',
      'GET /api/v1/runs',
      'GET /api/v1/runs/{id}',
      'GET /api/v1/runs/{id}/output',
      'POST /api/v1/runs/{id}/cancel',
      'GET /api/v1/approvals',
      'POST /api/v1/approvals/{id}/votes',
      'PUT /api/v1/halt',
      'DELETE /api/v1/halt',
      'GET /api/v1/journal',
      'GET /healthz',
      'GET /readyz',
      'GET /metrics',
      'GET /openapi.json',
    ];
    expect(listed).toEqual(expect.arrayContaining(contract));
    const operations = Object.values(document.paths).flatMap(methods => Object.values(methods));
    expect(new Set(operations.map(one => one.operationId)).size).toBe(operations.length);
    for (const line of listed) {
      const [method = '', path = ''] = line.split(' ');
      expect(world.app.hasRoute({ method: method as 'GET', url: path.replace(/\{(\w+)\}/g, ':$1') }), line).toBe(true);
    }
  });
});

describe('a browser', () => {
  const browser = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';

  test('gets a page that says what was not found and leads home; every other caller gets JSON', async () => {
    world = await createWorld();
    const page = await fetch(`${world.url}/nothing/here?key=secret`, { headers: { accept: browser } });
    expect([page.status, page.headers.get('content-type')]).toEqual([404, 'text/html; charset=utf-8']);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(page.headers.get('cache-control')).toBe('no-store');
    const text = await page.text();
    expect(text).toMatch(/^<!doctype html>/);
    expect(text).toContain('<h1>Not found</h1>');
    expect(text).toContain('<code>GET /nothing/here</code>');
    expect(text).toContain('(<code>not-found</code>)');
    expect(text).toContain('<a href="/">');
    expect(text).toContain('/console/static/console.css');
    expect(text).not.toContain('secret');
    for (const [path, accept] of [
      ['/nothing/here', '*/*'],
      ['/nothing/here', 'application/json'],
      // Some programs name text/html without meaning it.
      ['/api/v1/nothing', browser],
      ['/api', browser],
      ['/events/nothing', browser],
      ['/gates/gat_nothing', browser],
    ] as const) {
      const answer = await fetch(world.url + path, { headers: { accept } });
      expect([path, answer.status, answer.headers.get('content-type')]).toEqual([
        path,
        404,
        'application/json; charset=utf-8',
      ]);
      expect(await answer.json()).toMatchObject({ error: { code: 'not-found' } });
    }
  });

  test('is shown an address as text, whatever stands in it', async () => {
    world = await createWorld();
    const hostile = '/<script>alert(1)</script>"\'&';
    const { status, text } = await withHost(world.port, '127.0.0.1', `GET ${hostile}`, { accept: browser });
    expect(status).toBe(404);
    expect(text).toContain('GET /&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;');
    expect(text).not.toContain('<script');
  });

  test('gets a page for every refusal, at a name that is not ours, from another site, and at an address that is none', async () => {
    world = await createWorld();
    const { port } = world;
    const ask = async (line: string, host = '127.0.0.1', headers: Record<string, string> = {}) => {
      const { status, text } = await withHost(port, host, line, { accept: browser, ...headers });
      return [status, /<h1>(.*?)<\/h1>/.exec(text)?.[1]];
    };
    expect(await ask('GET /', 'evil.example')).toEqual([421, 'Wrong address']);
    expect(await ask('POST /x', '127.0.0.1', { origin: 'http://evil.example' })).toEqual([403, 'Refused']);
    expect(await ask('GET /%zz')).toEqual([400, 'Not understood']);
  });
});
