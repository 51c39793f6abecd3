import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { zstdCompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { exportJournal, verifyJournal } from '../../src/flow/journal/audit.ts';
import { sha256 } from '../../src/kernel/canonical.ts';
import { entryBytes, entryHash, genesis } from '../../src/model/journal.ts';
import type { Store } from '../../src/ports/store.ts';
import sqlite from '../../src/stores/sqlite/index.ts';
import { migrate, migrations } from '../../src/stores/sqlite/migrations.ts';
import type { Place } from '../contracts/place.ts';
import { sampleAlert, sampleEntry, samplePost } from '../contracts/samples.ts';
import { sqlitePlace } from './place.ts';

let place: Place;
let store: Store;
beforeEach(async () => {
  place = await sqlitePlace();
});
afterEach(async () => {
  await store.close();
  await place.destroy();
});

const openStore = async () => {
  store = await sqlite.open({ folder: place.folder, url: null, now: () => 0 });
};

/** Does something to the closed database, and opens it again. */
async function between<T>(work: (db: DatabaseSync) => T): Promise<T> {
  await store.close();
  const db = new DatabaseSync(join(place.folder, 'tocsin.db'));
  const found = work(db);
  db.close();
  await openStore();
  return found;
}

const words = Array.from({ length: 300 }, (_, n) => `${n}: a line about the disk`).join('\n');
const entry = sampleEntry(words);
const alert = sampleAlert({ annotations: { description: words } });
const body = JSON.stringify({ version: '4', words });
const blob = { digest: sha256(body), bytes: body };
const post = samplePost({ card: { ...samplePost().card, blocks: [{ kind: 'text', text: words }] } });

/** One event as the pipeline stores it: in the journal, as a document, as it came, and as a card. */
async function commitEvent(): Promise<void> {
  await store.commit({ entries: [entry], rows: [{ table: 'alert', doc: alert }], blobs: [blob] });
  await store.commit({ rows: [{ table: 'post', doc: post }] });
}

async function exported(): Promise<string> {
  let all = '';
  for await (const line of exportJournal(store)) all += line;
  return all;
}

async function readEvent() {
  return {
    entries: (await store.journal({ after: 0, limit: 9 })).map(({ bytes }) => bytes),
    alert: await store.alert('alt_1'),
    body: Buffer.from((await store.blob(blob.digest)) ?? []).toString(),
    cards: (await store.posts({ platform: 'console' })).map(({ card }) => card),
  };
}

const event = { entries: [entryBytes(entry)], alert, body, cards: [post.card] };

describe('what is stored of an event', () => {
  test('is its text once, compressed, and little more', async () => {
    await openStore();
    await commitEvent();
    const rows = await between(db =>
      db
        .prepare(
          `select 'journal' as of, length(bytes) as plain, codec, size, length(packed) as packed, null as base from journal
           union all select 'alert', length(doc), codec, size, length(packed), base from alert
           union all select 'post', length(doc), codec, size, length(packed), base from post
           union all select 'blob', 0, codec, size, length(bytes), base from blob`,
        )
        .all(),
    );
    const size = (text: string) => Buffer.byteLength(text);
    expect(rows).toEqual([
      { of: 'journal', plain: 0, codec: 1, size: size(entryBytes(entry)), packed: expect.any(Number), base: null },
      { of: 'alert', plain: 0, codec: 2, size: size(JSON.stringify(alert)), packed: expect.any(Number), base: 1 },
      { of: 'post', plain: 0, codec: 2, size: size(JSON.stringify(post)), packed: expect.any(Number), base: 1 },
      { of: 'blob', plain: 0, codec: 2, size: size(body), packed: expect.any(Number), base: 1 },
    ]);
    for (const row of rows) expect(Number(row['packed'])).toBeLessThan(Number(row['size']) / 4);
    expect(await readEvent()).toEqual(event);
  });

  test('is verified and exported alike, however it is stored', async () => {
    await openStore();
    await commitEvent();
    const before = await exported();
    const head = await store.head();
    await between(db => {
      const put = db.prepare('update journal set codec = 0, size = 0, packed = null, bytes = ? where seq = 1');
      put.run(entryBytes(entry));
    });
    expect(await exported()).toEqual(before);
    expect([await store.head(), await verifyJournal(store)]).toMatchObject([head, { done: true, broken: null }]);
    // What refers to an entry does not mind either.
    expect(await readEvent()).toEqual(event);
  });
});

describe('rows of an earlier build', () => {
  test('stay as they are, and are read beside new ones', async () => {
    const db = new DatabaseSync(join(place.folder, 'tocsin.db'));
    migrate(db, 0, migrations.slice(0, 2));
    const [bytes, hash] = [entryBytes(entry), entryHash(genesis, 1, entryBytes(entry))];
    db.prepare('insert into journal values (1, ?, 1, ?, ?, ?, ?)').run(
      entry.stream,
      'alert.noted',
      bytes,
      genesis,
      hash,
    );
    db.prepare('update head set seq = 1, hash = ?, stamp = 1').run(hash);
    db.prepare('insert into alert values (?, ?, ?, ?, ?, ?, ?)').run(
      ...['alt_1', 'alertmanager', alert.fingerprint, 'firing', 0, 1, JSON.stringify(alert)],
    );
    db.prepare('insert into blob values (?, ?, 0)').run(blob.digest, Buffer.from(body));
    db.prepare('insert into post values (1, ?, ?, ?, null, 1, 1, 0, 1, ?)').run(
      ...['console', post.key, 'alerts', JSON.stringify(post)],
    );
    db.prepare('insert into output values (?, 1, ?, ?)').run(
      ...['run_1', 's', JSON.stringify({ run: 'run_1', step: 's', attempt: 1, seq: 1, text: words, at: 1 })],
    );
    db.close();

    await openStore();
    expect(await readEvent()).toEqual(event);
    expect((await store.output({ run: 'run_1', after: 0, limit: 9 })).map(({ text }) => text)).toEqual([words]);
    const other = { ...alert, id: 'alt_2', fingerprint: 'f2' };
    await store.commit({ entries: [{ ...entry, stream: 'alert/alt_2' }], rows: [{ table: 'alert', doc: other }] });
    await store.commit({ rows: [{ table: 'alert', doc: { ...alert, version: 2 } }] });
    expect(await verifyJournal(store)).toMatchObject({ done: true, broken: null });
    const codecs = await between(of => of.prepare('select codec from journal order by seq').all());
    expect(codecs).toEqual([{ codec: 0 }, { codec: 1 }]);
    expect([await store.alert('alt_1'), await store.alert('alt_2')]).toEqual([{ ...alert, version: 2 }, other]);
  });
});

describe('a row that was changed by hand', () => {
  beforeEach(async () => {
    await openStore();
    await commitEvent();
  });
  const tamper = (sql: string, ...values: (string | number | Uint8Array)[]) =>
    between(db => db.prepare(sql).run(...values));
  const bomb = zstdCompressSync(Buffer.alloc(32 * 1024 * 1024));

  test.each([
    ['a codec that nobody knows', 'update alert set codec = 9', 'codec 9'],
    ['another size', 'update alert set size = size + 1', 'it has another length'],
    ['an entry that is not there', 'update alert set base = 77', 'no such entry'],
    ['no entry', 'update alert set base = null', 'no such entry'],
    ['nothing', 'update alert set packed = null', expect.any(String)],
  ])('to a document with %s is an error that names it', async (_, sql, given) => {
    await tamper(sql);
    const error = { code: 'row-broken', at: 'table alert: alt_1', given };
    await expect(store.alert('alt_1')).rejects.toMatchObject(error);
    await expect(store.alerts({})).rejects.toMatchObject(error);
    expect(await verifyJournal(store)).toMatchObject({ done: true, broken: null });
  });

  test('to a bomb is an error in the journal, in a body and in what refers to it', async () => {
    await tamper('update journal set packed = ?', bomb);
    await tamper('update post set packed = ?, codec = 1', bomb);
    expect((await verifyJournal(store)).broken).toMatchObject({ code: 'journal-broken', at: 'entry 1' });
    await expect(store.journal({ after: 0, limit: 9 })).rejects.toMatchObject({
      code: 'journal-broken',
      at: 'entry 1',
    });
    await expect(store.blob(blob.digest)).rejects.toMatchObject({
      code: 'row-broken',
      at: `blob ${blob.digest}: entry 1`,
    });
    await expect(store.post('console', post.key)).rejects.toMatchObject({
      code: 'row-broken',
      at: `table post: ${post.key}`,
    });
    // A damaged entry is exported as evidence, with a text that has not its hash.
    expect(await store.journalRows({ after: 0, limit: 9 })).toMatchObject([{ seq: 1, bytes: '' }]);
  });

  test('to another text of the journal is found, whatever codec it says', async () => {
    await tamper(`update journal set codec = 0, bytes = ?`, entryBytes(sampleEntry(words.replaceAll('disk', 'risk'))));
    expect((await verifyJournal(store)).broken).toMatchObject({ at: 'entry 1' });
    await expect(store.alert('alt_1')).rejects.toMatchObject({ code: 'row-broken' });
  });
});
