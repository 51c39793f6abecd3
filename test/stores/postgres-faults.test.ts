import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { entryHash, genesis } from '../../src/model/journal.ts';
import type { Store } from '../../src/ports/store.ts';
import { parseAddress } from '../../src/stores/postgres/address.ts';
import postgres from '../../src/stores/postgres/index.ts';
import { createConnect, loadLibrary } from '../../src/stores/postgres/session.ts';
import { outcomes } from '../contracts/harness.ts';
import { sampleEntry } from '../contracts/samples.ts';
import { missingPostgres } from '../real/postgres.ts';
import { startProxy, type TcpProxy } from '../real/proxy.ts';
import { usePostgres } from './postgres-place.ts';

/** The statement as it travels, with its end. */
const theCommit = 'commit\0';

/** Rows F11, F12 and F35 of the fault matrix, as far as the store is concerned: the journal is the ledger that everything is checked against. */
describe.skipIf(missingPostgres() !== null)('the store postgres', () => {
  const server = usePostgres();
  let proxy: TcpProxy;
  let url: string;
  let name: string;
  let stores: Store[];
  let stops: (() => Promise<unknown>)[];

  beforeEach(async () => {
    url = await server().database();
    name = new URL(url).pathname.slice(1);
    proxy = await startProxy({ port: server().port });
    [stores, stops] = [[], []];
  });
  afterEach(async () => {
    // A test that failed must not leave its load behind.
    for (const stop of stops) await stop();
    proxy.pass();
    proxy.refuse(false);
    for (const store of stores) await store.close();
    await proxy.close();
  });

  const open = async (address = url) => {
    const store = await postgres.open({ folder: '', url: address, now: Date.now });
    stores.push(store);
    return store;
  };
  const throughProxy = () => open(url.replace(`:${server().port}/`, `:${proxy.port}/`));
  const claim = (key: string) => ({ kind: 'claim', space: 's', key, at: 0, keep: null }) as const;
  const commit = (store: Store, text: string) =>
    store.commit({
      guards: [claim(text)],
      entries: [sampleEntry(text)],
      rows: [{ table: 'cursor', name: text, value: 1 }],
    });

  /** The texts in the journal, once the chain has verified. */
  async function verified(store: Store): Promise<string[]> {
    const texts: string[] = [];
    let prev = genesis;
    for (let after = 0; ; ) {
      const page = await store.journal({ after, limit: 1000 });
      for (const entry of page) {
        expect([entry.seq, entry.prev, entry.hash]).toEqual([after + 1, prev, entryHash(prev, entry.seq, entry.bytes)]);
        after = entry.seq;
        prev = entry.hash;
        texts.push(entry.fact.kind === 'alert.noted' ? entry.fact.text : '');
      }
      if (page.length === 0) break;
    }
    expect(await store.head()).toEqual({ seq: texts.length, hash: prev });
    return texts;
  }

  /** Commits without end until told to stop; a change that was refused is made again, as a sender does. Gives what was acknowledged. */
  function load(store: Store, prefix: string, width = 8) {
    let going = true;
    const acknowledged: string[] = [];
    const codes = new Map<string, number>();
    const readers = Array.from({ length: width }, async (_, reader) => {
      for (let number = 0; going && number < 100_000; number++) {
        const text = `${prefix}/${reader}/${number}`;
        for (let tries = 0; tries < 50 && (going || tries > 0); tries++) {
          const [outcome = ''] = await outcomes([commit(store, text)]);
          codes.set(outcome, (codes.get(outcome) ?? 0) + 1);
          // A second try of what was stored is told so by the claim; an entry that was stored twice would be found in the journal.
          if (outcome === 'ok' || outcome === 'guard-failed') {
            acknowledged.push(text);
            break;
          }
        }
      }
    });
    const stop = async () => {
      going = false;
      await Promise.all(readers);
      return acknowledged;
    };
    stops.push(stop);
    return { acknowledged, codes, stop };
  }

  const reached = async (reader: { acknowledged: string[] }, count: number) => {
    for (let tries = 0; reader.acknowledged.length < count; tries++) {
      if (tries > 2000) throw new Error(`only ${reader.acknowledged.length} of ${count} were acknowledged`);
      await sleep(10);
    }
  };

  test('two nodes append to one chain, and of two that rely on the same version one wins', async () => {
    const [a, b] = [await open(), await open()];
    const readers = [load(a, 'a'), load(b, 'b')];
    const race = async (version: number) => {
      const guards = [{ kind: 'stream', stream: 'alert/race', version }] as const;
      return await outcomes(
        [a, b].map(store => store.commit({ guards, entries: [sampleEntry(`race ${version}`, 'alert/race')] })),
      );
    };
    for (let version = 0; version < 50; version++) expect((await race(version)).sort()).toEqual(['guard-failed', 'ok']);
    const acknowledged = (await Promise.all(readers.map(reader => reader.stop()))).flat();
    expect(readers.map(reader => [...reader.codes.keys()])).toEqual([['ok'], ['ok']]);
    const texts = await verified(a);
    expect(new Set(texts).size).toBe(texts.length);
    expect(texts.filter(text => !text.startsWith('race')).sort()).toEqual(acknowledged.sort());
  });

  test('sessions that an administrator ends under load lose and double nothing', async () => {
    const store = await open();
    const reader = load(store, 'x');
    for (let round = 1; round <= 12; round++) {
      await reached(reader, round * 40);
      await server().ask(
        `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}' and pid <> pg_backend_pid()`,
      );
      // A read that met its end is asked again.
      expect((await store.head()).seq).toBeGreaterThanOrEqual(round * 40);
    }
    const acknowledged = await reader.stop();
    expect((await verified(store)).sort()).toEqual(acknowledged.sort());
    expect([...reader.codes.keys()]).toEqual(['ok']);
  });

  test('a server that crashes and starts again under load loses and doubles nothing', async () => {
    const store = await open();
    const reader = load(store, 'x');
    for (const [round, mode] of (['immediate', 'fast', 'immediate'] as const).entries()) {
      await reached(reader, (round + 1) * 60);
      await server().halt(mode);
      await server().resume();
    }
    await reached(reader, 300);
    const acknowledged = await reader.stop();
    expect((await verified(store)).sort()).toEqual(acknowledged.sort());
    expect(await store.healthy()).toBe(true);
  });

  test('a commit whose answer is lost is known to be stored, and is not made again', async () => {
    const store = await throughProxy();
    await commit(store, 'first');
    proxy.watch(chunk => {
      if (!chunk.includes(theCommit)) return;
      proxy.watch(() => {});
      // The server hears the commit; its answer never arrives.
      proxy.hold('down');
      void untilStored('second').then(() => {
        proxy.cut();
        proxy.pass();
      });
    });
    const untilStored = async (text: string) => {
      while ((await server().ask(`select 1 from cursor where name = '${text}'`, name)).length === 0) await sleep(5);
    };
    expect(await outcomes([commit(store, 'second')])).toEqual(['ok']);
    expect(await outcomes([commit(store, 'second')])).toEqual(['guard-failed']);
    expect(await verified(store)).toEqual(['first', 'second']);
  });

  test('so is one without entries, by the number of its transaction', async () => {
    const store = await throughProxy();
    await commit(store, 'first');
    const claimed = async () => (await server().ask(`select 1 from claim where key = 'alone'`, name)).length > 0;
    proxy.watch(chunk => {
      if (!chunk.includes(theCommit)) return;
      proxy.watch(() => {});
      proxy.hold('down');
      void (async () => {
        while (!(await claimed())) await sleep(5);
        proxy.cut();
        proxy.pass();
      })();
    });
    expect(await outcomes([store.commit({ guards: [claim('alone')] })])).toEqual(['ok']);
    expect(await outcomes([store.commit({ guards: [claim('alone')] })])).toEqual(['guard-failed']);
  });

  test('a commit that never reached the server is made again', async () => {
    const store = await throughProxy();
    await commit(store, 'first');
    proxy.watch(chunk => {
      if (!chunk.includes(theCommit)) return;
      proxy.watch(() => {});
      proxy.hold('up');
      setImmediate(() => {
        proxy.cut();
        proxy.pass();
      });
    });
    expect(await outcomes([commit(store, 'second'), commit(store, 'third')])).toEqual(['ok', 'ok']);
    expect(await verified(store)).toEqual(['first', 'second', 'third']);
  });

  test('a slow line and one that breaks again and again lose and double nothing', async () => {
    const store = await throughProxy();
    const reader = load(store, 'x');
    await reached(reader, 20);
    proxy.delay(30);
    await reached(reader, 40);
    for (let round = 0; round < 8; round++) {
      proxy.cut();
      await reached(reader, 60 + round * 10);
    }
    proxy.delay(0);
    const acknowledged = await reader.stop();
    expect((await verified(store)).sort()).toEqual(acknowledged.sort());
  });

  test('a server that is away refuses changes in time, and takes them when it is back, without a restart', async () => {
    const store = await throughProxy();
    await commit(store, 'before');
    proxy.refuse(true);
    proxy.cut();
    const lost = commit(store, 'lost');
    await expect(store.run('r')).rejects.toMatchObject({ code: 'store-failed' });
    expect(await store.healthy()).toBe(false);
    await expect(lost).rejects.toMatchObject({
      code: 'store-failed',
      status: 503,
      message: expect.stringContaining('does not answer'),
    });
    proxy.refuse(false);
    expect(await outcomes([commit(store, 'after')])).toEqual(['ok']);
    expect(await verified(store)).toEqual(['before', 'after']);
    expect(await store.healthy()).toBe(true);
  });

  test('a server that refuses connections for a while is asked again, for reads too, without a restart', async () => {
    const store = await open();
    await commit(store, 'before');
    await server().ask(`alter database ${name} with allow_connections false`);
    await server().ask(`select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`);
    // Each of the connections that read finds out.
    const reads = await Promise.allSettled(Array.from({ length: 20 }, () => store.run('r')));
    expect(reads.some(read => read.status === 'rejected')).toBe(true);
    await server().ask(`alter database ${name} with allow_connections true`);
    expect(await outcomes([commit(store, 'after')])).toEqual(['ok']);
    for (let read = 0; read < 10; read++) expect(await store.run('r')).toBe(null);
  });

  test('a node that is paused in a transaction does not hold the others up for ever', async () => {
    const store = await open();
    const paused = await createConnect(await loadLibrary(), parseAddress(url))();
    await paused.send([{ text: 'begin' }, { text: 'select * from head for update' }]);
    // It says nothing more, as a process that was stopped.
    expect(await outcomes([commit(store, 'waits')])).toEqual(['ok']);
    expect(paused.alive()).toBe(false);
  });

  test('a server that hangs is not waited for without end', async () => {
    const store = await open();
    await commit(store, 'before');
    const pids = (await server().ask(`select pid from pg_stat_activity where datname = '${name}'`)).map(row =>
      Number(row['pid']),
    );
    for (const pid of pids) process.kill(pid, 'SIGSTOP');
    try {
      const hung = commit(store, 'hung');
      expect(await store.healthy()).toBe(false);
      // Only the sessions hang, so a new one answers what became of the change, and takes it.
      expect(await outcomes([hung])).toEqual(['ok']);
    } finally {
      for (const pid of pids) process.kill(pid, 'SIGCONT');
    }
    expect(await verified(store)).toEqual(['before', 'hung']);
  });
});
