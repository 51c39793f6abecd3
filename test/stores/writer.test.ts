import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { beforeEach, describe, expect, test } from 'vitest';
import { TocsinError } from '../../src/kernel/errors.ts';
import { createLogSync, type LogSync } from '../../src/stores/sqlite/log-sync.ts';
import { migrate } from '../../src/stores/sqlite/migrations.ts';
import { createWriter, type Writer } from '../../src/stores/sqlite/writer.ts';
import { outcomes } from '../contracts/harness.ts';

/** A database in memory has no log. */
const noLog: LogSync = { sync: () => Promise.resolve(), syncNow() {}, close() {} };

let db: DatabaseSync;
let writer: Writer;

beforeEach(() => {
  db = new DatabaseSync(':memory:');
  migrate(db, 0);
  writer = createWriter(db, noLog);
});

const note = (name: string) => () => {
  db.prepare('insert into cursor values (?, 1)').run(name);
  return name;
};
const names = () =>
  db
    .prepare('select name from cursor order by name')
    .all()
    .map(row => row['name']);

describe('group commit', () => {
  test('calls of one turn share a transaction, in order', async () => {
    const order: string[] = [];
    const inside: boolean[] = [];
    const work = (name: string) => () => {
      order.push(name);
      inside.push(db.isTransaction);
    };
    const done = ['a', 'b', 'c'].map(name => writer.write(work(name), 1));
    expect(order).toEqual([]);
    await Promise.all(done);
    expect([order, inside]).toEqual([
      ['a', 'b', 'c'],
      [true, true, true],
    ]);
    expect(db.isTransaction).toBe(false);
  });

  test('a transaction is bounded by members and by bytes', async () => {
    const sizes = async (members: number[]) => {
      // Each transaction has its own head.
      const heads = new Map<object, number>();
      const count = (head: object) => heads.set(head, (heads.get(head) ?? 0) + 1);
      await Promise.all(members.map(size => writer.write(count, size)));
      return [...heads.values()];
    };
    expect(await sizes(Array(600).fill(1))).toEqual([256, 256, 88]);
    expect(await sizes([3, 1, 1, 9, 1, 2].map(size => size * 1024 * 1024))).toEqual([2, 1, 1, 2]);
  });

  test('a guard that fails rejects its member alone, in the same transaction', async () => {
    let runs = 0;
    const fine = (name: string) => () => {
      runs += 1;
      return note(name)();
    };
    const failing = () => {
      throw new TocsinError('guard-failed');
    };
    expect(await outcomes([writer.write(fine('a'), 1), writer.write(failing, 1), writer.write(fine('b'), 1)])).toEqual([
      'ok',
      'guard-failed',
      'ok',
    ]);
    expect([names(), runs]).toEqual([['a', 'b'], 2]);
  });

  test('an error of one member does not take the others with it, and leaves nothing behind', async () => {
    const half = () => {
      note('half')();
      db.prepare('insert into nowhere values (1)').run();
    };
    const all = [writer.write(note('a'), 1), writer.write(half, 1), writer.write(note('b'), 1)];
    expect(await outcomes(all)).toEqual(['ok', 'store-failed', 'ok']);
    expect(names()).toEqual(['a', 'b']);
    await expect(all[1]).rejects.toMatchObject({ given: 'no such table: nowhere' });
  });

  test('the head moves with the commit, and stays when it is rolled back', async () => {
    const step = (fail: boolean) =>
      writer.write(head => {
        head.seq += 1;
        head.stamp += 10;
        if (fail) throw new Error('no');
        return head.seq;
      }, 1);
    expect(await Promise.allSettled([step(false), step(true), step(false)])).toMatchObject([
      { value: 1 },
      { status: 'rejected' },
      { value: 2 },
    ]);
    expect(db.prepare('select seq, stamp from head').get()).toMatchObject({ seq: 2, stamp: 20 });
  });

  test('after the disk failed nothing more is written, because a second fsync may lie', async () => {
    const failure = Object.assign(new Error('disk I/O error'), { errcode: 1034 });
    const fail = () => {
      throw failure;
    };
    expect(await outcomes([writer.write(note('a'), 1), writer.write(fail, 1), writer.write(note('b'), 1)])).toEqual([
      'store-failed',
      'store-failed',
      'store-failed',
    ]);
    await expect(writer.write(note('c'), 1)).rejects.toMatchObject({
      message: 'The disk failed while it was written.',
    });
    expect(names()).toEqual([]);
  });

  test('closing flushes what waits, then refuses', async () => {
    const waiting = Array.from({ length: 300 }, (_, n) => writer.write(note(`${n}`), 1));
    writer.close();
    expect(names()).toHaveLength(300);
    expect(new Set(await outcomes(waiting))).toEqual(new Set(['ok']));
    expect(await outcomes([writer.write(note('late'), 1)])).toEqual(['store-failed']);
  });
});

