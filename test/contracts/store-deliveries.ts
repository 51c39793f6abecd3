import { describe, expect, test } from 'vitest';
import { type DeliveryRecord, ringSize } from '../../src/model/delivery.ts';
import { useHarness } from './harness.ts';
import type { Place } from './place.ts';

function refusal(over: Partial<DeliveryRecord> = {}): DeliveryRecord {
  return {
    source: 'hooks',
    ring: 'stranger',
    id: 'bad-signature 10.0.0.1',
    at: 1000,
    first: 1000,
    count: 1,
    address: '10.0.0.1',
    bytes: null,
    outcome: { what: 'refused', code: 'bad-signature', at: null, because: 'It proves nothing.' },
    ...over,
  };
}

export function deliveriesContract(makePlace: () => Promise<Place>): void {
  describe('deliveries', () => {
    const { store, harness } = useHarness(makePlace);
    const put = (...docs: DeliveryRecord[]) => store().commit({ rows: docs.map(doc => ({ table: 'delivery', doc })) });

    test('of one cause share a row, which counts them and keeps when the first came', async () => {
      await put(refusal(), refusal({ at: 2000, first: 2000, count: 3, bytes: 7 }));
      await put(refusal({ at: 3000, first: 3000, count: 2 }), refusal({ source: 'other' }));
      expect(await store().deliveries('hooks')).toEqual([refusal({ at: 3000, first: 1000, count: 6 })]);
      await store().close();
      const again = await harness().open();
      expect(await again.deliveries('hooks')).toEqual([refusal({ at: 3000, first: 1000, count: 6 })]);
      expect(await again.deliveries('nobody')).toEqual([]);
    });

    test('push out the oldest of their own ring and source, and no others', async () => {
      await put(refusal({ ring: 'proven', id: 'kept', at: 1 }), refusal({ source: 'other', id: 'kept', at: 1 }));
      const flood = Array.from({ length: 60 }, (_, n) => refusal({ id: `x${n}`, at: 1000 + n, first: 1000 + n }));
      await Promise.all(flood.map(one => put(one)));
      const all = await store().deliveries('hooks');
      const ids = all.map(one => one.id);
      const newest = Array.from({ length: ringSize.stranger }, (_, n) => `x${59 - n}`);
      expect(ids).toEqual([...newest, 'kept']);
      expect((await store().deliveries('other')).map(one => one.id)).toEqual(['kept']);
    });

    test('are counted by what became of them', async () => {
      const count = (what: string, by: number, at: number, source = 'hooks') =>
        store().commit({ rows: [{ table: 'delivery_count', doc: { source, what, count: by, at } }] });
      await count('accepted', 2, 10);
      await Promise.all([count('accepted', 3, 20), count('refused/bad-body', 1, 30), count('accepted', 1, 5, 'other')]);
      const hooks = [
        { source: 'hooks', what: 'accepted', count: 5, at: 20 },
        { source: 'hooks', what: 'refused/bad-body', count: 1, at: 30 },
      ];
      expect(await store().deliveryCounts('hooks')).toEqual(hooks);
      expect(await store().deliveryCounts()).toEqual([
        ...hooks,
        { source: 'other', what: 'accepted', count: 1, at: 5 },
      ]);
    });

    test('are recorded with their bytes as they are, until the recording is deleted', async () => {
      const doc = { id: 'rec_1', source: 'hooks', by: 'ann', at: 1, until: 2, most: 2, unproven: false };
      const body = Buffer.from([0, 255, 10, 13, 34, 92]);
      const kept = { number: 1, at: 5, outcome: 'accepted', headers: { 'x-event': 'a' }, removed: ['header b'] };
      await store().commit({ rows: [{ table: 'recording', doc }] });
      await store().commit({
        rows: [
          { table: 'recorded', recording: 'rec_1', doc: { ...kept, number: 2 }, body: Buffer.alloc(0) },
          { table: 'recorded', recording: 'rec_1', doc: kept, body },
        ],
      });
      expect(await store().recordings()).toEqual([doc]);
      const found = await store().recorded('rec_1');
      expect(found.map(one => [one.number, Buffer.from(one.body)])).toEqual([
        [1, body],
        [2, Buffer.alloc(0)],
      ]);
      expect(found[0]).toMatchObject(kept);
      await store().commit({ rows: [{ table: 'recording-gone', id: 'rec_1' }] });
      expect([await store().recordings(), await store().recorded('rec_1')]).toEqual([[], []]);
    });
  });
}
