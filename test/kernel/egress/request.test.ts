import { describe, expect, it } from 'vitest';
import {
  httpRequest,
  isOkStatus,
  type RequestTools,
  sendRequest,
  showAnswer,
  showFailure,
  showRequest,
} from '../../../src/kernel/egress/request.ts';

interface Sent {
  url: string;
  method: string;
  headers: Record<string, string>;
  body: unknown;
  signal: unknown;
}

const secrets: Record<string, string> = {
  API: 'tok-12345678',
  BASIC: 'Basic dXNlcjpwYXNz',
  PADDED: '  padded-secret\n',
  LINES: 'one-line\ntwo-lines',
  SNOW: 'snow\u2603man',
};

/** Sends what a runbook says, and returns what was sent and what came of it. */
async function send(given: object, answer: () => Response = () => new Response('ok')) {
  const sent: Sent[] = [];
  const asked: string[] = [];
  const { signal } = new AbortController();
  const tools: RequestTools = {
    fetch: async (url, init) => {
      sent.push({
        url: String(url),
        method: init?.method ?? '',
        headers: Object.fromEntries(new Headers(init?.headers)),
        body: init?.body,
        signal: init?.signal,
      });
      return answer();
    },
    async secret(name) {
      asked.push(name);
      const value = secrets[name];
      if (value === undefined) throw new Error(`no secret ${name}`);
      return value;
    },
    signal,
    idempotencyKey: 'run_1/step/a',
  };
  const result = await sendRequest(httpRequest.parse(given), tools);
  const [first] = sent;
  expect(sent).toHaveLength(1);
  expect(first?.signal).toBe(signal);
  return { sent: first, result, asked };
}
const url = 'https://api.example/x';

describe('what a request may be', () => {
  const refused = (given: object) => {
    const found = httpRequest.safeParse(given);
    return found.success ? [] : found.error.issues.map(issue => [issue.path.join('.'), issue.message]);
  };

  it('has its defaults, and no other members', () => {
    expect(httpRequest.parse({ url })).toEqual({ url, method: 'GET', headers: {}, secrets: {} });
    expect(refused({ url, methods: 'GET' })).toHaveLength(1);
    expect(refused({})).toHaveLength(1);
  });

  it.each(['http://a/', 'HTTPS://a/', 'Http://a'])('%s is an address', given => {
    expect(refused({ url: given })).toEqual([]);
  });
  it.each(['ftp://a/', 'a', ' http://a/', 'x http://a/', 'http:/a', 'httpss://a/', ''])('%j is none', given => {
    expect(refused({ url: given })).toEqual([['url', 'an address begins with http:// or https://']]);
  });

  it('is one of six methods', () => {
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'])
      expect(refused({ url, method })).toEqual([]);
    for (const method of ['get', 'TRACE', 'CONNECT', 'OPTIONS', '']) expect(refused({ url, method })).toHaveLength(1);
  });

  it('has headers of one line, with names that are names', () => {
    const headers = (name: string, value: string) =>
      refused({ url, headers: { [name]: value } }).map(([, text]) => text);
    for (const [name, value] of [
      ['X-A', 'b'],
      ["!#$%&'*+.^_`|~-", ''],
      ['x', '\t ~\x80\xff'],
      ['9', 'a b'],
    ] as const)
      expect(headers(name, value)).toEqual([]);
    for (const value of ['a\nb', 'a\rb', 'a\0b', '\x7f', '\u0100', '\u2603', 'a\n'])
      expect(headers('x', value)).toEqual(['a header is one line of Latin-1 text']);
    for (const name of ['', 'a b', 'a:b', 'a\n', '\u00e9', 'a"'])
      expect(refused({ url, headers: { [name]: 'x' } })).toHaveLength(1);
    for (const name of ['', 'a b', 'a\nb']) expect(refused({ url, secrets: { [name]: 'API' } })).toHaveLength(1);
  });

  it('names the statuses that are well: at least one, of those that there are', () => {
    for (const okStatus of [[100], [599], [200, 404]]) expect(refused({ url, okStatus })).toEqual([]);
    for (const okStatus of [[], [99], [600], [200.5], ['200']]) expect(refused({ url, okStatus })).toHaveLength(1);
  });
});

