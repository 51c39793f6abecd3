import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, open, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isCode } from '../../src/kernel/errors.ts';
import type { Store } from '../../src/ports/store.ts';
import type { Migration } from '../../src/stores/sql/migration.ts';
import sqlite from '../../src/stores/sqlite/index.ts';
import { migrate, migrations } from '../../src/stores/sqlite/migrations.ts';
import { isAtLeast, openDatabase } from '../../src/stores/sqlite/open.ts';
import { createStore } from '../../src/stores/sqlite/store.ts';
import { outcomes } from '../contracts/harness.ts';
import type { Place } from '../contracts/place.ts';
import { sampleAlert, sampleEntry } from '../contracts/samples.ts';
import { sqlitePlace } from './place.ts';

let place: Place;
const opened: Store[] = [];

async function openStore(): Promise<Store> {
  const store = await sqlite.open({ folder: place.folder, url: null, now: Date.now });
  opened.push(store);
  return store;
}

/** The database as any other program sees it. */
function raw(): DatabaseSync {
  return new DatabaseSync(join(place.folder, 'tocsin.db'));
}

beforeEach(async () => {
  place = await sqlitePlace();
});
afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
  await place.destroy();
});

describe('the folder', () => {
  test('is made, and only this user may read what is in it', async () => {
    place = { ...place, folder: join(place.folder, 'a', 'data') };
    const store = await openStore();
    await store.commit({ entries: [sampleEntry('x')] });
    const modes = await Promise.all(['', 'tocsin.db', 'tocsin.db-wal'].map(name => stat(join(place.folder, name))));
    expect(modes.map(found => (found.mode & 0o777).toString(8))).toEqual(['700', '600', '600']);
  });

  test('that cannot be made is an error that names it', async () => {
    await writeFile(join(place.folder, 'file'), '');
    place = { ...place, folder: join(place.folder, 'file') };
    await expect(openStore()).rejects.toMatchObject({ code: 'store-failed', at: place.folder });
    place = { ...place, folder: join(place.folder, '..') };
  });

  test('with a file that is no database is refused', async () => {
    await writeFile(
      join(place.folder, 'tocsin.db'),
      'this is no database, but it is long enough to look like one'.repeat(100),
    );
    await expect(openStore()).rejects.toMatchObject({ code: 'store-failed', message: 'The database file is damaged.' });
  });
});

describe('one owner', () => {
  test('a second opening is refused, and says who has it', async () => {
    const first = await openStore();
    await expect(openStore()).rejects.toMatchObject({ code: 'store-locked', given: `held by process ${process.pid}` });
    expect(() => raw().exec('delete from journal')).toThrow(/locked/);
    await first.close();
    await (await openStore()).commit({ entries: [sampleEntry('x')] });
  });

  test('another process is refused while this one lives, and a killed one leaves no lock', async () => {
    const script = new URL('../contracts/committer.ts', import.meta.url).pathname;
    const start = () =>
      spawn(process.execPath, [script, place.module, place.folder, ''], { stdio: ['ignore', 'pipe', 'pipe'] });
    const owner = start();
    await once(owner.stdout, 'data');
    await expect(openStore()).rejects.toMatchObject({ code: 'store-locked', given: `held by process ${owner.pid}` });
    owner.kill('SIGKILL');
    await once(owner, 'exit');
    const store = await openStore();
    expect((await store.head()).seq).toBeGreaterThan(0);

    const late = start();
    let said = '';
    late.stderr.on('data', data => {
      said += data;
    });
    expect((await once(late, 'close'))[0]).not.toBe(0);
    expect(said).toContain('Another Tocsin process has this data folder open');
  });

  test('leases of the owner before are free, because it is gone', async () => {
    const first = await openStore();
    expect(await first.acquire({ name: 'run/1', holder: 'old', ttl: 1e9 })).toBe(1);
    await first.close();
    expect(await (await openStore()).acquire({ name: 'run/1', holder: 'new', ttl: 1000 })).toBe(2);
  });
});

