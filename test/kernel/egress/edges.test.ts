import { createServer, type IncomingMessage } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, getDefaultAutoSelectFamily, type Server, setDefaultAutoSelectFamily } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import type { Agent } from 'undici';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createEgress, type EgressParts } from '../../../src/kernel/egress/egress.ts';
import { makeCertificate } from './certificate.ts';

/** The agents as they are, with what each was made with. */
const made = vi.hoisted(() => ({ agents: [] as { agent: Agent; options: Agent.Options }[] }));
vi.mock('undici', async original => {
  const real = await original<typeof import('undici')>();
  class RecordedAgent extends real.Agent {
    constructor(options: Agent.Options) {
      super(options);
      made.agents.push({ agent: this, options });
    }
  }
  return { ...real, Agent: RecordedAgent };
});

// Two servers on loopback, one of them with TLS: /to/<status>/<address> redirects, all else is answered.
const seen: { url: string; headers: IncomingMessage['headers'] }[] = [];
const servers: Server[] = [];
const egresses: { close(): Promise<void> }[] = [];
const certificates = getCACertificates('default');
let [port, securePort] = [0, 0];

beforeAll(async () => {
  const answer: Parameters<typeof createServer>[1] = ({ url = '', headers }, response) => {
    seen.push({ url, headers });
    const [, status, to = ''] = /^\/to\/(\d+)\/(.*)$/.exec(url) ?? [];
    if (status === undefined) response.end(`at ${url}`);
    else response.writeHead(Number(status), { location: decodeURIComponent(to) }).end();
  };
  const own = makeCertificate('secure.example');
  setDefaultCACertificates([...certificates, own.cert]);
  servers.push(createServer(answer), createTlsServer(own, answer));
  const ports = servers.map(async server => {
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  });
  [port = 0, securePort = 0] = await Promise.all(ports);
});
beforeEach(() => {
  seen.splice(0);
  made.agents.splice(0);
});
afterEach(async () => {
  await Promise.all(egresses.splice(0).map(egress => egress.close()));
});
afterAll(() => {
  setDefaultCACertificates(certificates);
  for (const server of servers) server.close();
});

function open(parts: Partial<EgressParts> = {}) {
  const lookup = async () => [{ address: '127.0.0.1', family: 4 }];
  const egress = createEgress({ allow: [], private: ['inside.example', 'secure.example'], lookup, ...parts });
  egresses.push(egress);
  return egress;
}
const at = (path: string) => `http://inside.example:${port}${path}`;
const secure = (path: string) => `https://secure.example:${securePort}${path}`;
const to = (status: number, url: string) => `/to/${status}/${encodeURIComponent(url)}`;

describe('a redirect from https', () => {
  it.each([301, 302, 303, 307, 308])('to http is not followed (%i)', async status => {
    await expect(open().fetch(secure(to(status, at('/end'))))).rejects.toMatchObject({
      code: 'egress-refused',
      message: 'A redirect from https to http is not followed.',
      given: `http://inside.example:${port}`,
    });
    expect(seen).toHaveLength(1);
  });

  it('to https is followed, and so is one from http to https', async () => {
    for (const url of [secure(to(302, '/end')), at(to(302, secure('/end')))])
      expect(await (await open().fetch(url)).text()).toBe('at /end');
  });

  it('to what is neither is refused for that', async () => {
    await expect(open().fetch(secure(to(302, 'ftp://inside.example/')))).rejects.toMatchObject({
      message: 'Only http and https are spoken.',
    });
  });
});

it('a redirect to another origin keeps what says how the answer is to look, and what was sent', async () => {
  const harmless = { accept: 'a/b', 'accept-language': 'en', 'content-type': 'c/d', 'user-agent': 'me' };
  await open().fetch(at(to(302, secure('/end'))), { headers: { ...harmless, 'x-key': 's' } });
  expect(seen[1]?.headers).toMatchObject(harmless);
  expect(seen[1]?.headers).not.toHaveProperty('x-key');
});

