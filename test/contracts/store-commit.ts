import { describe, expect, test } from 'vitest';
import { entryBytes, entryHash, entryVersion, genesis, type NewEntry } from '../../src/model/journal.ts';
import type { Change } from '../../src/ports/store.ts';
import { outcomes, useHarness } from './harness.ts';
import { hostile } from './hostile.ts';
import type { Place } from './place.ts';
import { noon, sampleAlert, sampleEntry, sampleRun } from './samples.ts';

const claim = (key: string, keep: number | null = null, at = noon) =>
  ({ kind: 'claim', space: 's', key, at, keep }) as const;

export function commitContract(makePlace: () => Promise<Place>): void {
  describe('journal', () => {
    const { store } = useHarness(makePlace);

    test('is empty at first', async () => {
      expect(await store().head()).toEqual({ seq: 0, hash: genesis });
      expect(await store().journal({ after: 0, limit: 10 })).toEqual([]);
      expect(await store().stream('alert/alt_1')).toEqual([]);
    });

    test('keeps the exact bytes and chains the hashes', async () => {
      const entries = ['one', 'two', 'three'].map(text => sampleEntry(text));
      const committed = await store().commit({ entries });
      let prev = genesis;
      for (const [index, entry] of committed.entries.entries()) {
        const bytes = entryBytes(entries[index] ?? sampleEntry(''));
        const hash = entryHash(prev, index + 1, bytes);
        expect(entry).toEqual({ ...entries[index], version: entryVersion, seq: index + 1, bytes, prev, hash });
        prev = hash;
      }
      expect(await store().head()).toEqual({ seq: 3, hash: prev });
      expect(await store().journal({ after: 0, limit: 10 })).toEqual(committed.entries);
      expect(await store().journal({ after: 1, limit: 1 })).toEqual(committed.entries.slice(1, 2));
    });

    test('gives the entries of some kinds', async () => {
      const halt = (reason: string): NewEntry => ({ ...sampleEntry(''), fact: { kind: 'halt.set', reason } });
      const entries = [sampleEntry('a'), halt('b'), sampleEntry('c'), halt('d')];
      const { entries: stored } = await store().commit({ entries });
      const [, b, , d] = stored;
      expect(await store().journal({ after: 0, limit: 9, kinds: ['halt.set', 'halt.cleared'] })).toEqual([b, d]);
      expect(await store().journal({ after: 0, limit: 1, kinds: ['halt.set'] })).toEqual([b]);
      expect(await store().journal({ after: 2, limit: 9, kinds: ['halt.set'] })).toEqual([d]);
      expect(await store().journal({ after: 0, limit: 9, kinds: [] })).toEqual([]);
    });

    test('gives rows as stored, with stream, position and kind', async () => {
      await store().commit({
        entries: [sampleEntry('a', 'alert/a'), sampleEntry('b', 'alert/b'), sampleEntry('c', 'alert/a')],
      });
      const rows = await store().journalRows({ after: 0, limit: 10 });
      expect(rows.map(row => [row.seq, row.stream, row.position, row.kind])).toEqual([
        [1, 'alert/a', 1, 'alert.noted'],
        [2, 'alert/b', 1, 'alert.noted'],
        [3, 'alert/a', 2, 'alert.noted'],
      ]);
      expect((await store().stream('alert/a')).map(entry => entry.seq)).toEqual([1, 3]);
    });

    test('applies concurrent changes in the order of the calls', async () => {
      const texts = Array.from({ length: 700 }, (_, n) => `${n}`);
      const committed = await Promise.all(texts.map(text => store().commit({ entries: [sampleEntry(text)] })));
      expect(committed.map(({ entries }) => entries[0]?.seq)).toEqual(texts.map((_, n) => n + 1));
      let prev = genesis;
      for (const entry of await store().journal({ after: 0, limit: 1000 })) {
        expect(entry.fact).toMatchObject({ text: texts[entry.seq - 1] });
        expect(entry.prev).toBe(prev);
        prev = entryHash(prev, entry.seq, entry.bytes);
        expect(entry.hash).toBe(prev);
      }
    });

    test.each(hostile)('keeps hostile text: %s', async (_, text) => {
      const stream = `alert/${text}`;
      const committed = await store().commit({
        entries: [sampleEntry(text, stream)],
        guards: [{ kind: 'stream', stream, version: 0 }],
      });
      expect(await store().stream(stream)).toEqual(committed.entries);
      expect(committed.entries[0]?.fact).toMatchObject({ text });
    });

    test('keeps streams apart whose names differ only in what databases mangle', async () => {
      const names = hostile.map(([, text]) => text);
      for (const name of names) await store().commit({ entries: [sampleEntry('x', name)] });
      for (const name of names) expect((await store().stream(name)).map(entry => entry.stream)).toEqual([name]);
    });

    test('refuses an entry that would not read back, and stores nothing of its change', async () => {
      const bad = { ...sampleEntry('x'), at: 1.5 };
      expect(
        await outcomes([
          store().commit({ entries: [sampleEntry('a')] }),
          store().commit({ entries: [sampleEntry('b'), bad] }),
          store().commit({ entries: [sampleEntry('c')] }),
        ]),
      ).toEqual(['ok', 'store-failed', 'ok']);
      expect((await store().head()).seq).toBe(2);
    });
  });

  describe('guards', () => {
    const { store, clock } = useHarness(makePlace);

    test('a halt holds what asks that there be none, from the change that sets it to the one that clears it', async () => {
      const begin = (text: string) => store().commit({ guards: [{ kind: 'halt' }], entries: [sampleEntry(text)] });
      const halt = (doc: { by: string; reason: string; at: number } | null) =>
        store().commit({ rows: [{ table: 'halt', doc }] });
      const set = { by: 'alice', reason: 'incident', at: 1 };
      // Changes of one moment share a transaction; their order is that of the calls.
      expect(await outcomes([begin('a'), halt(set), begin('b')])).toEqual(['ok', 'ok', 'guard-failed']);
      await expect(begin('c')).rejects.toMatchObject({ at: 'halt everything' });
      expect(await outcomes([store().commit({ entries: [sampleEntry('d')] })])).toEqual(['ok']);
      expect(await outcomes([begin('e'), halt(null), begin('f')])).toEqual(['guard-failed', 'ok', 'ok']);
      expect(await outcomes([begin('g')])).toEqual(['ok']);
    });

    test('a change whose guard fails is rejected alone', async () => {
      await store().commit({ entries: [sampleEntry('first')] });
      const stale: Change = {
        guards: [claim('mine'), { kind: 'stream', stream: 'alert/alt_1', version: 7 }],
        entries: [sampleEntry('never')],
        rows: [
          { table: 'alert', doc: sampleAlert({ id: 'never' }) },
          { table: 'cursor', name: 'never', value: 1 },
        ],
        blobs: [{ digest: 'd', bytes: 'never' }],
      };
      const all = [
        store().commit({ entries: [sampleEntry('before')] }),
        store().commit(stale),
        store().commit({ entries: [sampleEntry('after')] }),
      ];
      expect(await outcomes(all)).toEqual(['ok', 'guard-failed', 'ok']);
      await expect(all[1]).rejects.toMatchObject({ at: 'stream alert/alt_1', status: 409 });
      expect((await store().journal({ after: 0, limit: 9 })).map(entry => entry.fact)).toMatchObject([
        { text: 'first' },
        { text: 'before' },
        { text: 'after' },
      ]);
      expect([
        await store().alert('never'),
        await store().cursor('never'),
        await store().blob('d'),
        await store().claimed({ space: 's', key: 'mine' }),
      ]).toEqual([null, 0, null, false]);
    });

    test('a stream has exactly so many entries, also within one transaction', async () => {
      const at = (version: number) =>
        store().commit({ guards: [{ kind: 'stream', stream: 'alert/alt_1', version }], entries: [sampleEntry('x')] });
      expect(await outcomes([at(0), at(0), at(1), at(1), at(3), at(2)])).toEqual([
        'ok',
        'guard-failed',
        'ok',
        'guard-failed',
        'guard-failed',
        'ok',
      ]);
    });

    test('of a hundred concurrent claims one wins', async () => {
      const race = await outcomes(
        Array.from({ length: 100 }, (_, n) => store().commit({ guards: [claim('k')], entries: [sampleEntry(`${n}`)] })),
      );
      expect(race.filter(outcome => outcome === 'ok')).toHaveLength(1);
      expect(race.filter(outcome => outcome === 'guard-failed')).toHaveLength(99);
      expect((await store().head()).seq).toBe(1);
    });

    test('a claim is made once in a change, and only in its space', async () => {
      expect(await outcomes([store().commit({ guards: [claim('k'), claim('k')] })])).toEqual(['guard-failed']);
      expect(await store().claimed({ space: 's', key: 'k' })).toBe(false);
      expect(await outcomes([store().commit({ guards: [claim('k'), { ...claim('k'), space: 't' }] })])).toEqual(['ok']);
    });

    test('a claim is remembered as long as it says', async () => {
      const at = clock().now();
      await store().commit({ guards: [claim('short', 1000, at), claim('long', null, at)] });
      await clock().advance(999);
      expect(await outcomes([store().commit({ guards: [claim('short', 1000, clock().now())] })])).toEqual([
        'guard-failed',
      ]);
      await clock().advance(1);
      expect(await store().claimed({ space: 's', key: 'short' })).toBe(false);
      expect(await outcomes([store().commit({ guards: [claim('short', 1000, clock().now())] })])).toEqual(['ok']);
      await clock().advance(1e12);
      expect(await store().claimed({ space: 's', key: 'long' })).toBe(true);
    });

    test('claims stay right while expired ones are swept away', async () => {
      const claimMany = (first: number, count: number) =>
        outcomes(
          Array.from({ length: count }, (_, n) =>
            store().commit({ guards: [claim(`${first + n}`, 1000, clock().now())] }),
          ),
        );
      expect(new Set(await claimMany(0, 600))).toEqual(new Set(['ok']));
      await clock().advance(1000);
      expect(new Set(await claimMany(300, 600))).toEqual(new Set(['ok']));
      expect(new Set(await claimMany(300, 600))).toEqual(new Set(['guard-failed']));
      expect(await store().claimed({ space: 's', key: '5' })).toBe(false);
    });

    test('hostile keys do not pass for one another', async () => {
      const keys = hostile.map(([, text]) => text);
      expect(await outcomes(keys.map(key => store().commit({ guards: [claim(key)] })))).toEqual(keys.map(() => 'ok'));
      expect(await outcomes(keys.map(key => store().commit({ guards: [claim(key)] })))).toEqual(
        keys.map(() => 'guard-failed'),
      );
    });

    test('a document never goes back to an older version', async () => {
      await store().commit({ rows: [{ table: 'run', doc: sampleRun({ version: 5 }) }] });
      const old = store().commit({
        rows: [{ table: 'run', doc: sampleRun({ version: 4, state: 'failed' }) }],
        entries: [sampleEntry('x')],
      });
      await expect(old).rejects.toMatchObject({ code: 'guard-failed', at: 'row run/run_1' });
      expect((await store().head()).seq).toBe(0);
      await store().commit({ rows: [{ table: 'run', doc: sampleRun({ version: 6, state: 'running' }) }] });
      expect(await store().run('run_1')).toMatchObject({ version: 6, state: 'running' });
    });

    test('a change that only has guards is a change', async () => {
      expect(await store().commit({ guards: [claim('alone')] })).toEqual({ entries: [] });
      expect(await store().commit({})).toEqual({ entries: [] });
      expect(await store().claimed({ space: 's', key: 'alone' })).toBe(true);
    });
  });
}
