import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { verifyJournal } from '../../src/flow/journal/audit.ts';
import { sha256 } from '../../src/kernel/canonical.ts';
import type { Store } from '../../src/ports/store.ts';
import postgres from '../../src/stores/postgres/index.ts';
import sqlite from '../../src/stores/sqlite/index.ts';
import { outcomes } from '../contracts/harness.ts';
import { hostile } from '../contracts/hostile.ts';
import { sampleAlert, sampleApproval, sampleEntry, samplePost, sampleRun } from '../contracts/samples.ts';
import { missingPostgres } from '../real/postgres.ts';
import { usePostgres } from '../stores/postgres-place.ts';
import { cli } from './terminal.ts';

describe.skipIf(missingPostgres() !== null)('tocsin migrate-store', () => {
  const server = usePostgres();
  let folder: string;
  let url: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tocsin-move-'));
    url = await server().database();
  });
  afterEach(() => rm(folder, { recursive: true }));

  const move = (address = url) => cli(['migrate-store'], { env: { TOCSIN_DATA: folder, DATABASE_URL: address } });
  const openSqlite = () => sqlite.open({ folder, url: null, now: Date.now });
  const openPostgres = (address = url) => postgres.open({ folder: '', url: address, now: Date.now });
  const name = () => new URL(url).pathname.slice(1);

  const bytes = randomBytes(5 * 1024 * 1024);
  const long = 'what fills the disk '.repeat(200);

  /** A history with everything in it, more of it than one insert takes. */
  async function fill(store: Store): Promise<void> {
    for (let n = 0; n < 2500; n += 500)
      await Promise.all(
        Array.from({ length: 500 }, (_, k) => store.commit({ entries: [sampleEntry(`${n + k}`, `alert/${k % 7}`)] })),
      );
    for (const [index, [, text]] of hostile.entries())
      await store.commit({
        guards: [{ kind: 'claim', space: text, key: text, at: 1, keep: null }],
        entries: [sampleEntry(text, `alert/${text}`)],
        rows: [
          { table: 'alert', doc: sampleAlert({ id: `alt_${index}`, fingerprint: text, title: text }) },
          { table: 'run', doc: sampleRun({ id: `run_${index}`, targets: [text], createdAt: index }) },
          { table: 'approval', doc: sampleApproval({ id: `apv_${index}`, question: text }) },
          { table: 'post', doc: samplePost({ key: text, order: 1 }) },
          { table: 'cursor', name: text, value: index },
          { table: 'output', doc: { run: 'run_1', step: text, attempt: 1, seq: index + 1, text, at: 1 } },
        ],
        blobs: [{ digest: sha256(text), bytes: text }],
      });
    await store.commit({
      entries: [sampleEntry(long, 'alert/alt_long')],
      rows: [{ table: 'alert', doc: sampleAlert({ id: 'alt_long', fingerprint: 'long', title: long }) }],
      blobs: [{ digest: sha256(long), bytes: long }],
    });
    await store.commit({
      rows: [{ table: 'halt', doc: { by: 'person:alice', reason: 'moving\0', at: 1 } }],
      blobs: [{ digest: sha256(bytes), bytes }],
    });
    await store.acquire({ name: 'run/run_1', holder: 'a', ttl: 1e9 });
    await store.acquire({ name: 'run/run_1', holder: 'a', ttl: 1e9 });
  }

  /** All that a store tells. */
  async function tell(store: Store) {
    const pages = [];
    for (let after = 0; ; after += 1000) {
      const page = await store.journalRows({ after, limit: 1000 });
      if (page.length === 0) break;
      pages.push(page);
    }
    const texts = hostile.map(([, text]) => text);
    return {
      journal: pages.flat(),
      head: await store.head(),
      alerts: await store.alerts({ limit: 1000 }),
      runs: await store.runs({ limit: 1000 }),
      approvals: await store.approvals({ limit: 1000 }),
      posts: await store.posts({ platform: 'console', limit: 1000 }),
      changed: await store.posts({ platform: 'console', limit: 1000, changedAfter: 3 }),
      output: await store.output({ run: 'run_1', after: 0, limit: 1000 }),
      halted: await store.halted(),
      auto: await store.autoRuns({ runbook: 'disk-full', since: 0 }),
      cursors: await Promise.all(texts.map(text => store.cursor(text))),
      claimed: await Promise.all(texts.map(text => store.claimed({ space: text, key: text }))),
      blobs: await Promise.all([...texts, bytes].map(async one => sha256((await store.blob(sha256(one))) ?? ''))),
    };
  }

  test('copies everything, byte for byte, and both stores go on', async () => {
    const source = await openSqlite();
    await fill(source);
    const before = await tell(source);
    await source.close();

    const { code, out, err } = await move();
    expect([code, out]).toEqual([0, `${before.head.seq}:${before.head.hash}`]);
    expect(err).toContain(`postgres://tocsin@127.0.0.1:${server().port}/${name()}`);

    const target = await openPostgres();
    try {
      expect(await tell(target)).toEqual(before);
      expect(before.journal).toHaveLength(2500 + hostile.length + 1);
      expect((await verifyJournal(target)).broken).toBeNull();
      // Nobody holds what was held, and the next token is greater than those of before.
      expect(await target.acquire({ name: 'run/run_1', holder: 'b', ttl: 1000 })).toBe(3);
      const guards = [{ kind: 'claim', space: 'a', key: 'a', at: 1, keep: null }] as const;
      expect(await outcomes([target.commit({ guards }), target.commit({ entries: [sampleEntry('on')] })])).toEqual([
        'guard-failed',
        'ok',
      ]);
      await target.commit({ rows: [{ table: 'post', doc: samplePost({ key: 'new', order: 1 }) }] });
      expect((await target.posts({ platform: 'console', limit: 1000 })).at(-1)?.key).toBe('new');
      expect((await verifyJournal(target)).broken).toBeNull();
    } finally {
      await target.close();
    }
    const again = await openSqlite();
    expect(await again.head()).toEqual(before.head);
    await again.close();
  });

  test('refuses a database that has anything in it, and leaves it as it is', async () => {
    await (await openSqlite()).close();
    const target = await openPostgres();
    await target.commit({ rows: [{ table: 'cursor', name: 'c', value: 1 }] });
    expect(await move()).toMatchObject({ code: 1, err: expect.stringContaining('store-not-empty') });
    expect(await target.cursor('c')).toBe(1);
    await target.close();
  });

  test('refuses a journal that does not verify, and leaves nothing behind', async () => {
    const source = await openSqlite();
    await fill(source);
    await source.close();
    const { DatabaseSync } = await import('node:sqlite');
    const db = new DatabaseSync(join(folder, 'tocsin.db'));
    db.exec(`update journal set bytes = replace(bytes, '"700"', '"701"') where seq = 701`);
    db.close();
    const { code, err } = await move();
    expect(code).toBe(1);
    expect(err).toContain('entry 701');
    expect(await server().ask('select count(*)::int as n from journal', name())).toEqual([{ n: 0 }]);
  });

  test('refuses while a process has the folder open, and where there is nothing to copy', async () => {
    expect(await move()).toMatchObject({ code: 2, err: expect.stringContaining('file-missing') });
    const source = await openSqlite();
    expect(await move()).toMatchObject({ code: 1, err: expect.stringContaining('store-locked') });
    await source.close();
    expect(await move('')).toMatchObject({ code: 2, err: expect.stringContaining('DATABASE_URL') });
    expect(await move('postgres://u:hunter2@127.0.0.1:1/x')).toMatchObject({
      code: 1,
      err: expect.stringMatching(/store-unreachable(?!.*hunter2)/s),
    });
  });
});
