import { describe, expect, test } from 'vitest';
import { sha256 } from '../../src/kernel/canonical.ts';
import { outcomes, useHarness } from './harness.ts';
import type { Place } from './place.ts';
import { sampleAlert, sampleEntry } from './samples.ts';

export function blobsContract(makePlace: () => Promise<Place>): void {
  describe('blobs and sizes', () => {
    const { store } = useHarness(makePlace);

    test('bytes come back as they went in', async () => {
      const bytes = Uint8Array.from({ length: 256 }, (_, n) => n);
      const digest = sha256(bytes);
      await store().commit({
        blobs: [
          { digest, bytes },
          { digest: sha256(''), bytes: '' },
        ],
      });
      expect([...((await store().blob(digest)) ?? [])]).toEqual([...bytes]);
      expect(await store().blob(sha256(''))).toHaveLength(0);
      expect(await store().blob(sha256('other'))).toBeNull();
    });

    test('one that is there is left as it is', async () => {
      const digest = sha256('first');
      await store().commit({ blobs: [{ digest, bytes: 'first' }] });
      await store().commit({ blobs: [{ digest, bytes: 'second' }] });
      expect(Buffer.from((await store().blob(digest)) ?? []).toString()).toBe('first');
    });

    test('bytes that are not those of the digest are an error', async () => {
      await store().commit({ blobs: [{ digest: sha256('a'), bytes: 'b' }] });
      await expect(store().blob(sha256('a'))).rejects.toMatchObject({
        code: 'journal-broken',
        at: `blob ${sha256('a')}`,
      });
    });

    test('large values share a transaction with small ones', async () => {
      const text = 'ü€🚒'.repeat(100_000);
      const digest = sha256(text);
      const large = {
        entries: [sampleEntry(text)],
        rows: [{ table: 'alert', doc: sampleAlert({ title: text }) }] as const,
        blobs: [
          { digest, bytes: text.repeat(8) },
          { digest: sha256(text), bytes: text },
        ],
      };
      const small = () => store().commit({ entries: [sampleEntry('small')] });
      expect(
        await outcomes([
          small(),
          store().commit(large),
          small(),
          store().commit({ entries: [sampleEntry(text)] }),
          small(),
        ]),
      ).toEqual(Array(5).fill('ok'));
      expect(
        (await store().stream('alert/alt_1')).map(entry =>
          entry.fact.kind === 'alert.noted' ? entry.fact.text.length : 0,
        ),
      ).toEqual([5, text.length, 5, text.length, 5]);
      expect((await store().alert('alt_1'))?.title).toBe(text);
    });
  });

  describe('opening and closing', () => {
    const { store, harness } = useHarness(makePlace);

    test('everything is there after a restart', async () => {
      await store().commit({
        guards: [{ kind: 'claim', space: 's', key: 'k', at: 0, keep: null }],
        entries: [sampleEntry('kept')],
        rows: [
          { table: 'alert', doc: sampleAlert() },
          { table: 'cursor', name: 'c', value: 7 },
        ],
        blobs: [{ digest: sha256('b'), bytes: 'b' }],
      });
      const [journal, head] = [await store().journal({ after: 0, limit: 9 }), await store().head()];
      await store().close();
      const again = await harness().open();
      expect([await again.journal({ after: 0, limit: 9 }), await again.head()]).toEqual([journal, head]);
      expect([await again.alert('alt_1'), await again.cursor('c')]).toEqual([sampleAlert(), 7]);
      expect([await again.claimed({ space: 's', key: 'k' }), (await again.blob(sha256('b')))?.length]).toEqual([
        true,
        1,
      ]);
      const next = await again.commit({ entries: [sampleEntry('more')] });
      expect(next.entries[0]).toMatchObject({ seq: head.seq + 1, prev: head.hash });
    });

    test('closing keeps what was asked for before, and refuses what comes after', async () => {
      const pending = Array.from({ length: 600 }, (_, n) => store().commit({ entries: [sampleEntry(`${n}`)] }));
      await store().close();
      expect(new Set(await outcomes(pending))).toEqual(new Set(['ok']));
      expect(
        await outcomes([
          store().commit({ entries: [sampleEntry('late')] }),
          store().acquire({ name: 'n', holder: 'h', ttl: 1 }),
        ]),
      ).toEqual(['store-failed', 'store-failed']);
      expect(await store().healthy()).toBe(false);
      await store().close();
      expect((await (await harness().open()).head()).seq).toBe(600);
    });

    test('is healthy when it can write', async () => {
      expect(await store().healthy()).toBe(true);
      expect((await store().head()).seq).toBe(0);
    });
  });
}
