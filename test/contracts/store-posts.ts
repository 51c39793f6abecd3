import { describe, expect, test } from 'vitest';
import type { Post } from '../../src/model/card.ts';
import type { OutputChunk } from '../../src/ports/store.ts';
import { outcomes, useHarness } from './harness.ts';
import { hostile } from './hostile.ts';
import type { Place } from './place.ts';
import { samplePost } from './samples.ts';

const keysOf = (posts: readonly Post[]) => posts.map(post => post.key);

export function postsContract(makePlace: () => Promise<Place>): void {
  describe('posts', () => {
    const { store, harness } = useHarness(makePlace);
    const put = (...posts: Post[]) => store().commit({ rows: posts.map(doc => ({ table: 'post', doc })) });

    test('come in the order in which the journal wanted them', async () => {
      await put(
        samplePost({ key: 'b', order: 2 }),
        samplePost({ key: 'a', order: 1 }),
        samplePost({ key: 'c', order: 2 }),
        samplePost({ key: 'a/1', order: 3, thread: 'a' }),
        samplePost({ key: 'elsewhere', order: 1, channel: 'other' }),
        samplePost({ key: 'a', order: 1, platform: 'slack' }),
      );
      const posts = (query: object) => store().posts({ platform: 'console', ...query });
      expect(keysOf(await posts({ channel: 'alerts' }))).toEqual(['a', 'b', 'c', 'a/1']);
      expect(keysOf(await posts({ channel: 'alerts', thread: null }))).toEqual(['a', 'b', 'c']);
      expect(keysOf(await posts({ thread: 'a' }))).toEqual(['a/1']);
      expect(keysOf(await posts({ channel: 'alerts', thread: null, order: 'newest', limit: 2 }))).toEqual(['c', 'b']);
      expect(keysOf(await posts({}))).toEqual(['a', 'elsewhere', 'b', 'c', 'a/1']);
      expect(keysOf(await posts({ channel: 'alerts', upTo: 2 }))).toEqual(['a', 'b', 'c']);
      expect(keysOf(await posts({ channel: 'alerts', upTo: 2, order: 'newest', limit: 2 }))).toEqual(['c', 'b']);
      expect(keysOf(await posts({ thread: 'a', upTo: 2 }))).toEqual([]);
    });

    test('keep their place when they change, and their stamp rises over all', async () => {
      await put(samplePost({ key: 'a', order: 1 }), samplePost({ key: 'b', order: 1 }));
      const first = await store().posts({ platform: 'console' });
      await Promise.all([
        put(samplePost({ key: 'a', order: 1, wanted: 2 })),
        put(samplePost({ key: 'x', platform: 'slack' })),
        put(samplePost({ key: 'c', order: 0 })),
      ]);
      expect(keysOf(await store().posts({ platform: 'console' }))).toEqual(['c', 'a', 'b']);
      const stamp = Math.max(...first.map(post => post.changed));
      const news = await store().posts({ platform: 'console', changedAfter: stamp });
      expect(keysOf(news)).toEqual(['a', 'c']);
      const stamps = news.map(post => post.changed);
      expect(stamps[0]).toBeGreaterThan(stamp);
      expect(stamps[1]).toBeGreaterThan(stamps[0] ?? 0);
      expect(await store().posts({ platform: 'console', changedAfter: stamps[1] ?? 0 })).toEqual([]);
      expect(keysOf(await store().posts({ platform: 'console', changedAfter: 0, order: 'newest', limit: 2 }))).toEqual([
        'c',
        'a',
      ]);
    });

    test('the stamp is the store’s own and goes on rising after a restart', async () => {
      await put(samplePost({ key: 'a', changed: 99_999 }));
      const before = (await store().post('console', 'a'))?.changed ?? 0;
      expect(before).toBeLessThan(99_999);
      await store().close();
      const again = await harness().open();
      await again.commit({ rows: [{ table: 'post', doc: samplePost({ key: 'a' }) }] });
      expect((await again.post('console', 'a'))?.changed).toBeGreaterThan(before);
    });

    test('that are not delivered are found', async () => {
      await put(
        samplePost({ key: 'a', wanted: 2, delivered: 2 }),
        samplePost({ key: 'b', order: 9, wanted: 2, delivered: 1 }),
        samplePost({ key: 'c', order: 3 }),
      );
      expect(keysOf(await store().posts({ platform: 'console', undelivered: true }))).toEqual(['c', 'b']);
      await put(samplePost({ key: 'c', order: 3, delivered: 1, ref: 'm1' }));
      expect(keysOf(await store().posts({ platform: 'console', undelivered: true }))).toEqual(['b']);
      expect(await store().post('console', 'c')).toMatchObject({ delivered: 1, ref: 'm1' });
      expect(await store().post('slack', 'c')).toBeNull();
    });

    test('are guarded by their stamp, so that a writer never puts back what another one changed', async () => {
      const write = (stamp: number, over: Partial<Post>) =>
        store().commit({
          guards: [{ kind: 'post', platform: 'slack', key: 'a', changed: stamp }],
          rows: [{ table: 'post', doc: samplePost({ key: 'a', platform: 'slack', ...over }) }],
        });
      const found = async () => (await store().post('slack', 'a'))?.changed ?? 0;
      await write(0, {});
      const first = await found();
      expect(await outcomes([write(0, { wanted: 9 }), write(first + 1, { wanted: 9 })])).toEqual([
        'guard-failed',
        'guard-failed',
      ]);
      await expect(write(0, {})).rejects.toMatchObject({ at: 'post slack/a' });
      expect(await outcomes([write(first, { wanted: 2 }), write(first, { wanted: 3 })])).toEqual([
        'ok',
        'guard-failed',
      ]);
      expect(await store().post('slack', 'a')).toMatchObject({ wanted: 2 });
    });

    test.each(hostile)('keep hostile text: %s', async (_, text) => {
      await put(samplePost({ key: text, channel: text, thread: text, platform: text }));
      const found = await store().posts({ platform: text, channel: text, thread: text });
      expect(found).toMatchObject([{ key: text, channel: text, thread: text, platform: text }]);
    });
  });

  describe('cursors, halt and output', () => {
    const { store } = useHarness(makePlace);
    const chunk = (run: string, seq: number, step = 's', text = `${seq}`): OutputChunk => ({
      run,
      step,
      attempt: 1,
      seq,
      text,
      at: 1,
    });
    const put = (...chunks: OutputChunk[]) => store().commit({ rows: chunks.map(doc => ({ table: 'output', doc })) });

    test('a memo is null until it is set, and keeps any text', async () => {
      expect(await store().memo('watch')).toBeNull();
      for (const value of ['918273', '', 'a\0b \ud800 \u0001x', 'x'.repeat(70_000)]) {
        await store().commit({ rows: [{ table: 'memo', name: 'watch', value }] });
        expect(await store().memo('watch')).toBe(value);
      }
      expect(await store().cursor('watch')).toBe(0);
    });
    test('a cursor is 0 until it is set', async () => {
      expect(await store().cursor('thread')).toBe(0);
      await store().commit({ rows: [{ table: 'cursor', name: 'thread', value: 5 }] });
      await store().commit({ rows: [{ table: 'cursor', name: 'thread', value: 4 }] });
      expect(await store().cursor('thread')).toBe(4);
    });

    test('halt is set and cleared', async () => {
      expect(await store().halted()).toBeNull();
      const doc = { by: 'person:alice', reason: 'look\0first', at: 5 };
      await store().commit({ rows: [{ table: 'halt', doc }] });
      expect(await store().halted()).toEqual(doc);
      await store().commit({ rows: [{ table: 'halt', doc: null }] });
      expect(await store().halted()).toBeNull();
    });

    test('output comes in order, from where one is', async () => {
      await put(chunk('r1', 1), chunk('r2', 1), chunk('r1', 2, 't'), chunk('r1', 3));
      const seqs = async (query: object) =>
        (await store().output({ run: 'r1', after: 0, limit: 10, ...query })).map(c => c.seq);
      expect(await seqs({})).toEqual([1, 2, 3]);
      expect(await seqs({ step: 's' })).toEqual([1, 3]);
      expect(await seqs({ after: 1, limit: 1 })).toEqual([2]);
      expect(await store().output({ run: 'r1', after: 2, limit: 10 })).toEqual([chunk('r1', 3)]);
    });

    test('a chunk is not overwritten', async () => {
      await put(chunk('r1', 1));
      expect(await outcomes([put(chunk('r1', 1, 's', 'other')), put(chunk('r1', 2))])).toEqual(['store-failed', 'ok']);
      expect((await store().output({ run: 'r1', after: 0, limit: 10 })).map(c => c.text)).toEqual(['1', '2']);
    });

    test.each(hostile)('output keeps hostile text: %s', async (_, text) => {
      await put(chunk('r1', 1, text, text));
      expect(await store().output({ run: 'r1', step: text, after: 0, limit: 1 })).toEqual([chunk('r1', 1, text, text)]);
    });
  });
}
