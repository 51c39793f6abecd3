import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect } from 'vitest';
import { type RealMariadb, startMariadb } from '../../real/mariadb.ts';
import { findPostgres, type Postgres, startPostgres } from '../../real/postgres.ts';
import { findProgram, programPath } from '../../real/programs.ts';
import { type RealRedis, startRedis } from '../../real/redis.ts';
import { eventually, type Program, startProgram } from '../programs.ts';
import { form, runStep, type ShownStep, shown, swap, without, words } from './page.ts';
import { outlives, silent } from './waiting.ts';

const programs = ['mariadbd', 'mariadb'];
let folder = '';
let postgres: Postgres;
let mariadb: RealMariadb;
let redis: RealRedis;
const has = (...names: string[]) => names.every(name => findProgram(name) !== null);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tocsin-safe-'));
  await Promise.all([startPostgresHere(), startMariadbHere(), startRedisHere()]);
});
afterAll(async () => {
  await Promise.all([postgres?.destroy(), mariadb?.stop(), redis?.stop()]);
  await rm(folder, { recursive: true, force: true });
});

async function startPostgresHere(): Promise<void> {
  if (findPostgres() === null) return;
  postgres = await startPostgres();
  await postgres.ask('create database shop');
  await postgres.ask('create table orders (id int)', 'shop');
  await postgres.ask('create role tocsin_reader login; grant select on orders to tocsin_reader', 'shop');
}

async function startMariadbHere(): Promise<void> {
  if (!has(...programs)) return;
  mariadb = await startMariadb();
  mariadb.ask('create database shop; create table shop.sessions (id int, gate int); create table shop.visits (id int)');
}

async function startRedisHere(): Promise<void> {
  if (has('redis-server', 'redis-cli')) redis = await startRedis();
}

const here = () => ({ env: { PGHOST: '127.0.0.1', PGPORT: `${postgres.port}` } });
/** The step of the page with a script of these lines. */
async function sql(name: string, ...lines: string[]): Promise<ShownStep> {
  const file = join(folder, `${name}.sql`);
  await writeFile(file, lines.map(line => `${line};\n`).join(''));
  return swap(shown('cleanup'), '/srv/sql/cleanup.sql', file);
}
const orders = async (id: number) =>
  Number((await postgres.ask(`select count(*) from orders where id = ${id}`, 'shop'))[0]?.['count']);
const stop = ['-v', 'ON_ERROR_STOP=1'];

form('psql', '-v ON_ERROR_STOP=1', ['psql'], async () => {
  const step = await sql('stop', 'select nothing', 'insert into orders values (1)');
  expect(await runStep(step, here())).toMatchObject({ state: 'failed', exitCode: 3 });
  expect(await orders(1)).toBe(0);
  const both = await sql('rolled-back', 'insert into orders values (1)', 'select nothing');
  expect(await runStep(words(both, stop), here())).toMatchObject({ state: 'done' });
  expect(await orders(1), 'all of it is rolled back').toBe(0);
  expect(await runStep(words(words(step, stop), ['-1']), here())).toMatchObject({ state: 'done' });
  expect(await orders(1), 'the line behind the error has run').toBe(1);
});

form('psql', '-1', ['psql'], async () => {
  const step = await sql('whole', 'insert into orders values (2)', 'select nothing');
  expect(await runStep(step, here())).toMatchObject({ state: 'failed', exitCode: 3 });
  expect(await orders(2)).toBe(0);
  expect(await runStep(words(step, ['-1']), here())).toMatchObject({ state: 'failed', exitCode: 3 });
  expect(await orders(2)).toBe(1);
});

form('psql', '-X', ['psql'], async () => {
  const rc = join(folder, 'psqlrc');
  await writeFile(rc, '\\set ON_ERROR_STOP off\n');
  const around = { env: { ...here().env, PSQLRC: rc } };
  const step = await sql('rc', 'select nothing');
  expect(await runStep(step, around)).toMatchObject({ state: 'failed', exitCode: 3 });
  expect(await runStep(words(step, ['-X']), around)).toMatchObject({ state: 'done' });
});

