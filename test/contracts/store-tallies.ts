import { describe, expect, test } from 'vitest';
import type { Tally } from '../../src/model/records/records.ts';
import { outcomes, useHarness } from './harness.ts';
import type { Place } from './place.ts';

const key = { source: 'flow', rule: 'ssh', key: '["10.0.0.1"]' };
const tally = (more: Partial<Tally> = {}): { table: 'tally'; doc: Tally } => ({
  table: 'tally',
  doc: { ...key, bucket: 1000, value: '', n: 1, arrived: 5000, until: 90_000, sample: '', ...more },
});

export function talliesContract(makePlace: () => Promise<Place>): void {
  describe('tallies of records', () => {
    const { store, harness } = useHarness(makePlace);

    test('are added up, whoever adds them and in whatever order', async () => {
      await outcomes([
        store().commit({ rows: [tally({ n: 2, sample: '{"a":1}\n' }), tally({ n: 3, bucket: 2000 })] }),
        store().commit({ rows: [tally({ n: 5, arrived: 4000, sample: '{"b":1}\n' })] }),
        store().commit({ rows: [tally({ n: 7, arrived: 7000, until: 95_000 }), tally({ n: 1, key: 'other' })] }),
      ]);
      expect(await store().tally(key)).toEqual([
        { ...tally().doc, n: 14, arrived: 7000, until: 95_000, sample: '{"a":1}\n{"b":1}\n' },
        { ...tally().doc, n: 3, bucket: 2000 },
      ]);
    });

    test('are those of a claim that was not made before, or none', async () => {
      const once = { kind: 'claim', space: 'emission/flow', key: 'object 1', at: 1, keep: null } as const;
      const add = () => store().commit({ guards: [once], rows: [tally({ key: 'once' })] });
      expect((await outcomes([add(), add(), add()])).sort()).toEqual(['guard-failed', 'guard-failed', 'ok']);
      expect(await store().tally({ ...key, key: 'once' })).toMatchObject([{ n: 1 }]);
    });

    test('are there when the store is opened again', async () => {
      await store().commit({
        rows: [tally({ key: 'kept', n: 4 }), { table: 'sighting', doc: { ...key, key: 'kept', at: 3 } }],
      });
      await store().close();
      const again = await harness().open();
      expect(await again.tally({ ...key, key: 'kept' })).toMatchObject([{ n: 4 }]);
      expect(await again.sightings(10)).toEqual([{ ...key, key: 'kept', at: 3, arrived: 5000 }]);
    });

    test('are summed by key, by how many, and by when the last one came', async () => {
      const of = { source: 'sums', rule: 'r' };
      const row = (name: string, more: Partial<Tally>) => tally({ ...of, key: name, ...more });
      await store().commit({
        rows: [
          row('a', { n: 5 }),
          row('a', { n: 6, bucket: 2000, arrived: 9000 }),
          row('b', { n: 10 }),
          row('c', { value: 'x', n: 50 }),
          row('c', { value: 'y' }),
          row('c', { value: 'y', bucket: 2000 }),
          row('d\u0000', { n: 11 }),
          tally({ ...of, rule: 'another', key: 'a', n: 99 }),
        ],
      });
      const keys = async (query: object) => (await store().tallySums({ ...of, ...query })).map(one => one.key);
      const some = await store().tallySums({ ...of, keys: ['a', 'd\u0000', 'no'], atLeast: 11 });
      expect(some).toHaveLength(2);
      expect(some).toContainEqual({ key: 'a', total: 11, arrived: 9000 });
      expect(some).toContainEqual({ key: 'd\u0000', total: 11, arrived: 5000 });
      expect((await keys({ atLeast: 11 })).sort()).toEqual(['a', 'c', 'd\u0000']);
      expect(await store().tallySums({ ...of, atLeast: 2, of: 'values' })).toEqual([
        { key: 'c', total: 2, arrived: 5000 },
      ]);
      expect((await keys({ quietSince: 5000 })).sort()).toEqual(['b', 'c', 'd\u0000']);
      expect(await keys({ limit: 1 })).toHaveLength(1);
      const [first] = await keys({ limit: 1 });
      const others = await keys({ after: first });
      expect([first, ...others].sort()).toEqual(['a', 'b', 'c', 'd\u0000']);
      expect(await keys({ after: others.at(-1) })).toEqual([]);
      await store().commit({ rows: [{ table: 'sighting', doc: { ...of, key: 'a', at: 1 } }] });
      expect((await keys({ atLeast: 11, unseen: true })).sort()).toEqual(['c', 'd\u0000']);
      expect(await store().tallyKeys({ ...of, most: 10 })).toBe(4);
      expect(await store().tallyKeys({ ...of, most: 2 })).toBe(2);
    });

    test('are forgotten up to an arrival, and deleted when they are kept no longer', async () => {
      const of = { source: 'gone', rule: 'r', key: 'k' };
      const old = tally({ ...of, arrived: 5, until: 10 });
      const young = tally({ ...of, bucket: 2000, arrived: 6, until: 20 });
      await store().commit({ rows: [old, young] });
      await store().commit({ rows: [{ table: 'tally', expired: 10 }] });
      expect((await store().tally(of)).map(one => one.bucket)).toEqual([2000]);
      await store().commit({ rows: [old] });
      await store().commit({ rows: [{ table: 'tally', forget: { ...of, upTo: 5 } }] });
      expect((await store().tally(of)).map(one => one.bucket)).toEqual([2000]);
    });

    test('a sighting is noted once, and until it is over', async () => {
      const of = { source: 'seen', rule: 'r', key: 'k\u0000' };
      const mine = async () => (await store().sightings(100)).filter(one => one.source === 'seen');
      await store().commit({ rows: [{ table: 'sighting', doc: { ...of, at: 7 } }] });
      await store().commit({ rows: [{ table: 'sighting', doc: { ...of, at: 9 } }] });
      expect(await mine()).toEqual([{ ...of, at: 7, arrived: 7 }]);
      await store().commit({ rows: [{ table: 'sighting', over: of }] });
      expect(await mine()).toEqual([]);
    });
  });
}
