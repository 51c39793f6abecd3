import { createPrivateKey, createPublicKey } from 'node:crypto';
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  beginning,
  checkCheckpoint,
  createCheckpoint,
  createCheckpointKeys,
  exportJournal,
  type Position,
  verifyJournal,
} from '../../../src/flow/journal/audit.ts';
import { entryHash } from '../../../src/model/journal.ts';
import type { Store } from '../../../src/ports/store.ts';
import { createHarness, type Harness } from '../../contracts/place.ts';
import { sampleEntry } from '../../contracts/samples.ts';
import { sqlitePlace } from '../../stores/place.ts';

let harness: Harness;
let store: Store;

beforeEach(async () => {
  harness = await createHarness(sqlitePlace);
  store = await harness.open();
  for (let n = 1; n <= 10; n++) await store.commit({ entries: [sampleEntry(`${n}`, `alert/${n % 3}`)] });
});
afterEach(() => harness.close());

/** Somebody with the file in their hands. */
async function tamper(change: (db: DatabaseSync) => void): Promise<void> {
  await store.close();
  const db = new DatabaseSync(join(harness.place.folder, 'tocsin.db'));
  change(db);
  db.close();
  store = await harness.open();
}

const sqlTamper = (sql: string) => tamper(db => db.exec(sql));
const head = (db: DatabaseSync, seq: number) =>
  db.exec(`update head set seq = ${seq}, hash = (select hash from journal where seq = ${seq})`);

/** Recomputes all hashes from an entry on, as somebody would who knows how. */
function rechain(db: DatabaseSync, from: number): void {
  const rows = db.prepare('select seq, bytes, prev from journal where seq >= ? order by seq').all(from);
  let prev = String(rows[0]?.['prev']);
  for (const row of rows) {
    const hash = entryHash(prev, Number(row['seq']), String(row['bytes']));
    db.prepare('update journal set prev = ?, hash = ? where seq = ?').run(prev, hash, Number(row['seq']));
    prev = hash;
  }
  head(db, Number(rows.at(-1)?.['seq']));
}

async function firstBad(): Promise<string> {
  const { broken, done } = await verifyJournal(store);
  expect(done).toBe(broken === null);
  return broken === null ? 'nothing' : `${broken.code} at ${broken.at}: ${broken.given}`;
}

describe('an untouched journal', () => {
  test('verifies, at once and in parts', async () => {
    expect(await verifyJournal(store)).toEqual({ at: await store.head(), done: true, broken: null });
    let from: Position = beginning;
    const seen: number[] = [];
    for (;;) {
      const part = await verifyJournal(store, { from, limit: 4 });
      expect(part.broken).toBeNull();
      from = part.at;
      seen.push(from.seq);
      if (part.done) break;
    }
    expect(seen).toEqual([4, 8, 10, 10].slice(0, seen.length));
    await store.commit({ entries: [sampleEntry('more', 'alert/0')] });
    expect(await verifyJournal(store, { from })).toMatchObject({ at: { seq: 11 }, done: true, broken: null });
  });

  test('verifies when it is empty, and while entries are added', async () => {
    const other = await createHarness(sqlitePlace);
    const empty = await other.open();
    expect(await verifyJournal(empty)).toEqual({ at: beginning, done: true, broken: null });
    const adding = (async () => {
      for (let n = 0; n < 300; n++)
        await empty.commit({ entries: Array.from({ length: 5 }, () => sampleEntry(`${n}`)) });
    })();
    while ((await empty.head()).seq < 1500) expect((await verifyJournal(empty)).broken).toBeNull();
    await adding;
    await other.close();
  });
});