form('psql', 'PGCONNECT_TIMEOUT: "10"', ['psql'], async () => {
  const server = await silent();
  const step = swap(await sql('silent', 'select 1'), 'db-1', '127.0.0.1');
  const limit = (text: string) => {
    const { env, ...rest } = step.exec as { env: Record<string, string> };
    expect(env).toHaveProperty('PGCONNECT_TIMEOUT', '10');
    return { exec: { ...rest, env: { ...env, PGPORT: `${server.port}`, PGCONNECT_TIMEOUT: text } } };
  };
  const ran = await outlives(limit('2'), limit('0'), {});
  server.close();
  expect(ran).toMatchObject({ state: 'failed', exitCode: 2, stderr: expect.stringContaining('timeout') });
});

form('psql', 'statement_timeout=60s', ['psql'], async () => {
  const step = await sql('long', 'select pg_sleep(600)');
  const safe = swap(step, 'statement_timeout=60s', 'statement_timeout=300ms');
  const ran = await outlives(safe, swap(step, '-c statement_timeout=60s', ''), here());
  expect(ran).toMatchObject({ state: 'failed', exitCode: 3, stderr: expect.stringContaining('statement timeout') });
});

form('psql', 'lock_timeout=5s', ['psql'], async () => {
  const holder = await hold('begin; lock table orders');
  const step = await sql('locked', 'insert into orders values (3)');
  const safe = swap(step, 'lock_timeout=5s', 'lock_timeout=300ms');
  const ran = await outlives(safe, swap(step, '-c lock_timeout=5s', ''), here());
  expect(ran).toMatchObject({ state: 'failed', exitCode: 3, stderr: expect.stringContaining('lock timeout') });
  await holder.end();
});

/** A session that has run this and stays open. */
async function hold(statement: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: postgres.address('shop') });
  await client.connect();
  await client.query(statement);
  return client;
}

const waitingOrders = async (id: number) =>
  (await postgres.ask(`select 1 from pg_stat_activity where query like 'insert into orders select ${id} from%'`))
    .length;

/** Cancels the step while its statement waits for an advisory lock that the test holds. */
async function cancelOrders(id: number, change: (step: ShownStep) => ShownStep): Promise<void> {
  const cancel = new AbortController();
  // In one transaction (-1) the statement would go on too, and be rolled back at its end.
  const step = words(await sql(`gate-${id}`, `insert into orders select ${id} from pg_advisory_lock(1)`), ['-1']);
  const patient = swap(step, 'lock_timeout=5s', 'lock_timeout=0');
  const running = runStep(change(patient), { ...here(), signal: cancel.signal, grace: 20_000 });
  await eventually('it waits for the gate', async () => (await waitingOrders(id)) || null);
  cancel.abort();
  await running;
}
const interval = '-c client_connection_check_interval=2s';

form('psql', 'stopSignal: INT', ['psql'], async () => {
  const holder = await hold('select pg_advisory_lock(1)');
  await cancelOrders(7, step => without(swap(step, interval, ''), 'stopSignal'));
  await cancelOrders(8, step => swap(step, interval, ''));
  await eventually('the statement with the form is gone', async () => ((await waitingOrders(8)) === 0 ? true : null));
  expect(await waitingOrders(7), 'the one without it goes on').toBe(1);
  await holder.end();
  await eventually('it commits', async () => (await orders(7)) || null);
  expect(await orders(8)).toBe(0);
});

form('psql', 'client_connection_check_interval=2s', ['psql'], async () => {
  const holder = await hold('select pg_advisory_lock(1)');
  const often = interval.replace('2s', '200');
  await cancelOrders(4, step => without(swap(step, interval, ''), 'stopSignal'));
  await cancelOrders(5, step => without(swap(step, interval, often), 'stopSignal'));
  await eventually('the statement with the form is gone', async () => ((await waitingOrders(5)) === 0 ? true : null));
  expect(await waitingOrders(4), 'the one without it goes on').toBe(1);
  await holder.end();
  await eventually('it commits', async () => (await orders(4)) || null);
  expect(await orders(5)).toBe(0);
});

