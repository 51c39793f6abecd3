import { afterEach, describe, expect, test } from 'vitest';
import type { Store } from '../../src/ports/store.ts';
import { parseAddress } from '../../src/stores/postgres/address.ts';
import postgres from '../../src/stores/postgres/index.ts';
import { createConnect, loadLibrary, type Session } from '../../src/stores/postgres/session.ts';
import { outcomes } from '../contracts/harness.ts';
import { sampleEntry } from '../contracts/samples.ts';
import { missingPostgres } from '../real/postgres.ts';
import { usePostgres } from './postgres-place.ts';

describe.skipIf(missingPostgres() !== null)('a node in a crowd', () => {
  const server = usePostgres();
  let store: Store;
  let other: Session;
  afterEach(async () => {
    await other.close();
    await store.close();
  });

  test('takes along in one transaction whoever came while it waited for the lock of another node, in order', async () => {
    const url = await server().database();
    const name = new URL(url).pathname.slice(1);
    store = await postgres.open({ folder: '', url, now: Date.now });
    other = await createConnect(await loadLibrary(), parseAddress(url))();
    const isWaiting = `select count(*)::int as n from pg_stat_activity where datname = '${name}' and wait_event_type = 'Lock'`;
    const put = (text: string) => store.commit({ entries: [sampleEntry(text)] });
    const claim = () =>
      store.commit({
        guards: [{ kind: 'claim', space: 's', key: 'k', at: 1, keep: null }],
        entries: [sampleEntry('claim')],
      });
    /** Another node has the lock while the first of these waits for it and the others come. */
    async function inCrowd(first: () => Promise<unknown>, ...later: (() => Promise<unknown>)[]): Promise<string[]> {
      await other.send([{ text: 'begin' }, { text: 'select 1 from head where id = 1 for update' }]);
      const begun = [first()];
      for (let tries = 0; tries < 1000; tries++) {
        const [row] = await server().ask(isWaiting, name);
        if (row?.['n'] === 1) break;
      }
      // Longer than a lock takes that nobody has.
      await new Promise(resolve => setTimeout(resolve, 50));
      const ends = outcomes([...begun, ...later.map(one => one())]);
      await new Promise(resolve => setImmediate(resolve));
      await other.send([{ text: 'commit' }]);
      return await ends;
    }

    // The first that has to wait tells of the crowd.
    expect(await inCrowd(() => put('a'))).toEqual(['ok']);
    expect(
      await inCrowd(
        () => put('c'),
        claim,
        claim,
        () => put('d'),
      ),
    ).toEqual(['ok', 'ok', 'guard-failed', 'ok']);
    const rows = await server().ask('select bytes, xmin::text as made from journal order by seq', name);
    const made = rows.map(row => row['made']);
    expect(rows.map(row => /"text":"(\w+)"/.exec(String(row['bytes']))?.[1])).toEqual(['a', 'c', 'claim', 'd']);
    expect(made[0]).not.toBe(made[1]);
    expect(new Set(made.slice(1)).size).toBe(1);
    // Without a crowd it is as before.
    expect(await outcomes([put('e'), put('f')])).toEqual(['ok', 'ok']);
    expect((await store.head()).seq).toBe(6);
  });
});