describe('the first bad entry is named', () => {
  test.each([
    [
      'bytes edited',
      `update journal set bytes = replace(bytes, '"text":"4"', '"text":"5"') where seq = 4`,
      'entry 4: its bytes do not have its hash',
    ],
    ['bytes cut', `update journal set bytes = '' where seq = 1`, 'entry 1: its bytes do not have its hash'],
    [
      'hash edited',
      `update journal set hash = 'f' || substr(hash, 2) || 'f' where seq = 6`,
      'entry 6: its bytes do not have its hash',
    ],
    ['deleted in the middle', 'delete from journal where seq = 5', 'entry 5: entry 5 is missing'],
    ['deleted at the start', 'delete from journal where seq <= 2', 'entry 1: entry 1 is missing'],
    ['tail cut', 'delete from journal where seq > 7', 'entry 8: it is missing, and the head is entry 10'],
    ['all deleted', 'delete from journal', 'entry 1: it is missing, and the head is entry 10'],
    [
      'two exchanged',
      'update journal set seq = -1 where seq = 3; update journal set seq = 3 where seq = 6; update journal set seq = 6 where seq = -1',
      'entry 3: its previous hash is not the hash of the entry before',
    ],
    [
      'one inserted',
      `insert into journal (seq, stream, pos, kind, bytes, prev, hash) select 11, stream, 99, kind, bytes, prev, hash from journal where seq = 10`,
      'entry 11: its previous hash is not the hash of the entry before',
    ],
    [
      'stream column',
      `update journal set stream = 'alert/other' where seq = 9`,
      'entry 9: its stream column is alert/other',
    ],
    ['kind column', `update journal set kind = 'halt.set' where seq = 2`, 'entry 2: its kind column is halt.set'],
    ['position column', 'update journal set pos = 50 where seq = 7', 'entry 7: its position in alert/1 is 50, not 3'],
    [
      'head back',
      'update head set seq = 8, hash = (select hash from journal where seq = 8)',
      'entry 9: it is there, but the head is entry 8',
    ],
    ['head edited', `update head set hash = '${'0'.repeat(64)}'`, 'entry 10: the head has another hash for it'],
  ])('%s', async (_, sql, expected) => {
    expect(await firstBad()).toBe('nothing');
    await sqlTamper(sql);
    expect(await firstBad()).toBe(`journal-broken at ${expected}`);
  });

  test('by a check that goes on from the middle too, and the same each time', async () => {
    const { at } = await verifyJournal(store, { limit: 4 });
    await sqlTamper(`update journal set bytes = replace(bytes, '"text":"7"', '"text":"x"') where seq = 7`);
    for (let n = 0; n < 2; n++) {
      const check = await verifyJournal(store, { from: at });
      expect([check.at.seq, check.done, check.broken?.at]).toEqual([6, false, 'entry 7']);
    }
  });

  test('reading such an entry is an error by code as well', async () => {
    await sqlTamper(`update journal set bytes = '{"not":"an entry"}' where seq = 4`);
    await expect(store.journal({ after: 0, limit: 10 })).rejects.toMatchObject({
      code: 'journal-broken',
      at: 'entry 4',
    });
    expect(await store.journalRows({ after: 0, limit: 10 })).toHaveLength(10);
  });
});

