import type { FastifyRequest } from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { checkHostAndOrigin, hostName, isLoopbackAddress, isLoopbackName } from '../../src/http/guards.ts';
import type { HttpParts } from '../../src/http/parts.ts';
import { isCode } from '../../src/kernel/errors.ts';
import { createWorld, localKey, type World } from './setup.ts';

interface Given {
  method?: string;
  path?: string;
  url?: string;
  localKey?: string | null;
  baseUrl?: string;
}

/** The code of the refusal with what is said to have been given; null when the request passes. */
function refusal(headers: Record<string, string>, given: Given = {}): [string, string | undefined] | null {
  const { method = 'POST', path = '/api/v1/halt', url, baseUrl = 'http://127.0.0.1:8080' } = given;
  const parts = {
    catalogue: { current: () => ({ config: url === undefined ? {} : { url } }) },
    host: { baseUrl: () => baseUrl, localKey: given.localKey === undefined ? 'a key' : given.localKey },
  } as unknown as HttpParts;
  try {
    checkHostAndOrigin({ method, headers } as unknown as FastifyRequest, path, parts);
    return null;
  } catch (error) {
    if (isCode(error, 'wrong-host') || isCode(error, 'wrong-origin')) return [error.code, error.given];
    throw error;
  }
}

const ours = { host: '127.0.0.1:8080' };

describe('a request that names no origin', () => {
  const paths = ['/api/v1/halt', '/events/alertmanager', '/slack/events', '/gates', '/'];
  it.each(paths.flatMap(path => ['cross-site', 'same-site', '', 'anything'].map(site => [path, site])))(
    '%s, of a browser that says %j, is refused whatever the method',
    (path, site) => {
      for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])
        expect(refusal({ ...ours, 'sec-fetch-site': site }, { path, method })).toEqual(['wrong-origin', undefined]);
    },
  );

  it.each(paths)('%s passes when it is of our own page, was typed, or comes from a program', path => {
    for (const site of ['same-origin', 'none'])
      expect(refusal({ ...ours, 'sec-fetch-site': site }, { path })).toBeNull();
    expect(refusal(ours, { path })).toBeNull();
  });

  it('passes whatever it says when it only reads', () => {
    for (const method of ['GET', 'HEAD']) {
      expect(refusal({ ...ours, 'sec-fetch-site': 'cross-site' }, { method })).toBeNull();
      expect(refusal({ ...ours, origin: 'https://evil.example' }, { method })).toBeNull();
    }
  });
});

describe('a request that names its origin', () => {
  it('is believed in that, whatever else the browser says of it', () => {
    expect(refusal({ ...ours, origin: 'http://127.0.0.1:8080', 'sec-fetch-site': 'cross-site' })).toBeNull();
    expect(refusal({ ...ours, origin: 'https://evil.example', 'sec-fetch-site': 'same-origin' })).toEqual([
      'wrong-origin',
      'https://evil.example',
    ]);
  });

  it.each([
    ['another port', 'http://127.0.0.1:8081'],
    ['another name of the same address', 'http://localhost:8080'],
    ['none that is one', 'null'],
    ['an empty one', ''],
    ['another site', 'https://evil.example'],
    ['a name in it', 'http://127.0.0.1:8080.evil.example'],
    ['no text of a URL', '127.0.0.1:8080 '],
  ])('%s is refused', (_, origin) => {
    expect(refusal({ ...ours, origin })?.[0]).toBe('wrong-origin');
  });

  it('our own passes by the Host that it was sent to, in any letters', () => {
    expect(refusal({ host: 'LOCALHOST:8080', origin: 'http://localhost:8080' })).toBeNull();
    expect(refusal({ host: 'localhost', origin: 'https://localhost' })).toBeNull();
  });

  it('the configured url passes behind a proxy that sends another Host; its scheme and port count', () => {
    const url = 'https://tocsin.example.com/console/';
    const from = (origin: string) => refusal({ ...ours, origin }, { url });
    expect(from('https://tocsin.example.com')).toBeNull();
    expect(from('http://tocsin.example.com')).not.toBeNull();
    expect(from('https://tocsin.example.com:8443')).not.toBeNull();
    expect(from('https://example.com')).not.toBeNull();
  });

  it('is refused where no Host is named that it could be of', () => {
    expect(refusal({ origin: 'http://localhost' }, { path: '/events/am' })?.[0]).toBe('wrong-origin');
  });

  it('a foreign name does not become ours by being the Host as well', () => {
    const both = { host: 'evil.example', origin: 'http://evil.example' };
    expect(refusal(both, { path: '/events/am' })?.[0]).toBe('wrong-origin');
    expect(refusal(both, { path: '/api/v1/halt' })).toEqual(['wrong-host', 'evil.example']);
    // Where tokens guard everything and no url is configured, any name may be ours.
    expect(refusal(both, { localKey: null })).toBeNull();
    expect(refusal(both, { localKey: null, url: 'https://tocsin.example' })?.[0]).toBe('wrong-host');
  });
});

