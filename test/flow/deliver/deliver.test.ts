import { afterEach, describe, expect, it } from 'vitest';
import { TocsinError } from '../../../src/kernel/errors.ts';
import { createHarness, type Harness } from './harness.ts';
import { card, edited, note, root } from './posts.ts';

let harness: Harness;
afterEach(() => harness.close());

const titles = () => harness.chat.seen.map(seen => seen.title);

describe('delivery', () => {
  it('posts in the order of the thread, one a second in a channel, and records what the platform has', async () => {
    harness = await createHarness();
    await harness.put(root('a'), note('a', 'one'), note('a', 'two'), note('a', 'three'));
    await harness.settle();
    expect(titles()).toEqual(['a', 'one', 'two', 'three']);
    expect(harness.chat).toMatchObject({ tooMany: 0, orphans: [] });
    for (const [index, seen] of harness.chat.seen.entries())
      if (index > 0) expect(seen.at - (harness.chat.seen[index - 1]?.at ?? 0)).toBeGreaterThanOrEqual(1000);
    const posts = await harness.store.posts({ platform: 'slack' });
    expect(posts.map(post => [post.delivered, post.ref])).toEqual([
      [1, 'm1'],
      [1, 'm2'],
      [1, 'm3'],
      [1, 'm4'],
    ]);
  });

  it('edits to the newest version only, and not more often than one message takes', async () => {
    harness = await createHarness();
    await harness.put(root('a'));
    await harness.settle();
    for (let version = 2; version <= 40; version++) {
      await harness.put(await edited(harness, 'alert/a/1', { card: card(`a${version}`) }));
      await harness.pass(100);
    }
    await harness.settle();
    const edits = harness.chat.seen.filter(seen => seen.what === 'edit');
    expect(edits.at(-1)?.title).toBe('a40');
    expect(edits.length).toBeLessThanOrEqual(6);
    expect(harness.chat.tooMany).toBe(0);
    expect(await harness.store.post('slack', 'alert/a/1')).toMatchObject({ wanted: 40, delivered: 40 });
  });

  it('lets no channel wait for another that is limited or hangs', async () => {
    harness = await createHarness();
    harness.chat.script = request => {
      if (request.channel === '#slow')
        throw new TocsinError('chat-limited', { at: 'channel #slow', retryAfter: 20_000 });
      if (request.channel === '#hangs') return new Promise<void>(() => {}) as never;
    };
    await harness.put(
      root('s', { channel: '#slow' }),
      root('h', { channel: '#hangs' }),
      note('h', 'late', { channel: '#hangs' }),
      root('a'),
      note('a', 'one'),
    );
    await harness.pass(5000);
    expect(titles()).toEqual(['a', 'one']);
    harness.chat.script = () => {};
    await harness.pass(14_000);
    expect(titles()).not.toContain('s');
    await harness.pass(3000);
    expect(titles()).toContain('s');
    // Its answer never comes: closing must not wait for it here.
    harness.delivery.stop = async () => {};
  });

  it('honours a limit of a method in all channels, and one on everything', async () => {
    harness = await createHarness();
    await harness.put(root('a'), root('b', { channel: '#other' }));
    await harness.settle();
    const from = harness.clock.monotonic();
    harness.chat.script = request => {
      if (request.what !== 'edit' || harness.clock.monotonic() - from > 2000) return;
      throw new TocsinError('chat-limited', { at: 'method chat.update', retryAfter: 10_000 });
    };
    await harness.put(
      await edited(harness, 'alert/a/1', { card: card('a2') }),
      await edited(harness, 'alert/b/1', { card: card('b2') }),
      root('c'),
    );
    await harness.pass(9000);
    expect(titles()).toEqual(['a', 'b', 'c']);
    await harness.settle();
    expect(titles().sort()).toEqual(['a', 'a2', 'b', 'b2', 'c']);
    let all = 0;
    harness.chat.script = () => {
      if (all++ === 0) throw new TocsinError('chat-limited', { at: 'all', retryAfter: 10_000 });
    };
    await harness.put(root('d'), await edited(harness, 'alert/a/1', { card: card('a3') }));
    await harness.pass(9000);
    expect(titles()).toHaveLength(5);
    await harness.settle();
    expect(titles().slice(5).sort()).toEqual(['a3', 'd']);
  });

  it('puts what people have to decide first, but never before what precedes it in its thread', async () => {
    harness = await createHarness();
    await harness.put(
      root('a'),
      ...['1', '2', '3', '4'].map(name => note('a', name)),
      root('b'),
      note('b', 'before'),
      note('b', 'Run it?', { key: 'approval/x', over: false, card: card('Run it?', { tone: 'ask' }) }),
    );
    await harness.settle();
    expect(titles().slice(0, 3)).toEqual(['b', 'before', 'Run it?']);
    expect(titles().slice(3)).toEqual(['a', '1', '2', '3', '4']);
  });

  it('is down with the platform, says so, and goes on where it was', async () => {
    harness = await createHarness();
    await harness.put(root('a'));
    await harness.settle();
    harness.chat.down = true;
    await harness.put(note('a', 'one'), note('a', 'two'));
    await harness.pass(3000);
    expect(harness.delivery.trouble()).toContain('the socket is closed');
    harness.chat.down = false;
    await harness.settle();
    expect(titles()).toEqual(['a', 'one', 'two']);
    expect(harness.delivery.trouble()).toBeNull();
  });

  it('posts nothing twice over a restart, and what was not recorded again as an edit', async () => {
    harness = await createHarness();
    await harness.put(root('a'), note('a', 'one'));
    await harness.settle();
    await harness.restart();
    await harness.put(note('a', 'two'), await edited(harness, 'alert/a/1', { card: card('a2') }));
    await harness.settle();
    expect(harness.chat.seen.filter(seen => seen.what === 'post').map(seen => seen.title)).toEqual(['a', 'one', 'two']);
    expect(harness.chat.shown.get('alert/a/1')?.title).toBe('a2');
  });

  it('goes on with a thread when a post fails for a reason that nobody foresaw', async () => {
    harness = await createHarness();
    await harness.put(root('a'), root('b', { channel: '#other' }), note('b', 'fine', { channel: '#other' }));
    harness.chat.script = request => {
      if (request.title === 'a') throw new TypeError('x is undefined');
    };
    await harness.pass(3000);
    expect(titles()).toEqual(['b', 'fine']);
    expect(harness.delivery.trouble()).toContain('x is undefined');
    harness.chat.script = () => {};
    await harness.settle();
    expect(titles()).toEqual(['b', 'fine', 'a']);
  });
});
