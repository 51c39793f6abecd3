import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkClock, measuredFetch } from '../../../src/app/overview/clock.ts';
import { lookAtPostgres } from '../../../src/cli/doctor/postgres.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import postgres from '../../../src/stores/postgres/index.ts';
import { migrations } from '../../../src/stores/postgres/migrations.ts';
import { startTestApp } from '../../doubles/app.ts';
import { type PagerDutyDouble, startPagerDuty } from '../../doubles/pagerduty.ts';
import { populate } from '../../flow/origin/place.ts';
import { missingPostgres } from '../../real/postgres.ts';
import { usePostgres } from '../../stores/postgres-place.ts';
import { cli } from '../terminal.ts';

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

  test('warns when more is listed than webhooks are sent for', async () => {
    const url = 'https://tocsin.example.com/events/pagerduty';
    pagerduty.subscriptions.push({ url, active: true, filter: { type: 'service_reference', id: 'P393ZNQ' } });
    const { out } = await doctor(standard());
    expect(out).toMatch(/warning {2,}the list of open incidents/);
    expect(out).toContain('[P393ZNQ]');
    const limited = await doctor(`${standard()}`.replace(/^( {4})secret:/m, '$1services: [P393ZNQ]\n$1secret:'));
    expect(limited.out).not.toContain('the list of open incidents');
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

describe.skipIf(missingPostgres() !== null)('a PostgreSQL is looked at as a start would take it', () => {
  const server = usePostgres();
  let url: string;
  beforeEach(async () => {
    url = await server().database();
  });
  const ask = (statement: string) => server().ask(statement, new URL(url).pathname.slice(1));
  const look = async (address: string) => {
    const { out, err } = await doctor('sources: {}\npeople: { on-call: {} }\n', { DATABASE_URL: address });
    expect(out + err).not.toContain('hidden-word');
    return /^ {2}(\S+ +PostgreSQL at DATABASE_URL[\s\S]*?)\n(?! {4})/m.exec(`${out}\n`)?.[1]?.replace(/\s+/g, ' ');
  };

  test('an empty one, and one of this version', async () => {
    expect(await look(url)).toBe('ok PostgreSQL at DATABASE_URL, which the first start fills');
    await (await postgres.open({ folder: '', url, now: Date.now })).close();
    expect(await look(url)).toBe('ok PostgreSQL at DATABASE_URL');
    const [older] = await lookAtPostgres(url, Date.now, migrations.length + 1);
    expect(older).toEqual({ what: 'PostgreSQL at DATABASE_URL, which the next start brings up to date', state: 'ok' });
  });

  test('one that a newer version changed so that this one must not use it', async () => {
    await (await postgres.open({ folder: '', url, now: Date.now })).close();
    await ask("insert into migration values (99, 'later', false, 0)");
    expect(await look(url)).toMatch(/^ok /);
    await ask('update migration set breaks = true where number = 99');
    expect(await look(url)).toMatch(/^bad .*newer Tocsin.*migration 99, later.*do Start that version/);
  });

  test('its clock is compared with the one of this machine', async () => {
    expect(await lookAtPostgres(url, Date.now)).toHaveLength(1);
    const [, clock] = await lookAtPostgres(url, () => Date.now() + 10 * 60_000);
    expect(clock).toMatchObject({ state: 'bad', because: 'it is 10m ahead' });
    expect(clock?.what).toContain('PostgreSQL');
  });

  test('one of something else, and one that cannot keep every text', async () => {
    await ask('create table customer (id integer)');
    expect(await look(url)).toMatch(/^warning .*tables of something else \(1\).*do Give Tocsin a database of its own/);
    await ask('alter table customer rename to run');
    await expect(postgres.open({ folder: '', url, now: Date.now })).rejects.toMatchObject({ code: 'store-refused' });
    expect(await look(url)).toMatch(/^warning .*tables of something else \(1\)/);
    await server().ask("create database latin encoding 'LATIN1' locale 'C' template template0");
    expect(await look(server().address('latin'))).toMatch(/^bad .*encoding is LATIN1.*encoding 'UTF8'/);
  });

  test('one that refuses says what to correct, as a start does', async () => {
    const nobody = url.replace('tocsin@', 'nobody-here:hidden-word@');
    expect(await look(nobody)).toMatch(/^bad .*role "nobody-here" does not exist.*do \S/);
    expect(await look(`${url}x`)).toMatch(/^bad .*does not exist \(3D000\).*do Make the database with createdb/);
    expect(await look(`${url}?sslmode=verify-full`)).toMatch(/^bad .*SSL.*do Set sslmode/);
    await server().ask('create role poor login');
    expect(await look(url.replace('tocsin@', 'poor@'))).toMatch(/^bad .*may not make tables.*do Grant create/);
  });

  test.each([
    ['no address', 'tocsin:hidden-word@db', 'DATABASE_URL cannot be used'],
    ['one with a # in its password', 'postgres://tocsin:hidden-word#@127.0.0.1/d', 'DATABASE_URL cannot be used'],
    ['one with a certificate that is not there', 'postgres://u@127.0.0.1/d?sslrootcert=/no/such.pem', '/no/such.pem'],
  ])('%s is bad, and nothing ends the look', async (_what, address, because) => {
    expect(await look(address)).toMatch(/^bad /);
    expect(await look(address)).toContain(because);
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