describe('what is sent', () => {
  it('is the method, the address and the headers, and who sends it', async () => {
    const { sent } = await send({ url, method: 'DELETE', headers: { 'X-A': 'b' } });
    expect(sent).toMatchObject({ url, method: 'DELETE', headers: { 'x-a': 'b', 'user-agent': 'tocsin' } });
    expect(sent).not.toMatchObject({ body: expect.anything() });
    expect(sent?.headers).not.toHaveProperty('content-type');
    expect((await send({ url, headers: { 'User-Agent': 'mine' } })).sent?.headers['user-agent']).toBe('mine');
  });

  it.each<[unknown, unknown, string]>([
    ['text', 'text', 'text/plain;charset=utf-8'],
    ['', '', 'text/plain;charset=utf-8'],
    [{ a: [1] }, '{"a":[1]}', 'application/json'],
    [[], '[]', 'application/json'],
    [null, 'null', 'application/json'],
    [false, 'false', 'application/json'],
    [0, '0', 'application/json'],
  ])('body %j', async (body, text, type) => {
    const { sent } = await send({ url, method: 'PUT', body });
    expect([sent?.body, sent?.headers['content-type']]).toEqual([text, type]);
    const own = await send({ url, method: 'PUT', body, headers: { 'Content-Type': 'x/y' } });
    expect([own.sent?.body, own.sent?.headers['content-type']]).toEqual([text, 'x/y']);
  });

  it.each(['GET', 'HEAD', 'PUT', 'DELETE', 'POST', 'PATCH'])(
    '%s has a key where doing it twice would be twice',
    async method => {
      const key = (await send({ url, method })).sent?.headers['idempotency-key'];
      expect(key).toBe(['POST', 'PATCH'].includes(method) ? 'run_1/step/a' : undefined);
      const own = await send({ url, method, headers: { 'Idempotency-Key': 'mine' } });
      expect(own.sent?.headers['idempotency-key']).toBe('mine');
    },
  );

  it('has secrets by name; Authorization is a bearer where it is one word', async () => {
    const { sent, asked } = await send({
      url,
      headers: { 'X-Key': 'overwritten' },
      secrets: { AUTHORIZATION: 'API', 'X-Key': 'PADDED', 'X-Api': 'API' },
    });
    expect(asked).toEqual(['API', 'PADDED', 'API']);
    expect(sent?.headers).toMatchObject({
      authorization: 'Bearer tok-12345678',
      'x-key': 'padded-secret',
      'x-api': 'tok-12345678',
    });
    const basic = await send({ url, secrets: { Authorization: 'BASIC' } });
    expect(basic.sent?.headers['authorization']).toBe('Basic dXNlcjpwYXNz');
  });

  it.each(['LINES', 'SNOW'])('no secret %s that does not fit: it is named and not told', async name => {
    const error = await send({ url, secrets: { 'X-Key': name } }).catch(problem => problem);
    expect(error).toMatchObject({
      code: 'params-invalid',
      message: expect.stringContaining('The value of a secret does not fit into a header.'),
      allowed: 'one line of Latin-1 text',
      given: name,
    });
    expect(JSON.stringify(error) + error.stack).not.toMatch(/two-lines|snow/);
  });
});

describe('what comes back', () => {
  it('is status, headers and body, without what was sent in secret', async () => {
    const { result } = await send({ url, secrets: { 'X-Key': 'API' } }, () => {
      const headers = { 'X-Echo': 'tok-12345678', 'X-B': '2' };
      return new Response('you sent tok-12345678, password=hunter2', { status: 418, headers });
    });
    expect(result).toEqual({
      status: 418,
      headers: { 'content-type': 'text/plain;charset=UTF-8', 'x-echo': '[redacted]', 'x-b': '2' },
      body: 'you sent [redacted], password=[redacted]',
    });
  });

  it('has no header that holds a credential', async () => {
    const headers = {
      'Set-Cookie': 'session=1',
      'Set-Cookie2': 'session=1',
      Authorization: 'x',
      'Proxy-Authenticate': 'x',
      'WWW-Authenticate': 'x',
      Kept: 'y',
    };
    const { result } = await send({ url }, () => new Response(null, { headers }));
    expect(result).toEqual({ status: 200, headers: { kept: 'y' }, body: '' });
  });

  it('has no NUL, which no database keeps', async () => {
    expect((await send({ url }, () => new Response('a\0b\0'))).result.body).toBe('a\ufffdb\ufffd');
  });
});

describe('for people', () => {
  it('a status is well from 200 to 299, or where it is named', () => {
    expect([199, 200, 299, 300].map(status => isOkStatus(status, undefined))).toEqual([false, true, true, false]);
    expect([200, 404, 500].map(status => isOkStatus(status, [404, 500]))).toEqual([false, true, true]);
  });

  it('a request is one line, secrets by name', () => {
    expect(showRequest(httpRequest.parse({ url }))).toBe(`GET ${url}`);
    const full = { url, method: 'POST', headers: { A: 'b"c', D: 'e' }, secrets: { F: 'API' }, body: { g: 1 } };
    expect(showRequest(httpRequest.parse(full))).toBe(`POST ${url}  A: "b\\"c"  D: "e"  F: <secret API>  body {"g":1}`);
    expect(showRequest(httpRequest.parse({ url: `${url}\u202e`, method: 'PUT', body: '' }))).toBe(
      `PUT ${url}\\u202e  body ""`,
    );
  });

  it('an answer is its status and its first line, of at most 200 characters', () => {
    const show = (body: string) => showAnswer({ status: 503, headers: {}, body });
    expect(show('')).toBe('status 503');
    expect(show(' \n ')).toBe('status 503');
    expect(show('\n  upstream down  \nmore')).toBe('status 503: upstream down  ');
    expect(show('a\u202eb')).toBe('status 503: a\\u202eb');
    expect(show('x'.repeat(200))).toBe(`status 503: ${'x'.repeat(200)}`);
    expect(show('x'.repeat(201)).length).toBeLessThanOrEqual('status 503: '.length + 200);
  });

  it('a failure is one line of at most 300 characters', () => {
    expect(showFailure(new Error('no route'))).toBe('no route');
    expect(showFailure('text\u202e')).toBe('text\\u202e');
    expect(showFailure(new Error('y'.repeat(300)))).toBe('y'.repeat(300));
    expect(showFailure(new Error('y'.repeat(301))).length).toBeLessThanOrEqual(300);
  });
});
