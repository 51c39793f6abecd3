import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createEgress, type EgressParts } from '../../../src/kernel/egress/egress.ts';

// One server on loopback for all of it. What a request of it is to get is in its path.
let server: Server;
let port = 0;
const seen: { method: string; url: string; host: string; headers: IncomingMessage['headers']; text: string }[] = [];
const egresses: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part);
    const { url = '', method = '', headers } = request;
    seen.push({ method, url, host: headers.host ?? '', headers, text: Buffer.concat(parts).toString() });
    const [, status, to] = /^\/to\/(\d+)\/(.*)$/.exec(url) ?? [];
    const [, only] = /^\/status\/(\d+)$/.exec(url) ?? [];
    const [, bytes] = /^\/bytes\/(\d+)$/.exec(url) ?? [];
    if (status !== undefined)
      response.writeHead(Number(status), { location: decodeURIComponent(to ?? '') }).end('see there');
    else if (only !== undefined) response.writeHead(Number(only), 'as asked', { 'x-a': 'b' }).end();
    else if (bytes !== undefined) response.end('x'.repeat(Number(bytes)));
    else response.end(`${method} ${url}`);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
beforeEach(() => void seen.splice(0));
afterEach(async () => {
  await Promise.all(egresses.splice(0).map(egress => egress.close()));
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

function open(parts: Partial<EgressParts> = {}, addresses: readonly string[] = ['127.0.0.1']) {
  const asked: string[] = [];
  const egress = createEgress({
    allow: [],
    private: ['inside.example', 'other.example'],
    async lookup(host) {
      asked.push(host);
      return addresses.map(address => ({ address, family: address.includes(':') ? 6 : 4 }));
    },
    ...parts,
  });
  egresses.push(egress);
  return { fetch: egress.fetch, asked };
}
const at = (path: string, host = 'inside.example') => `http://${host}:${port}${path}`;
const via = (status: number, to: string, host?: string) => at(`/to/${status}/${encodeURIComponent(to)}`, host);
const problem = (work: Promise<unknown>) =>
  work.then(
    () => null,
    error => error,
  );

describe('which host a rule names', () => {
  /** True when the request got as far as a look-up, so the host and port are allowed. */
  async function isAllowed(rule: string, url: string): Promise<boolean> {
    const { fetch } = open({ allow: [rule], private: [], lookup: async () => [] });
    const error = await problem(fetch(url));
    expect(error).toMatchObject({ code: expect.stringMatching(/^egress-(refused|failed)$/) });
    return error.code === 'egress-failed';
  }

  it.each<[rule: string, url: string, allowed: boolean]>([
    ['api.example', 'http://api.example/', true],
    ['api.example', 'https://api.example/', true],
    ['api.example', 'https://api.example:8443/', true],
    ['API.Example', 'http://api.example/', true],
    [' api.example ', 'http://api.example/', true],
    ['api.example.', 'http://api.example/', true],
    ['api.example', 'http://api.example./', true],
    ['api.example', 'http://API.EXAMPLE/', true],
    ['api.example', 'http://api.examples/', false],
    ['api.example', 'http://x.api.example/', false],
    ['api.example', 'http://xapi.example/', false],
    ['api.example', 'http://api.example.evil/', false],
    ['api.example:443', 'https://api.example/', true],
    ['api.example:443', 'https://api.example:443/', true],
    ['api.example:443', 'http://api.example/', false],
    ['api.example:443', 'http://api.example:443/', true],
    ['api.example:80', 'http://api.example/', true],
    ['api.example:80', 'https://api.example/', false],
    ['api.example:8080', 'http://api.example:8080/', true],
    ['api.example:8080', 'http://api.example:80/', false],
    ['*.example', 'http://api.example/', true],
    ['*.example', 'http://a.b.example/', true],
    ['*.example', 'http://example/', false],
    ['*.example', 'http://apiexample/', false],
    ['*.example:81', 'http://api.example:81/', true],
    ['*.example:81', 'http://api.example/', false],
    ['b\u00fccher.example', 'http://xn--bcher-kva.example/', true],
    ['xn--bcher-kva.example', 'http://b\u00fccher.example/', true],
    ['', 'http://api.example/', false],
  ])('%s and %s', async (rule, url, allowed) => {
    expect(await isAllowed(rule, url)).toBe(allowed);
  });

  it.each<[rule: string, url: string, refused: RegExp]>([
    ['127.0.0.1', 'http://127.0.0.1/', /lies in a private or loopback range/],
    ['127.0.0.1', 'http://127.1/', /lies in a private or loopback range/],
    ['::1', 'http://[::1]/', /lies in a private or loopback range/],
    ['[::1]', 'http://[::1]/', /lies in a private or loopback range/],
    ['0:0:0:0:0:0:0:1', 'http://[::1]:81/', /lies in a private or loopback range/],
    ['[::1]:80', 'http://[::1]:81/', /is not allowed/],
    ['fe80::1', 'http://[fe80::1]/', /lies in a link-local, metadata or reserved range/],
    ['fe80::1', 'http://[fe80::2]/', /is not allowed/],
  ])('%s and %s: an address that is allowed is no private one', async (rule, url, refused) => {
    const { fetch, asked } = open({ allow: [rule], private: [] });
    const error = await problem(fetch(url));
    expect(error).toMatchObject({ code: 'egress-refused', message: expect.stringMatching(refused) });
    expect(asked).toEqual([]);
  });
});

describe('what is refused before anything is looked up', () => {
  it.each<[url: string, message: string, given: string]>([
    ['ftp://inside.example/secret', 'Only http and https are spoken.', 'ftp://inside.example'],
    ['file:///etc/secret', 'Only http and https are spoken.', 'file:'],
    ['http://secret@inside.example/', 'A user or password in an address is not allowed', 'http://inside.example'],
    ['http://:secret@inside.example/', 'A user or password in an address is not allowed', 'http://inside.example'],
    ['http://else.example:81/secret?secret', 'else.example:81 is not allowed.', 'http://else.example:81'],
    ['https://else.example/secret', 'else.example:443 is not allowed.', 'https://else.example'],
    ['no address', 'This is not an address.', 'no address'],
    [`x${'y'.repeat(300)}`, 'This is not an address.', `x${'y'.repeat(199)}`],
  ])('%s', async (url, message, given) => {
    const { fetch, asked } = open();
    const error = await problem(fetch(url));
    expect(error).toMatchObject({ code: 'egress-refused', message: expect.stringContaining(message), given });
    expect(JSON.stringify(error)).not.toContain('/secret');
    expect([asked, seen]).toEqual([[], []]);
  });

  it('says what an address is', async () => {
    expect(await problem(open().fetch('x'))).toMatchObject({ allowed: 'http://... or https://...' });
  });
});

describe('where a name leads', () => {
  it.each<[addresses: string[], what: RegExp, allowed: string]>([
    [
      ['10.0.0.1'],
      /api\.example is 10\.0\.0\.1, which lies in a private or loopback range/,
      'hosts under egress.private',
    ],
    [['8.8.8.8', '127.0.0.1'], /api\.example is 127\.0\.0\.1, which lies/, 'hosts under egress.private'],
    [
      ['169.254.169.254'],
      /lies in a link-local, metadata or reserved range/,
      'addresses that egress.private names themselves',
    ],
    [['::ffff:10.0.0.1'], /private or loopback/, 'hosts under egress.private'],
  ])('%j is refused for a host that is only allowed', async (addresses, message, allowed) => {
    const { fetch } = open({ allow: ['api.example'], private: [] }, addresses);
    expect(await problem(fetch(at('/', 'api.example')))).toMatchObject({
      code: 'egress-refused',
      message: expect.stringMatching(message),
      allowed,
      given: `api.example:${port}`,
    });
    expect(seen).toEqual([]);
  });

  it('a guarded one is refused for a private host too, and is allowed where it is named itself, with its port', async () => {
    const { fetch } = open({ private: ['api.example'] }, ['169.254.169.254']);
    expect(await problem(fetch('http://api.example/'))).toMatchObject({ code: 'egress-refused' });
    // By its name it is looked up, so naming the address beside it changes nothing.
    const named = open({ private: ['api.example', '169.254.169.254'] }, ['169.254.169.254']);
    expect(await problem(named.fetch('http://api.example/'))).toMatchObject({ code: 'egress-refused' });
    const other = open({ private: ['169.254.169.254:81'] });
    expect(await problem(other.fetch('http://169.254.169.254:82/'))).toMatchObject({ code: 'egress-refused' });
  });

  it('a guarded one is reached where it is named itself under private, and by no other rule', async () => {
    // The address of no host, which is this machine here.
    const zero = at('/zero', '0.0.0.0');
    expect(await (await open({ private: ['0.0.0.0'] }).fetch(zero)).text()).toBe('GET /zero');
    for (const rules of [
      { allow: ['0.0.0.0'], private: [] },
      { allow: ['0.0.0.0'], private: ['*.example', '127.0.0.1', '0.0.0.0:1'] },
    ])
      expect(await problem(open(rules).fetch(zero))).toMatchObject({
        code: 'egress-refused',
        message: '0.0.0.0 lies in a link-local, metadata or reserved range.',
        given: `0.0.0.0:${port}`,
      });
    expect(await problem(open({ private: ['inside.example', '0.0.0.0'] }, ['0.0.0.0']).fetch(at('/')))).toMatchObject({
      message: 'inside.example is 0.0.0.0, which lies in a link-local, metadata or reserved range.',
    });
    expect(seen).toHaveLength(1);
  });

  it('a private one is reached by the port that is named, and by the address where that is', async () => {
    const { fetch } = open({ private: [`inside.example:${port}`, `127.0.0.1:${port}`] });
    for (const host of ['inside.example', '127.0.0.1'])
      expect(await (await fetch(at('/x', host))).text()).toBe('GET /x');
  });

  it('nowhere, or to a failure, is told with the host', async () => {
    expect(await problem(open({}, []).fetch(at('/')))).toMatchObject({
      code: 'egress-failed',
      message: 'inside.example has no address.',
      given: 'inside.example',
    });
    const lookup = async () => {
      throw new Error('the resolver is down');
    };
    expect(await problem(open({ lookup }).fetch(at('/secret?secret')))).toMatchObject({
      code: 'egress-failed',
      message: `inside.example:${port} did not answer: the resolver is down`,
      given: `http://inside.example:${port}`,
    });
    const odd = async () => Promise.reject('a text');
    expect(await problem(open({ lookup: odd }).fetch(at('/')))).toMatchObject({
      code: 'egress-failed',
      message: expect.stringContaining('a text'),
    });
  });
});

describe('a redirect', () => {
  type Sent = [method: string, text: string];
  const texts = () => seen.map((one): Sent => [one.method, one.text]);

  it.each<[status: number, method: string, second: Sent]>([
    [301, 'POST', ['GET', '']],
    [302, 'POST', ['GET', '']],
    [303, 'POST', ['GET', '']],
    [307, 'POST', ['POST', 'b']],
    [308, 'POST', ['POST', 'b']],
    [301, 'PUT', ['PUT', 'b']],
    [302, 'PATCH', ['PATCH', 'b']],
    [303, 'PUT', ['GET', '']],
    [308, 'DELETE', ['DELETE', 'b']],
  ])('%i of a %s', async (status, method, second) => {
    const answer = await open().fetch(via(status, '/end'), {
      method,
      body: 'b',
      headers: { 'content-type': 'x/y', 'content-language': 'en', 'x-key': 'k' },
    });
    expect(answer.status).toBe(200);
    expect(texts()).toEqual([[method, 'b'], second]);
    const kept = second[1] === '' ? undefined : 'x/y';
    expect(seen[1]?.headers['content-type']).toBe(kept);
    expect(seen[1]?.headers['content-language']).toBe(kept === undefined ? undefined : 'en');
    expect(seen[1]?.headers['x-key']).toBe('k');
  });

  it.each([301, 302, 303, 307, 308])('%i of a HEAD and of a GET stays what it is', async status => {
    const { fetch } = open();
    await fetch(via(status, '/end'), { method: 'HEAD' });
    await fetch(via(status, '/end'));
    expect(seen.map(one => one.method)).toEqual(['HEAD', 'HEAD', 'GET', 'GET']);
  });

  it.each([200, 201, 300, 304, 305, 306, 400])('%i is none, whatever its location', async status => {
    const answer = await open().fetch(via(status, '/end'));
    expect([answer.status, answer.headers.get('location'), seen.length]).toEqual([status, '/end', 1]);
  });

  it('without a location is an answer', async () => {
    expect((await open().fetch(at('/status/302'))).status).toBe(302);
  });

  it('to another origin takes harmless headers alone, whatever the difference', async () => {
    const { fetch } = open();
    const headers = {
      accept: 'a/b',
      'accept-language': 'en',
      'user-agent': 'me',
      authorization: 's',
      'x-key': 's',
      cookie: 's=1',
    };
    await fetch(via(302, at('/end', 'other.example')), { headers });
    expect(seen[1]).toMatchObject({ host: `other.example:${port}`, url: '/end' });
    expect(seen[1]?.headers).toMatchObject({ accept: 'a/b', 'accept-language': 'en', 'user-agent': 'me' });
    for (const name of ['authorization', 'x-key', 'cookie']) expect(seen[1]?.headers).not.toHaveProperty(name);
    seen.splice(0);
    await fetch(via(302, at('/end')), { headers });
    expect(seen[1]?.headers).toMatchObject({ authorization: 's', 'x-key': 's', cookie: 's=1' });
  });

  it('takes no body to another origin, and none that it cannot send again', async () => {
    const { fetch } = open();
    const away = via(307, at('/end', 'other.example'));
    const message = /A redirect that would send the body elsewhere, or again, is not followed/;
    expect(await problem(fetch(away, { method: 'POST', body: 'b' }))).toMatchObject({
      code: 'egress-refused',
      message: expect.stringMatching(message),
      given: `http://other.example:${port}`,
    });
    expect(await problem(fetch(via(307, '/end'), { method: 'POST', body: new Uint8Array([98]) }))).toMatchObject({
      message: expect.stringMatching(message),
    });
    expect(seen).toHaveLength(2);
    // Without a body there is nothing that could go astray.
    expect(await (await fetch(away, { method: 'POST' })).text()).toBe('POST /end');
  });

  it('is counted: three are followed, a fourth is not', async () => {
    const chain = (count: number): string => (count === 0 ? '/end' : `/to/302/${encodeURIComponent(chain(count - 1))}`);
    const { fetch } = open();
    expect(await (await fetch(at(chain(3)))).text()).toBe('GET /end');
    expect(await problem(fetch(at(chain(4))))).toMatchObject({
      code: 'egress-refused',
      message: expect.stringContaining('It redirects more than 3 times.'),
    });
  });

  it('is an answer, or an error, where the caller says so, also by a Request', async () => {
    const { fetch } = open();
    for (const by of [
      () => fetch(via(302, '/end'), { redirect: 'manual' }),
      () => fetch(new Request(via(302, '/end'), { redirect: 'manual' })),
      () => fetch(new Request(via(302, '/end'), { redirect: 'error' }), { redirect: 'manual' }),
    ])
      expect((await by()).status).toBe(302);
    for (const by of [
      () => fetch(via(302, '/end'), { redirect: 'error' }),
      () => fetch(new Request(via(302, '/end'), { redirect: 'error' })),
    ])
      expect(await problem(by())).toMatchObject({
        code: 'egress-refused',
        message: expect.stringContaining('It redirects, and redirects are not wanted here.'),
      });
    expect(seen).toHaveLength(5);
    expect(await (await fetch(at('/end'), { redirect: 'error' })).text()).toBe('GET /end');
  });

  it('to what is no address is refused', async () => {
    expect(await problem(open().fetch(via(302, 'http://%/')))).toMatchObject({
      code: 'egress-refused',
      message: expect.stringContaining('It redirects to what is not an address.'),
    });
  });
});

describe('the request', () => {
  it('is that of a Request, and of what is given beside it', async () => {
    const { fetch } = open();
    const request = () => new Request(at('/r'), { method: 'PUT', headers: { 'x-a': '1' }, body: 'text' });
    await fetch(request());
    await fetch(request(), { method: 'delete', headers: { 'x-b': '2' }, body: 'other' });
    await fetch(new URL(at('/u')));
    expect(seen).toMatchObject([
      { method: 'PUT', url: '/r', text: 'text', headers: { 'x-a': '1' } },
      { method: 'DELETE', url: '/r', text: 'other', headers: { 'x-b': '2' } },
      { method: 'GET', url: '/u', text: '' },
    ]);
    expect(seen[1]?.headers).not.toHaveProperty('x-a');
  });

  it('ends with the signal of a Request too', async () => {
    const reason = new Error('enough');
    const { fetch } = open();
    const signal = AbortSignal.abort(reason);
    expect(await problem(fetch(new Request(at('/'), { signal })))).toBeDefined();
    expect(seen).toEqual([]);
  });
});

describe('the answer', () => {
  it('has the status, its text and its headers', async () => {
    const answer = await open().fetch(at('/status/418'));
    expect([answer.status, answer.statusText, answer.headers.get('x-a'), await answer.text()]).toEqual([
      418,
      'as asked',
      'b',
      '',
    ]);
    for (const status of [204, 205, 304]) expect((await open().fetch(at(`/status/${status}`))).status).toBe(status);
  });

  it('has a body up to its limit, and not one byte more', async () => {
    const { fetch } = open({ maxBody: 1000 });
    expect(await (await fetch(at('/bytes/1000'))).text()).toHaveLength(1000);
    const error = await problem((await fetch(at('/bytes/1001'))).text());
    expect(error).toMatchObject({ code: 'response-too-large', allowed: 'at most 1,000 bytes' });
    const usual = open();
    expect(await (await usual.fetch(at(`/bytes/${1024 * 1024}`))).text()).toHaveLength(1024 * 1024);
    expect(await problem((await usual.fetch(at(`/bytes/${1024 * 1024 + 1}`))).text())).toMatchObject({
      allowed: 'at most 1,048,576 bytes',
    });
  });
});
