import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkClock, measuredFetch } from '../../src/cli/doctor-clock.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { startTestApp } from '../doubles/app.ts';
import { type PagerDutyDouble, startPagerDuty } from '../doubles/pagerduty.ts';
import { populate } from '../flow/origin-place.ts';
import { cli } from './terminal.ts';

let folder: string;
let pagerduty: PagerDutyDouble;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tocsin-doctor-'));
  pagerduty = await startPagerDuty();
  populate(pagerduty);
  await mkdir(join(folder, 'runbooks'));
  await writeFile(join(folder, 'policy.yaml'), 'rules: [{ name: ask, decide: approve, by: on-call }]');
});
afterEach(async () => {
  await pagerduty.close();
  await rm(folder, { recursive: true, force: true });
});

const keys = () => `
    secret: s
    apiToken: ${pagerduty.apiToken}
    from: ${pagerduty.from}
    routingKey: ${pagerduty.routingKey}
    apiUrl: ${pagerduty.url}
    eventsUrl: ${pagerduty.url}`;

async function doctor(config: string, env: Record<string, string> = {}) {
  await writeFile(join(folder, 'tocsin.yaml'), config);
  const standard = {
    TOCSIN_CONFIG: join(folder, 'tocsin.yaml'),
    TOCSIN_DATA: join(folder, 'data'),
    TOCSIN_LISTEN: '127.0.0.1:1',
  };
  return await cli(['doctor'], { cwd: folder, env: { ...standard, ...env } });
}

const standard = () => `
url: https://tocsin.example.com
sources:
  pagerduty:${keys()}
people: { mina: { accounts: { pagerduty: PMINA } } }
`;

describe('tocsin doctor', () => {
  test('says ok to everything that works, and ends with 0', async () => {
    pagerduty.subscriptions.push({ url: 'https://tocsin.example.com/events/pagerduty', active: true });
    const { code, out, err } = await doctor(standard());
    expect(out).not.toContain('bad');
    expect(out).toMatch(/ok {7}the key of the REST API/);
    expect(out).toMatch(/ok {7}the integration key of Events API v2/);
    expect(out).toMatch(/ok {7}the webhook subscription/);
    expect(out).toMatch(/ok {7}the account of mina/);
    expect(out).toMatch(/ok {7}this machine's clock/);
    expect(err).toMatch(/^0 bad, 0 to look at/);
    expect(code).toBe(0);
    expect(pagerduty.calls.size).toBe(0);
    expect(pagerduty.requests.filter(name => name.startsWith('PUT'))).toEqual([]);
  });

  const breaking: [string, () => unknown, string, string][] = [
    [
      'a key that is not valid',
      () => Object.defineProperty(pagerduty, 'apiToken', { value: 'another' }),
      'the key of the REST API',
      '/api_keys',
    ],
    [
      'a routing key of nobody',
      () => Object.defineProperty(pagerduty, 'routingKey', { value: 'another' }),
      'the integration key of Events API v2',
      'routingKey',
    ],
    ['an address that no user has', () => pagerduty.users.delete('PBOT'), 'in whose name it acts', 'from'],
    ['a person who is gone', () => pagerduty.users.delete('PMINA'), 'the account of mina', '/users'],
    ['no webhook subscription', () => pagerduty.subscriptions.pop(), 'the webhook subscription', '/events/pagerduty'],
  ];
  test.each(breaking)('%s is bad, with the remedy and the page', async (_what, break_, what, help) => {
    const config = standard();
    break_();
    const { code, out } = await doctor(config);
    expect(code).toBe(1);
    const [, rest = ''] = out.split(`bad      ${what}`);
    expect(rest.split(/\n {2}\w/)[0]).toContain(help);
  });

  test('names the files that are wrong, and still looks at the database', async () => {
    const { code, out } = await doctor('surces: {}');
    expect(code).toBe(1);
    expect(out).toMatch(/bad {6}tocsin.yaml/);
    expect(out).toContain('tocsin check');
    expect(out).toContain('SQLite in');
  });

  test('a platform that routes name and that has no token is bad', async () => {
    const { code, out } = await doctor('routes: [{ to: ["slack:#ops"] }]\nsources: {}\npeople: { on-call: {} }\n');
    expect(code).toBe(1);
    expect(out).toMatch(/slack\n {2}bad {6}its token/);
  });

  test('servers that do not go together, or do not answer, are bad', async () => {
    const plain = 'sources: {}\npeople: { on-call: {} }\n';
    const alone = await doctor(plain, { REDIS_URL: 'redis://127.0.0.1:1' });
    expect(alone.out).toMatch(/bad {6}Redis at REDIS_URL\n.*DATABASE_URL is not/);
    const both = await doctor(plain, { REDIS_URL: 'redis://127.0.0.1:1', DATABASE_URL: 'postgres://u@127.0.0.1:1/d' });
    expect(both.code).toBe(1);
    expect(both.out).toMatch(/bad {6}PostgreSQL at DATABASE_URL\n.*ECONNREFUSED/);
    expect(both.out).toMatch(/bad {6}Redis at REDIS_URL\n.*ECONNREFUSED/);
  });

  test('a database that cannot be written is bad; one that a running Tocsin holds is not, and that process is asked', async () => {
    await writeFile(join(folder, 'file'), '');
    const broken = await doctor('sources: {}\npeople: { on-call: {} }\n', { TOCSIN_DATA: join(folder, 'file') });
    expect(broken.out).toMatch(/bad {6}SQLite/);

    const running = await startTestApp({});
    try {
      const { out } = await doctor('sources: {}\npeople: { on-call: {} }\n', {
        TOCSIN_DATA: join(running.folder, 'data'),
        TOCSIN_URL: running.app.url,
      });
      expect(out).toContain('held by a running Tocsin');
      expect(out).toContain(`the Tocsin at ${running.app.url}\n  ok       store`);
    } finally {
      await running.stop();
    }
  });
});

describe('the clock', () => {
  let server: Server;
  afterEach(() => new Promise(resolve => server.close(resolve)));

  test.each([
    [0, 'ok', undefined],
    [-20_000, 'warning', 'ahead'],
    [10 * 60_000, 'bad', 'behind'],
  ])('of a service that is %i ms off: %s', async (off, state, because) => {
    server = createServer((_request, response) => {
      response.sendDate = false;
      response.setHeader('date', new Date(Date.now() + off).toUTCString());
      response.end();
    });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const measured = measuredFetch(systemClock);
    await measured.fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    const [finding] = checkClock(measured.skews()).findings;
    expect(finding?.state).toBe(state);
    if (because !== undefined) expect(finding?.because).toContain(because);
  });
});