form('psql', 'default_transaction_read_only=on', ['psql'], async () => {
  const step = swap(shown('count'), 'tocsin_reader', 'tocsin');
  const say = (...statements: string[]) =>
    words(
      step,
      ['-c', 'select count(*) from orders'],
      statements.flatMap(one => ['-c', one]),
    );
  expect(await runStep(shown('count'), here())).toMatchObject({
    state: 'done',
    stdout: expect.stringMatching(/^\d+\n$/),
  });
  const write = 'insert into orders values (6)';
  const lift = 'set default_transaction_read_only = off';
  expect(await runStep(say(write), here())).toMatchObject({
    state: 'failed',
    stderr: expect.stringContaining('read-only'),
  });
  expect(await runStep(say('analyze orders'), here())).toMatchObject({ state: 'done' });
  expect(await runStep(say('begin', 'lock table orders in access exclusive mode'), here())).toMatchObject({
    state: 'done',
  });
  expect(await runStep(swap(say(write), '-c default_transaction_read_only=on', ''), here())).toMatchObject({
    state: 'done',
  });
  expect(await runStep(say(lift, write), here())).toMatchObject({ state: 'done' });
  expect(await orders(6)).toBe(2);
  expect(await runStep(swap(say(lift, write), 'tocsin', 'tocsin_reader'), here())).toMatchObject({
    state: 'failed',
    stderr: expect.stringContaining('permission denied'),
  });
});

/** A step of the page with another statement. */
function statement(id: 'prune' | 'sessions', text: string): ShownStep {
  const step = shown(id);
  const { stdin, ...rest } = step.exec as { stdin: string };
  expect(stdin).toMatch(/\w/);
  const file = id === 'prune' ? '/etc/tocsin/mariadb.cnf' : '/etc/tocsin/reader.cnf';
  return swap({ exec: { ...rest, stdin: text } }, file, mariadb.defaults);
}

/** A connection that has run this and stays open until `end`. */
async function holdMaria(text: string): Promise<Program> {
  const program = startProgram(
    programPath('mariadb'),
    [...mariadb.args, 'shop', '--unbuffered', '--batch', '-e', `${text}; select 'it holds'; select sleep(600)`],
    { env: { PATH: process.env['PATH'] ?? '' }, cwd: folder },
  );
  await program.says(/it holds\n/);
  return program;
}
const letGo = async (holder: Program) => {
  const sleeping = () => mariadb.ask("select id from information_schema.processlist where info = 'select sleep(600)'");
  for (const [id] of sleeping()) mariadb.ask(`kill ${id}`);
  await holder.ended;
};

form('mariadb', '--connect-timeout=10', programs, async () => {
  expect(await runStep(statement('prune', 'select 41 + 1'))).toMatchObject({ state: 'done', stdout: '41 + 1\n42\n' });
  const server = await silent();
  const step = words(statement('prune', 'select 1'), ['shop'], [`--port=${server.port}`, 'shop']);
  const ran = await outlives(
    swap(step, 'connect-timeout=10', 'connect-timeout=1'),
    words(step, ['--connect-timeout=10']),
    {},
  );
  server.close();
  expect(ran).toMatchObject({ state: 'failed', exitCode: 1, stderr: expect.stringContaining('Lost connection') });
});

const waitingRow = (id: number) =>
  mariadb.ask(
    `select 1 from information_schema.processlist where info like 'update sessions set gate = 7 where id = ${id}'`,
  ).length;
const gateOf = (id: number) => mariadb.ask(`select gate from sessions where id = ${id}`, 'shop')[0]?.[0];

/** Cancels the step while its statement waits for a row that the test holds. */
async function cancelRow(id: number, change: (step: ShownStep) => ShownStep): Promise<void> {
  const cancel = new AbortController();
  const step = statement('prune', `update sessions set gate = 7 where id = ${id}`);
  const patient = swap(step, 'innodb_lock_wait_timeout=5', 'innodb_lock_wait_timeout=600');
  const running = runStep(change(patient), { signal: cancel.signal, grace: 20_000 });
  await eventually('it waits for the row', async () => waitingRow(id) || null);
  cancel.abort();
  await running;
}
const limit = 'SESSION max_statement_time=60, ';

form('mariadb', 'stopSignal: INT', programs, async () => {
  mariadb.ask('insert into sessions values (3, 0), (4, 0)', 'shop');
  const holder = await holdMaria('start transaction; update sessions set gate = 1 where id in (3, 4)');
  await cancelRow(3, step => without(swap(step, limit, ''), 'stopSignal'));
  await cancelRow(4, step => swap(step, limit, ''));
  await eventually('the statement with the form is gone', async () => (waitingRow(4) === 0 ? true : null));
  expect(waitingRow(3), 'the one without it goes on').toBe(1);
  await letGo(holder);
  await eventually('it commits', async () => (gateOf(3) === '7' ? true : null));
  expect(gateOf(4)).toBe('0');
});