describe('versions', () => {
  test('of SQLite are compared by number', () => {
    expect(['3.51.3', '3.51.10', '3.53.4', '4.0.0'].map(version => isAtLeast(version, '3.51.3'))).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect(['3.51.2', '3.40.1', '3.7.0', '2.99.99'].map(version => isAtLeast(version, '3.51.3'))).toEqual([
      false,
      false,
      false,
      false,
    ]);
  });

  test('a database with a later migration that breaks is refused, one that does not break is taken', async () => {
    await (await openStore()).close();
    const db = raw();
    db.exec(`insert into migration values (98, 'an index', 0, 0)`);
    await (await openStoreAfter(db)).close();
    const again = raw();
    again.exec(`insert into migration values (99, 'another shape', 1, 0)`);
    await expect(openStoreAfter(again)).rejects.toMatchObject({
      code: 'store-too-new',
      given: 'migration 99, another shape',
    });
  });

  test('migrations are numbered without a gap', () => {
    expect(migrations.map(migration => migration.number)).toEqual(migrations.map((_, index) => index + 1));
  });

  test('a migration that fails leaves the version before it, and goes through later', () => {
    const db = new DatabaseSync(':memory:');
    const second = (up: string): Migration => ({ number: migrations.length + 1, name: 'second', breaks: false, up });
    migrate(db, 0);
    expect(() =>
      migrate(db, 0, [...migrations, second('create table extra (a); insert into nowhere values (1)')]),
    ).toThrow(/nowhere/);
    expect(db.isTransaction).toBe(false);
    expect(db.prepare(`select name from sqlite_schema where name = 'extra'`).all()).toEqual([]);
    migrate(db, 0, [...migrations, second('create table extra (a)')]);
    migrate(db, 0, [...migrations, second('create table extra (a)')]);
    expect(db.prepare('select count(*) as n from migration').get()).toMatchObject({ n: migrations.length + 1 });
  });
});

async function openStoreAfter(db: DatabaseSync): Promise<Store> {
  db.close();
  return openStore();
}

describe('when the disk is full', () => {
  test('nothing is stored or lost, and it goes on when there is space again', async () => {
    const db = await openDatabase(place.folder);
    migrate(db, 0);
    const store = createStore(db, Date.now);
    opened.push(store);
    await store.commit({ entries: [sampleEntry('before')] });
    const pages = Number(db.prepare('pragma page_count').get()?.['page_count']);
    db.exec(`pragma max_page_count = ${pages + 4}`);

    // Random, so that it is not packed into less than what is left.
    const long = randomBytes(100_000).toString('hex');
    const large = () =>
      store.commit({
        entries: [sampleEntry(long)],
        rows: [{ table: 'cursor', name: 'large', value: 1 }],
      });
    const small = (text: string) => store.commit({ entries: [sampleEntry(text)] });
    expect(await outcomes([small('a'), large(), small('b')])).toEqual(['ok', 'store-failed', 'ok']);
    await expect(large()).rejects.toMatchObject({ message: 'The disk is full.', status: 503 });
    expect(await store.cursor('large')).toBe(0);

    db.exec('pragma max_page_count = 1000000');
    expect(await outcomes([large(), small('c')])).toEqual(['ok', 'ok']);
    const texts = (await store.journal({ after: 0, limit: 99 })).map(entry =>
      entry.fact.kind === 'alert.noted' ? entry.fact.text.slice(0, 9) : '',
    );
    expect(texts).toEqual(['before', 'a', 'b', long.slice(0, 9), 'c']);
    expect((await store.head()).seq).toBe(5);
  });
});

describe('damage', () => {
  test('a file overwritten in its middle is an error by code, never a wrong answer, and writing stops', async () => {
    const store = await openStore();
    for (let n = 0; n < 50; n++)
      await store.commit({
        entries: [sampleEntry('x'.repeat(20_000))],
        rows: [{ table: 'alert', doc: sampleAlert({ id: `a${n}`, fingerprint: `f${n}` }) }],
      });
    await store.close();
    const file = await open(join(place.folder, 'tocsin.db'), 'r+');
    const { size } = await file.stat();
    for (let at = 4096 * 2; at < size; at += 4096) await file.write(Buffer.alloc(64, 0xff), 0, 64, at);
    await file.close();
    const outcome = await openStore().then(
      async again => outcomes([again.commit({ entries: [sampleEntry('y')] })]),
      error => [error.code],
    );
    expect(outcome).toEqual(['store-failed']);
  });

  test('a document edited by hand into nonsense is an error that names its table', async () => {
    const store = await openStore();
    await store.commit({ rows: [{ table: 'alert', doc: sampleAlert() }] });
    await store.close();
    const db = raw();
    db.exec(`update alert set doc = json_set(doc, '$.state', 'on fire')`);
    const again = await openStoreAfter(db);
    const error = await again.alert('alt_1').catch(e => e);
    expect(isCode(error, 'store-failed') && error.at).toContain('table alert');
    expect(error.given).toContain('state');
  });
});

test('the process id file is only a hint: nonsense in it harms nothing', async () => {
  await mkdir(place.folder, { recursive: true });
  await writeFile(join(place.folder, 'tocsin.pid'), 'nonsense');
  await openStore();
  expect(await readFile(join(place.folder, 'tocsin.pid'), 'utf8')).toBe(`${process.pid}\n`);
});
