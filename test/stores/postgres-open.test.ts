import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { explainError } from '../../src/kernel/errors.ts';
import type { Store } from '../../src/ports/store.ts';
import { parseAddress } from '../../src/stores/postgres/address.ts';
import postgres from '../../src/stores/postgres/index.ts';
import { enter, migrate } from '../../src/stores/postgres/migrate.ts';
import { migrations } from '../../src/stores/postgres/migrations.ts';
import { createConnect, loadLibrary, type Session } from '../../src/stores/postgres/session.ts';
import { outcomes } from '../contracts/harness.ts';
import { sampleEntry } from '../contracts/samples.ts';
import { missingPostgres, type Postgres, startPostgres } from '../real/postgres.ts';

const secret = 'hunter2-secret';

describe('an address', () => {
  test.each([
    ['nonsense'],
    [''],
    [`mysql://u:${secret}@h/d`],
    [`postgres://u:${secret}@h`],
    [`postgres://u:${secret}@h/`],
    [`postgres://u:${secret}@h:port/d`],
    [`u:${secret}@h/d`],
    [`postgres://u%zz:${secret}@h/d`],
    [`postgres://u:${secret}%ff@h/d`],
    [`postgres://u:100%${secret}@h/d`],
    [`postgres://u:${secret}@h/d%`],
  ])('%s is refused without repeating what may be a password', url => {
    const refusal = catchError(() => parseAddress(url));
    expect(refusal).toMatchObject({ code: 'environment-invalid', at: 'DATABASE_URL' });
    expect(explainError(refusal)).not.toContain(secret);
  });

  test.each([['postgres://u%@h/d'], ['postgres://u:p%zz@h/d'], ['postgres://u:p#q@h/d'], ['postgres://u:p/q@h/d']])(
    '%s is told how to be written',
    url => {
      expect(catchError(() => parseAddress(url))).toMatchObject({ remedy: expect.stringContaining('% is %25') });
    },
  );

  test.each([
    ['postgres://u:p@db.internal:6432/tocsin?sslmode=verify-full', 'postgres://u@db.internal:6432/tocsin'],
    ['postgresql://db/tocsin', 'postgres://db/tocsin'],
    ['postgres://u@/tocsin?host=/run/postgresql', 'postgres://u@/run/postgresql/tocsin'],
    ['postgres://u%40corp:p%2Fq@[::1]/t', 'postgres://u@corp@[::1]/t'],
  ])('%s is shown as %s', (url, shown) => {
    expect(parseAddress(url)).toEqual({ url, shown });
  });
});

function catchError(work: () => unknown): unknown {
  try {
    work();
    return null;
  } catch (error) {
    return error;
  }
}