form('mariadb', 'max_statement_time=60', programs, async () => {
  mariadb.ask('insert into sessions values (1, 0), (2, 0)', 'shop');
  const holder = await holdMaria('start transaction; update sessions set gate = 1 where id in (1, 2)');
  await cancelRow(1, step => without(swap(step, limit, ''), 'stopSignal'));
  await cancelRow(2, step => without(swap(step, 'max_statement_time=60', 'max_statement_time=2'), 'stopSignal'));
  await eventually('the statement with the form is gone', async () => (waitingRow(2) === 0 ? true : null));
  expect(waitingRow(1), 'the one without it goes on').toBe(1);
  await letGo(holder);
  await eventually('it commits', async () => (gateOf(1) === '7' ? true : null));
  expect(gateOf(2)).toBe('0');
});

form('mariadb', 'lock_wait_timeout=5', programs, async () => {
  const holder = await holdMaria('start transaction; select * from visits');
  const step = statement('prune', 'alter table visits add column more int');
  const safe = swap(step, 'SESSION lock_wait_timeout=5', 'SESSION lock_wait_timeout=1');
  const ran = await outlives(safe, swap(step, 'SESSION lock_wait_timeout=5, ', ''), {});
  await letGo(holder);
  expect(ran).toMatchObject({ state: 'failed', stderr: expect.stringContaining('ERROR 1205') });
});

form('mariadb', 'innodb_lock_wait_timeout=5', programs, async () => {
  mariadb.ask('insert into sessions values (9, 0)', 'shop');
  const holder = await holdMaria('start transaction; update sessions set gate = 1 where id = 9');
  const step = statement('prune', 'update sessions set gate = 2 where id = 9');
  const safe = swap(step, 'innodb_lock_wait_timeout=5', 'innodb_lock_wait_timeout=1');
  const ran = await outlives(safe, swap(step, ', SESSION innodb_lock_wait_timeout=5', ''), {});
  await letGo(holder);
  expect(ran).toMatchObject({ state: 'failed', stderr: expect.stringContaining('ERROR 1205') });
});

form('mariadb', 'SET SESSION TRANSACTION READ ONLY', programs, async () => {
  const tables = () => mariadb.ask("show tables like 'made%'", 'shop').flat();
  const write = 'insert into sessions values (10, 0)';
  expect(await runStep(statement('sessions', 'select count(*) from sessions'))).toMatchObject({ state: 'done' });
  for (const one of [write, 'create table made1 (id int)'])
    expect(await runStep(statement('sessions', one))).toMatchObject({
      state: 'failed',
      stderr: expect.stringContaining('1792'),
    });
  const init = '--init-command=SET SESSION TRANSACTION READ ONLY';
  const plain = (text: string) => words(statement('sessions', text), [init]);
  expect(await runStep(plain(`start transaction read only; ${write}`))).toMatchObject({ state: 'failed' });
  const ddl = `start transaction read only; create table made2 (id int); ${write}`;
  expect(await runStep(plain(ddl))).toMatchObject({ state: 'done' });
  expect(tables()).toEqual(['made2']);
  expect(mariadb.ask('select count(*) from sessions where id = 10', 'shop')).toEqual([['1']]);
  const lifted = statement('sessions', `set session transaction read write; ${write}`);
  expect(await runStep(lifted)).toMatchObject({ state: 'done' });
  mariadb.ask("create user reader@'127.0.0.1'; grant select on shop.* to reader@'127.0.0.1'");
  const reader = words(lifted, ['shop'], ['--user=reader', 'shop']);
  expect(await runStep(reader)).toMatchObject({ state: 'failed', stderr: expect.stringContaining('denied') });
});

form('redis-cli', '-e', ['redis-server', 'redis-cli'], async () => {
  const step = words(shown('flush'), ['-h', 'cache-1'], ['-h', '127.0.0.1', '-p', `${redis.port}`]);
  redis.cli('set', 'sessions', 'a text');
  const wrong = words(step, ['del', 'sessions'], ['lpush', 'sessions', 'x']);
  expect(await runStep(wrong)).toMatchObject({
    state: 'failed',
    exitCode: 1,
    stderr: expect.stringContaining('WRONGTYPE'),
  });
  expect(await runStep(words(wrong, ['-e']))).toMatchObject({ state: 'done' });
  expect(await runStep(step)).toMatchObject({ state: 'done', stdout: '1\n' });
});