describe('a Host', () => {
  it('that is missing or long is named as it is, and cut', () => {
    expect(refusal({})).toEqual(['wrong-host', 'none']);
    expect(refusal({ host: `${'a'.repeat(95)}.evil` })?.[1]).toBe(`${'a'.repeat(95)}.evil`);
    expect(refusal({ host: `${'a'.repeat(96)}.evil` })?.[1]).toBe(`${'a'.repeat(96)}.evi…`);
    expect(refusal({ ...ours, origin: `https://${'a'.repeat(200)}` })?.[1]).toHaveLength(101);
  });

  it.each([
    ['127.0.0.1', true],
    ['10.1.2.3:80', true],
    ['[2001:db8::1]:8080', true],
    ['localhost', true],
    ['a.localhost', true],
    ['localhost.', true],
    ['box.internal:8080', true],
    ['tocsin.example', true],
    ['notlocalhost', false],
    ['localhost.evil.example', false],
    ['evil.example', false],
    ['example', false],
  ])('%s is ours: %s', (host, is) => {
    const given = { url: 'https://tocsin.example/', baseUrl: 'http://box.internal:8080', method: 'GET' };
    expect(refusal({ host }, given)?.[0] ?? null).toBe(is ? null : 'wrong-host');
  });

  it.each([
    ['GET', '/events/am', true],
    ['POST', '/events/am', true],
    ['GET', '/healthz', true],
    ['GET', '/metrics', true],
    ['POST', '/slack/events', true],
    ['POST', '/my-chat-2/events', true],
    ['GET', '/slack/events', false],
    ['POST', '/slack/events/', false],
    ['POST', '/a/slack/events', false],
    ['POST', '/Slack/events', false],
    ['GET', '/events', false],
    ['GET', '/api/events/am', false],
    ['GET', '/healthz/', false],
    ['GET', '/metricsx', false],
    ['GET', '/readyz', false],
    ['GET', '/', false],
  ])('may be any for %s %s: %s', (method, path, any) => {
    expect(refusal({ host: 'evil.example' }, { method, path })?.[0] ?? null).toBe(any ? null : 'wrong-host');
  });
});

describe('names', () => {
  it('are read as they are written', () => {
    const names: [string, string | null][] = [
      ['[::1]:8080', '::1'],
      ['[::FFFF:1.2.3.4]', '::ffff:1.2.3.4'],
      ['Example.COM:1', 'example.com'],
      ['example.com.', 'example.com'],
      ['a_b-c.d:65535', 'a_b-c.d'],
      ['a:12345', 'a'],
      ...['', 'a b', 'a:b', 'a:', 'a/b', 'u@host', 'a:123456', '[::1', '[evil]', ' a', 'a ', 'a\n', '::1'].map(
        bad => [bad, null] as [string, null],
      ),
    ];
    for (const [host, name] of names) expect(hostName(host), host).toBe(name);
  });

  it('of loopback are known, and no others', () => {
    for (const name of ['localhost', 'x.localhost', '127.0.0.1', '127.255.255.255', '::1', '::FFFF:127.0.0.1'])
      expect(isLoopbackName(name), name).toBe(true);
    for (const name of [
      'xlocalhost',
      'localhost.x',
      '128.0.0.1',
      '126.255.255.255',
      '127.1',
      '::',
      '::11',
      '127.0.0.1.x',
    ])
      expect(isLoopbackName(name), name).toBe(false);
    for (const name of ['::1', '127.0.0.1', '::ffff:127.9.9.9']) expect(isLoopbackAddress(name), name).toBe(true);
    for (const name of ['localhost', '::ffff:10.0.0.1', '1::ffff:127.0.0.1', '127.0.0::ffff:.1', '127.0.0.256'])
      expect(isLoopbackAddress(name), name).toBe(false);
  });
});

let world: World | undefined;
afterEach(async () => {
  await world?.close();
  world = undefined;
});

it('the door and the API refuse what a browser sends for another page without its origin, and take the rest', async () => {
  world = await createWorld();
  const { url } = world;
  // fetch() lets nobody set this header, so that no page can: a proxy or an old browser leaves Origin out.
  const { request } = await import('undici');
  const send = async (path: string, method: 'POST' | 'PUT', site?: string) => {
    const headers = { authorization: `Bearer ${localKey}`, 'content-type': 'application/json' };
    const more = site === undefined ? {} : { 'sec-fetch-site': site };
    const answer = await request(url + path, { method, headers: { ...headers, ...more }, body: '{"reason":"x"}' });
    return [answer.statusCode, ((await answer.body.json()) as { error?: { code: string } }).error?.code];
  };
  for (const site of ['cross-site', 'same-site']) {
    expect(await send('/events/alertmanager', 'POST', site)).toEqual([403, 'wrong-origin']);
    expect(await send('/api/v1/halt', 'PUT', site)).toEqual([403, 'wrong-origin']);
  }
  expect([world.received, world.acts]).toEqual([[], []]);
  for (const site of ['same-origin', 'none', undefined]) {
    expect((await send('/events/alertmanager', 'POST', site))[0]).toBe(202);
    expect((await send('/api/v1/halt', 'PUT', site))[0]).toBe(200);
  }
});