describe.skipIf(missingPostgres() !== null)('opening the store postgres', () => {
  let folder: string;
  let server: Postgres;
  const stores: Store[] = [];
  const sessions: Session[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tocsin-hba-'));
    const rules = [
      'host all guarded 127.0.0.1/32 scram-sha-256',
      'host all barred 127.0.0.1/32 reject',
      'host all all 127.0.0.1/32 trust',
    ];
    await writeFile(join(folder, 'hba'), `${rules.join('\n')}\n`, { mode: 0o644 });
    const { chmod } = await import('node:fs/promises');
    await chmod(folder, 0o755);
    server = await startPostgres({ fsync: 'off', hba_file: join(folder, 'hba') });
    await server.ask(`create role guarded login password '${secret}'`);
    await server.ask('create role barred login');
  });
  afterEach(async () => {
    for (const session of sessions.splice(0)) await session.close();
    for (const store of stores.splice(0)) await store.close();
  });
  afterAll(async () => {
    await server.destroy();
    await rm(folder, { recursive: true });
  });

  const open = async (url: string) => {
    const store = await postgres.open({ folder: '', url, now: Date.now });
    stores.push(store);
    return store;
  };
  const connect = async (url: string) => {
    const session = await createConnect(await loadLibrary(), parseAddress(url))({ patient: true });
    sessions.push(session);
    return session;
  };
  const as = (url: string, user: string) => url.replace('tocsin@', `${user}@`);
  const refusal = async (url: string) => {
    const error = await open(url).then(
      () => null,
      reason => reason,
    );
    expect(explainError(error)).not.toContain(secret);
    expect(explainError(error)).not.toContain('wrong-one');
    return error;
  };

  test('says where nothing answers, and that it is worth waiting', async () => {
    const error = await refusal(`postgres://u:${secret}@127.0.0.1:1/tocsin`);
    expect(error).toMatchObject({ code: 'store-unreachable', at: 'postgres://u@127.0.0.1:1/tocsin' });
    expect(error.given).toContain('ECONNREFUSED');
  });

  test('says which host has no address', async () => {
    const error = await refusal('postgres://u@nowhere.invalid/tocsin');
    expect(error).toMatchObject({ code: 'store-unreachable', given: expect.stringContaining('nowhere.invalid') });
  });

  test('says that the database is not there, the password is wrong, or the user may not come in', async () => {
    expect(await refusal(server.address('nothere'))).toMatchObject({
      code: 'store-refused',
      at: `postgres://tocsin@127.0.0.1:${server.port}/nothere`,
      remedy: expect.stringContaining('createdb'),
    });
    const url = await server.database();
    expect(await refusal(as(url, 'guarded:wrong-one'))).toMatchObject({
      code: 'store-refused',
      remedy: 'Correct the password in DATABASE_URL.',
    });
    expect(await refusal(as(url, 'barred'))).toMatchObject({
      code: 'store-refused',
      remedy: expect.stringContaining('pg_hba.conf'),
    });
  });

  test('says that the password is not there, where the server wants one', async () => {
    const url = await server.database();
    expect(await refusal(as(url, 'guarded'))).toMatchObject({
      code: 'store-refused',
      remedy: 'Put the password into DATABASE_URL.',
    });
  });

  test('says that the certificate file is not there or cannot be read', async () => {
    const url = await server.database();
    for (const path of [join(folder, 'nowhere.pem'), folder])
      expect(await refusal(`${url}?sslmode=verify-full&sslrootcert=${path}`)).toMatchObject({
        code: 'store-refused',
        remedy: expect.stringMatching(/^Correct sslrootcert /),
      });
  });

  test('waits for a server that drops its connections', async () => {
    const dropping = createServer(socket => socket.once('data', () => socket.resetAndDestroy()));
    await once(dropping.listen(0, '127.0.0.1'), 'listening');
    const { port } = dropping.address() as AddressInfo;
    expect(await refusal(`postgres://u@127.0.0.1:${port}/tocsin`)).toMatchObject({
      code: 'store-unreachable',
      given: expect.stringContaining('ECONNRESET'),
    });
    dropping.close();
  });

  test('waits for a socket that is not there yet', async () => {
    expect(await refusal(`postgres://tocsin@/tocsin?host=${folder}`)).toMatchObject({
      code: 'store-unreachable',
      given: expect.stringContaining('ENOENT'),
    });
  });

  test.each([['create table journal (id integer)'], ['create table migration (id integer)']])(
    'says that the database is of something else, and leaves it as it was: %s',
    async statement => {
      const url = await server.database();
      const name = new URL(url).pathname.slice(1);
      await server.ask(statement, name);
      const remains = `select tablename, attname from pg_tables join pg_attribute on attrelid = tablename::regclass
      where schemaname = 'public' and attnum > 0`;
      const before = await server.ask(remains, name);
      expect(await refusal(url)).toMatchObject({
        code: 'store-refused',
        remedy: 'Give Tocsin a database of its own.',
      });
      expect(await server.ask(remains, name)).toEqual(before);
    },
  );

  test('says what is to be done, not that a disk may be full, when the server refuses it later', async () => {
    const url = await server.database();
    const name = new URL(url).pathname.slice(1);
    await server.ask('grant create on schema public to guarded', name);
    const store = await open(as(url, `guarded:${secret}`));
    const later = async (store: Store, ...how: string[]) => {
      for (const statement of how) await server.ask(statement, name);
      await server.ask(`select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'
        and pid <> pg_backend_pid()`);
      const refused = [store.commit({ entries: [sampleEntry('x')] }), store.head()].map(work =>
        work.then(
          () => null,
          error => error,
        ),
      );
      return await Promise.all(refused);
    };
    const told = (remedy: string) =>
      [1, 2].map(() => ({ code: 'store-failed', remedy: expect.stringContaining(remedy) }));
    expect(await later(store, 'alter table head owner to tocsin')).toMatchObject(told('own the tables'));
    expect(await later(store, `alter role guarded password 'another'`)).toMatchObject(told('Correct the password'));
    await server.ask(`alter role guarded password '${secret}'`);
    await server.ask(`alter database ${name} rename to ${name}_gone`);
    expect(await later(store)).toMatchObject(told('createdb'));
  });

  test('says that the user may not make tables, and works when it may', async () => {
    const url = await server.database();
    const mine = as(url, `guarded:${secret}`);
    expect(await refusal(mine)).toMatchObject({
      code: 'store-refused',
      remedy: expect.stringContaining('right to create tables'),
    });
    await server.ask('grant create on schema public to guarded', new URL(url).pathname.slice(1));
    expect(await (await open(mine)).healthy()).toBe(true);
  });

  test('says that the server speaks no TLS where the address wants it', async () => {
    expect(await refusal(`${await server.database()}?sslmode=verify-full`)).toMatchObject({
      code: 'store-refused',
      remedy: expect.stringContaining('sslmode'),
    });
  });

  test('refuses an encoding that cannot keep every text', async () => {
    await server.ask(`create database narrow encoding 'SQL_ASCII' locale 'C' template template0`);
    expect(await refusal(server.address('narrow'))).toMatchObject({ code: 'store-refused', given: 'SQL_ASCII' });
  });

  test('does not depend on what a database is told to do by default', async () => {
    const url = await server.database();
    const name = new URL(url).pathname.slice(1);
    for (const setting of [
      `default_transaction_isolation = 'serializable'`,
      'synchronous_commit = off',
      `client_encoding = 'LATIN1'`,
      'enable_indexscan = off',
    ])
      await server.ask(`alter database ${name} set ${setting}`);
    const [a, b] = [await open(url), await open(url)];
    const texts = Array.from({ length: 40 }, (_, n) => `${n} ü€🚒`);
    const done = await outcomes(texts.map((text, n) => (n % 2 ? a : b).commit({ entries: [sampleEntry(text)] })));
    expect(new Set(done)).toEqual(new Set(['ok']));
    const stored = (await a.journal({ after: 0, limit: 100 })).map(({ fact }) => ('text' in fact ? fact.text : ''));
    expect(stored.sort()).toEqual(texts.sort());
    const session = await connect(url);
    expect((await session.send([{ text: 'show synchronous_commit' }]))[0]?.rows).toEqual([
      { synchronous_commit: 'on' },
    ]);
  });

  test('a server that has no connection to give is one to wait for; reads say so and go on when it has', async () => {
    const small = await startPostgres({
      fsync: 'off',
      max_connections: '5',
      superuser_reserved_connections: '0',
      max_wal_senders: '0',
    });
    try {
      const url = await small.database();
      const store = await open(url);
      const others: Session[] = [];
      // The writer has one.
      for (let n = 0; n < 4; n++) others.push(await connect(url));
      await expect(store.head()).rejects.toMatchObject({
        code: 'store-failed',
        given: expect.stringContaining('53300'),
      });
      expect(await refusal(url)).toMatchObject({ code: 'store-unreachable' });
      expect(await store.healthy()).toBe(true);
      for (const other of others) await other.close();
      expect((await store.head()).seq).toBe(0);
      await store.close();
    } finally {
      await small.destroy();
    }
  });

  test.each([
    [{ number: 130_014 }, 'store-too-old'],
    [{ standby: true }, 'store-unreachable'],
  ])('refuses a server that says %j', async (facts, code) => {
    // No such server can be installed here, so its word is played back.
    const row = { version: '13.14', number: 150_000, encoding: 'UTF8', standby: false, ...facts };
    const session: Session = {
      pid: 1,
      alive: () => true,
      ended: new Promise(() => {}),
      send: async () => [{ rows: [row], count: 1, command: 'SELECT' }],
      async close() {},
    };
    await expect(migrate(session)).rejects.toMatchObject({ code });
  });

  test('ten nodes that start together on an empty database migrate it once', async () => {
    const url = await server.database();
    const opened = await Promise.all(Array.from({ length: 10 }, () => open(url)));
    const name = new URL(url).pathname.slice(1);
    expect(await server.ask('select number from migration order by number', name)).toEqual(
      migrations.map(({ number }) => ({ number })),
    );
    const done = await outcomes(opened.map(store => store.commit({ entries: [sampleEntry('x')] })));
    expect(new Set(done)).toEqual(new Set(['ok']));
    expect((await opened[0]?.head())?.seq).toBe(10);
  });

  describe('a newer version', () => {
    const next = migrations.length + 1;
    const newer = (breaks: boolean) => [
      ...migrations,
      { number: next, name: 'a new room', breaks, up: 'create table room (id integer primary key)' },
    ];

    test('adds what older nodes need not know while they go on', async () => {
      const url = await server.database();
      const older = await open(url);
      await migrate(await connect(url), newer(false));
      expect(await outcomes([older.commit({ entries: [sampleEntry('x')] })])).toEqual(['ok']);
      expect(await (await open(url)).healthy()).toBe(true);
    });

    test('refuses what would break older nodes while one is connected, and changes nothing', async () => {
      const url = await server.database();
      const older = await open(url);
      await expect(migrate(await connect(url), newer(true))).rejects.toMatchObject({
        code: 'store-in-use',
        given: '1 of them',
        message: expect.stringContaining('a new room'),
      });
      expect(await outcomes([older.commit({ entries: [sampleEntry('x')] })])).toEqual(['ok']);
      await older.close();
      await migrate(await connect(url), newer(true));
      const error = await refusal(url);
      expect(error).toMatchObject({ code: 'store-too-new', given: `migration ${next}, a new room` });
    });

    test('does not stop at nodes of its own version', async () => {
      const url = await server.database();
      await migrate(await connect(url), newer(true));
      await enter(await connect(url), newer(true));
      const third = [...newer(true), { number: next + 1, name: 'later', breaks: false, up: 'select 1' }];
      await migrate(await connect(url), third);
    });

    test('an older node that lost its connection meanwhile writes no more, and says why', async () => {
      const url = await server.database();
      const name = new URL(url).pathname.slice(1);
      const older = await open(url);
      await server.ask(`select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`);
      await migrate(await connect(url), newer(true));
      const both = [older.commit({ entries: [sampleEntry('x')] }), older.commit({ entries: [sampleEntry('y')] })];
      expect(await outcomes(both)).toEqual(['store-too-new', 'store-too-new']);
      expect(await outcomes([older.acquire({ name: 'n', holder: 'h', ttl: 1 })])).toEqual(['store-too-new']);
    });

    test('a migration that fails leaves nothing of itself behind', async () => {
      const url = await server.database();
      await open(url);
      const half = [
        ...migrations,
        { number: next, name: 'half', breaks: false, up: 'create table half (id integer); select 1/0' },
      ];
      await expect(migrate(await connect(url), half)).rejects.toThrow('division by zero');
      const name = new URL(url).pathname.slice(1);
      expect(await server.ask("select 1 from pg_tables where tablename = 'half'", name)).toEqual([]);
      expect(await server.ask('select count(*)::int as n from migration', name)).toEqual([{ n: migrations.length }]);
    });
  });
});