describe('checkpoints', () => {
  const { privateKey: privatePem, publicKey: publicPem } = createCheckpointKeys();
  const [privateKey, publicKey] = [createPrivateKey(privatePem), createPublicKey(publicPem)];
  const origin = 'tocsin.example/main';
  const make = async () => createCheckpoint(origin, await store.head(), privateKey);
  const check = (note: string) => checkCheckpoint(store, note, { origin, publicKey });

  test('are three lines, an empty one and a signature, and hold for what comes later', async () => {
    const { seq, hash } = await store.head();
    const note = await make();
    expect(note.split('\n').slice(0, 4)).toEqual([origin, `${seq}`, hash, '']);
    expect(note.split('\n')[4]).toMatch(/^— tocsin.example\/main [A-Za-z0-9+/]{91}=$/);
    expect(await check(note)).toEqual({ seq, hash });
    await store.commit({ entries: [sampleEntry('later')] });
    expect(await check(note)).toEqual({ seq, hash });
    expect(await check(createCheckpoint(origin, beginning, privateKey))).toEqual(beginning);
  });

  test('find a tail that was cut together with the head row', async () => {
    const note = await make();
    await tamper(db => {
      db.exec('delete from journal where seq > 7');
      head(db, 7);
    });
    expect(await firstBad()).toBe('nothing');
    await expect(check(note)).rejects.toMatchObject({ code: 'journal-broken', at: 'entry 8', given: '7' });
  });

  test('find an old copy that was put back, also after it has grown again', async () => {
    await store.close();
    await cp(harness.place.folder, `${harness.place.folder}-old`, { recursive: true });
    store = await harness.open();
    for (let n = 0; n < 3; n++) await store.commit({ entries: [sampleEntry('lost')] });
    const note = await make();
    await store.close();
    await cp(`${harness.place.folder}-old`, harness.place.folder, { recursive: true });
    await rm(`${harness.place.folder}-old`, { recursive: true });
    store = await harness.open();
    await expect(check(note)).rejects.toMatchObject({ code: 'journal-broken', at: 'entry 11' });
    for (let n = 0; n < 5; n++) await store.commit({ entries: [sampleEntry('other')] });
    expect(await firstBad()).toBe('nothing');
    await expect(check(note)).rejects.toMatchObject({ code: 'journal-broken', at: 'entry 13' });
  });

  test('find a history that was rewritten with all its hashes', async () => {
    const note = await make();
    await tamper(db => {
      db.exec(`update journal set bytes = replace(bytes, '"text":"4"', '"text":"5"') where seq = 4`);
      rechain(db, 4);
    });
    expect(await firstBad()).toBe('nothing');
    await expect(check(note)).rejects.toMatchObject({ code: 'journal-broken', at: 'entry 10' });
  });

  test('are refused when anything in them was changed', async () => {
    const note = await make();
    const forged = createCheckpoint(origin, await store.head(), createPrivateKey(createCheckpointKeys().privateKey));
    const elsewhere = createCheckpoint('tocsin.example/other', await store.head(), privateKey);
    const changed = [
      forged,
      elsewhere,
      note.replace('\n10\n', '\n9\n'),
      note.replace(origin, 'tocsin.example/other'),
      note.replace(`— ${origin}`, '— tocsin.example/other'),
      note.replace(/(— \S+ )(.)/, (_, before, first) => before + (first === 'A' ? 'B' : 'A')),
      note.replaceAll(origin, 'tocsin.example/other'),
      note.replace(/[0-9a-f]{64}/, '0'.repeat(64)),
      note.slice(0, -1),
      `${note}\n`,
      note.replace(/— (\S+) \S+/, '— $1 AAAA'),
      '',
      'nonsense',
    ];
    for (const bad of changed) await expect(check(bad)).rejects.toMatchObject({ code: 'journal-broken' });
  });

  test.each(['', 'two words', 'a+b', 'line\nend'])('have no origin like %j', async bad => {
    expect(() => createCheckpoint(bad, beginning, privateKey)).toThrow(
      expect.objectContaining({ code: 'bad-request' }),
    );
  });
});

describe('the export', () => {
  test('has every entry with its exact bytes, and verifies by itself', async () => {
    const lines: string[] = [];
    for await (const line of exportJournal(store)) lines.push(line);
    let { seq, hash } = beginning;
    for (const line of lines) {
      expect(line.endsWith('}\n')).toBe(true);
      const row = JSON.parse(line);
      expect([row.seq, row.prev, row.hash]).toEqual([seq + 1, hash, entryHash(hash, seq + 1, row.bytes)]);
      ({ seq, hash } = row);
    }
    expect({ seq, hash }).toEqual(await store.head());
  });

  test('begins and ends where one says', async () => {
    const seqs: number[] = [];
    for await (const line of exportJournal(store, { after: 3, limit: 4 })) seqs.push(JSON.parse(line).seq);
    expect(seqs).toEqual([4, 5, 6, 7]);
  });
});
