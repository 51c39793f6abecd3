import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/kernel/clock.ts';
import { createIds } from '../../src/kernel/ids.ts';
import type { NewEntry } from '../../src/model/journal.ts';
import type { Appended, Store } from '../../src/ports/store.ts';
import postgres from '../../src/stores/postgres/index.ts';
import { sampleEntry, samplePost } from '../contracts/samples.ts';
import { missingPostgres } from '../real/postgres.ts';
import { usePostgres } from './postgres-place.ts';

describe.skipIf(missingPostgres() !== null)('news of what other processes changed', () => {
  const server = usePostgres();
  let url: string;
  let mine: Store;
  let other: Store;
  let news: Appended[];

  beforeEach(async () => {
    url = await server().database();
    [mine, other] = [await open(), await open()];
    news = [];
    mine.onAppend?.(appended => void news.push(appended));
    // The first look of the listener tells where the head is.
    await other.commit({ entries: [sampleEntry('first')] });
    await heard(1);
  });
  afterEach(async () => {
    await mine.close();
    await other.close();
  });
  const open = () => postgres.open({ folder: '', url, now: Date.now });
  const heard = async (seq: number) => {
    while (!news.some(appended => appended.seq >= seq)) await sleep(5);
  };

  test('comes for entries, posts and output of others, and not for one’s own', async () => {
    const before = news.length;
    await mine.commit({ entries: [sampleEntry('own')] });
    await other.commit({
      rows: [
        { table: 'output', doc: { run: 'run_1', step: 's', attempt: 1, seq: 1, text: 'x', at: 1 } },
        { table: 'cursor', name: 'c', value: 1 },
      ],
    });
    await other.commit({ rows: [{ table: 'cursor', name: 'c', value: 2 }] });
    await other.commit({ rows: [{ table: 'post', doc: samplePost() }] });
    await other.commit({ entries: [sampleEntry('theirs')] });
    await heard(3);
    expect(news.slice(before)).toEqual([
      { seq: 2, stamp: 0, outputs: ['run_1'], cancels: [] },
      { seq: 2, stamp: 1, outputs: [], cancels: [] },
      { seq: 3, stamp: 1, first: 3, kinds: ['alert.noted'], outputs: [], cancels: [] },
    ]);
  });

  test('names runs that are to end, of a change that was made and no other', async () => {
    await expect(
      other.commit({ guards: [{ kind: 'stream', stream: 'run/run_2', version: 7 }], entries: [cancelling('run_2')] }),
    ).rejects.toMatchObject({ code: 'guard-failed' });
    await other.commit({ entries: [cancelling('run_1'), sampleEntry('and more')] });
    await heard(3);
    const kinds = ['run.cancelling', 'alert.noted'];
    expect(news.at(-1)).toEqual({ seq: 3, stamp: 0, first: 2, kinds, outputs: [], cancels: ['run_1'] });
  });

  test('fits its payload however many runs are in one change; then some are named', async () => {
    const ids = createIds(systemClock);
    const runs = Array.from({ length: 200 }, () => ids.next('run'));
    await other.commit({
      entries: runs.map(cancelling),
      rows: runs.map(run => ({ table: 'output', doc: { run, step: 's', attempt: 1, seq: 1, text: 'x', at: 1 } })),
    });
    await heard(201);
    const { outputs = [], cancels = [] } = news.at(-1) ?? {};
    expect([outputs, cancels]).toEqual([runs.slice(0, outputs.length), runs.slice(0, cancels.length)]);
    expect(Math.min(outputs.length, cancels.length)).toBeGreaterThan(0);
  });

  test('of a node that names neither cancels nor kinds is understood', async () => {
    const payload = '{"seq":1,"stamp":9,"outputs":["run_9"]}';
    await server().ask(`select pg_notify('tocsin', '${payload}')`, new URL(url).pathname.slice(1));
    while (!news.some(({ stamp }) => stamp === 9)) await sleep(5);
    expect(news.at(-1)).toEqual({ seq: 1, stamp: 9, outputs: ['run_9'], cancels: [] });
  });

  test('that was missed while the connection was gone is found afterwards', async () => {
    const name = new URL(url).pathname.slice(1);
    await server().ask(`select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`);
    await other.commit({ entries: [sampleEntry('meanwhile')] });
    // Told once more without its kinds, whether it was told or not: what else was missed is not known.
    while (!news.some(one => one.seq === 2 && one.kinds === undefined)) await sleep(5);
    await other.commit({ entries: [sampleEntry('again')] });
    await heard(3);
  });

  test('is not given to who stopped listening, and words of others on the channel are passed over', async () => {
    const told: Appended[] = [];
    const stop = mine.onAppend?.(appended => void told.push(appended));
    stop?.();
    await server().ask(
      `select pg_notify('tocsin', 'not for us'), pg_notify('tocsin', '{"seq":"x"}')`,
      new URL(url).pathname.slice(1),
    );
    await other.commit({ entries: [sampleEntry('x')] });
    await heard(2);
    expect(told).toEqual([]);
    expect(news.at(-1)).toEqual({ seq: 2, stamp: 0, first: 2, kinds: ['alert.noted'], outputs: [], cancels: [] });
  });
});

function cancelling(run: string): NewEntry {
  return { ...sampleEntry(''), stream: `run/${run}`, fact: { kind: 'run.cancelling', run, reason: null } };
}