describe('the sync of the log', () => {
  /** A log whose syncs end when the test says so. */
  function heldLog() {
    const syncs: PromiseWithResolvers<void>[] = [];
    const log: LogSync = {
      sync() {
        const one = Promise.withResolvers<void>();
        syncs.push(one);
        return one.promise;
      },
      syncNow: () => void told.push('synced now'),
      close() {},
    };
    const told: string[] = [];
    return { log, syncs, told };
  }
  const turn = () => new Promise(resolve => setImmediate(() => setImmediate(resolve)));

  test('nobody is told before a sync that began after the commit has ended; those that came meanwhile share the next', async () => {
    const { log, syncs, told } = heldLog();
    writer = createWriter(db, log);
    const write = (name: string) => writer.write(note(name), 1).then(() => told.push(name));
    const first = write('a');
    await turn();
    const others = [write('b'), write('c')];
    await turn();
    others.push(write('d'));
    await turn();
    // The first is committed, its sync is under way, and nobody knows of it; the others wait for its end.
    expect([names(), syncs.length, told]).toEqual([['a'], 1, []]);
    syncs[0]?.resolve();
    await first;
    await turn();
    expect([names(), syncs.length, told]).toEqual([['a', 'b', 'c', 'd'], 2, ['a']]);
    syncs[1]?.resolve();
    await Promise.all(others);
    expect([syncs.length, told]).toEqual([2, ['a', 'b', 'c', 'd']]);
  });

  test('one that fails refuses all that rely on it, tells once, and nothing more is written', async () => {
    const { log, syncs } = heldLog();
    const damage: string[] = [];
    writer = createWriter(db, log, error => damage.push(error.message));
    const all = [writer.write(note('a'), 1)];
    await turn();
    all.push(writer.write(note('b'), 1));
    await turn();
    syncs[0]?.reject(new Error('EIO: i/o error, fdatasync'));
    expect(await outcomes(all)).toEqual(['store-failed', 'store-failed']);
    expect(await outcomes([writer.write(note('c'), 1)])).toEqual(['store-failed']);
    expect(names()).not.toContain('c');
    expect(damage).toHaveLength(1);
  });

  test('a close syncs first, and whom a sync under way covers is told by its end', async () => {
    const { log, syncs, told } = heldLog();
    writer = createWriter(db, log);
    const all = [writer.write(note('a'), 1)];
    await turn();
    all.push(writer.write(note('b'), 1));
    for (const one of all) void one.then(name => told.push(name));
    const closed = writer.close();
    await turn();
    expect(told).toEqual(['synced now']);
    syncs[0]?.resolve();
    await closed;
    expect(await outcomes(all)).toEqual(['ok', 'ok']);
  });

  test('a close is no success when the sync under way fails: it took the failure, and the second hears of none', async () => {
    const { log, syncs, told } = heldLog();
    writer = createWriter(db, log);
    const all = [writer.write(note('a'), 1)];
    await turn();
    all.push(writer.write(note('b'), 1));
    const closed = writer.close();
    syncs[0]?.reject(new Error('EIO: i/o error, fdatasync'));
    expect(await outcomes(all)).toEqual(['store-failed', 'store-failed']);
    await closed;
    expect(told).toEqual(['synced now']);
  });

  test('nor when its own sync fails, and the one under way hears of nothing', async () => {
    const { log, syncs } = heldLog();
    const failing: LogSync = {
      ...log,
      syncNow() {
        throw new Error('EIO: i/o error, fdatasync');
      },
    };
    writer = createWriter(db, failing);
    const all = [writer.write(note('a'), 1)];
    await turn();
    const closed = writer.close();
    syncs[0]?.resolve();
    await closed;
    expect(await outcomes(all)).toEqual(['store-failed']);
  });

  test('the log of a real database is there to be synced, and a missing one is the disk failing', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tocsin-log-'));
    try {
      const real = new DatabaseSync(join(folder, 'x.db'));
      real.exec('pragma journal_mode = wal; create table t (x)');
      const log = createLogSync(`${join(folder, 'x.db')}-wal`);
      await log.sync();
      log.syncNow();
      log.close();
      real.close();
      const gone = createLogSync(join(folder, 'none-wal'));
      expect(await outcomes([gone.sync()])).toEqual(['store-failed']);
      expect(() => gone.syncNow()).toThrow(TocsinError);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