describe('a rule that is almost a host', () => {
  it.each<[rule: string, url: string, allowed: boolean]>([
    ['*.example', 'http://a.example/', true],
    ['*.example', 'http://.example/', false],
    ['*.example.', 'http://api.example/', true],
    ['*.b\u00fccher.example', 'http://api.xn--bcher-kva.example/', true],
    ['*.b\u00fccher.example', 'http://xn--bcher-kva.example/', false],
    ['*.', 'http://example/', false],
    ['*', 'http://example/', false],
    ['api.[example', 'http://api.example/', false],
    ['api.ex]ample', 'http://api.example/', false],
    ['other.example\napi.example', 'http://api.example/', false],
    ['other.example\napi.example:80', 'http://api.example/', false],
  ])('%j and %s', async (rule, url, allowed) => {
    const looked = open({ allow: [rule], private: [], lookup: async () => [] }).fetch(url);
    await expect(looked).rejects.toMatchObject({ code: allowed ? 'egress-failed' : 'egress-refused' });
  });

  it('an empty one allows no address without a host', async () => {
    await expect(open({ allow: [''] }).fetch('http://./')).rejects.toMatchObject({
      code: 'egress-refused',
      message: 'There is no host.',
    });
  });
});

describe('the connection', () => {
  it('goes where the resolver of the system says when no other is given', async () => {
    const egress = createEgress({ allow: [], private: ['localhost'] });
    egresses.push(egress);
    expect(await (await egress.fetch(`http://localhost:${port}/`)).text()).toBe('at /');
  });

  it('goes to the first address where the system wants one alone', async () => {
    const usual = getDefaultAutoSelectFamily();
    setDefaultAutoSelectFamily(false);
    try {
      expect(await (await open().fetch(at('/'))).text()).toBe('at /');
    } finally {
      setDefaultAutoSelectFamily(usual);
    }
  });

  it('is kept for the next request to the port with the same patience, and closed with the rest', async () => {
    const egress = open();
    const agents = () => made.agents.map(one => one.agent);
    for (const path of ['/1', '/2']) await (await egress.fetch(at(path))).text();
    expect(agents()).toHaveLength(1);
    await (await egress.within(null)(at('/3'))).text();
    await (await egress.fetch(secure('/4'))).text();
    expect(agents()).toHaveLength(3);
    expect(agents().map(one => one.closed)).toEqual([false, false, false]);
    await egress.close();
    expect(agents().map(one => one.closed)).toEqual([true, true, true]);
    // Nothing stands in the way of a later one.
    expect(await (await egress.fetch(at('/5'))).text()).toBe('at /5');
  });
});

describe('how long the library waits, for a connection, headers and the next part of a body', () => {
  async function waits(call: (egress: ReturnType<typeof open>) => Promise<unknown>, parts: Partial<EgressParts> = {}) {
    await call(open(parts));
    const { connect, headersTimeout, bodyTimeout } = made.agents[0]?.options ?? {};
    return [connect && 'timeout' in connect ? connect.timeout : null, headersTimeout, bodyTimeout];
  }
  const three = (time: number) => [time, time, time];

  it('is 30 s, or what is said', async () => {
    expect(await waits(egress => egress.fetch(at('/')))).toEqual(three(30_000));
    made.agents.splice(0);
    expect(await waits(egress => egress.fetch(at('/')), { patience: 60_000 })).toEqual(three(60_000));
  });

  const day = 86_400_000;
  it.each<[time: number | null, backstop: number]>([
    // A second more than the time, or up to about twice that; 0 is for ever.
    [-5000, 1024],
    [0, 1024],
    [24, 1024],
    [25, 2048],
    [60_000, 65_536],
    [65_000, 131_072],
    [day, 134_217_728],
    [day + 1, 0],
    [null, 0],
  ])('is a backstop for one with %s ms: %i', async (time, backstop) => {
    expect(await waits(egress => egress.within(time)(at('/')))).toEqual(three(backstop));
  });
});
