import { afterEach, describe, expect, it } from 'vitest';
import { TocsinError } from '../../../src/kernel/errors.ts';
import { createGround, type Ground } from './ground.ts';
import { card, edited, note, root } from './posts.ts';

let ground: Ground;
afterEach(() => ground.close());

const titles = () => ground.chat.seen.map(seen => seen.title);

describe('delivery', () => {
  it('posts in the order of the thread, one a second in a channel, and records what the platform has', async () => {
    ground = await createGround();
    await ground.put(root('a'), note('a', 'one'), note('a', 'two'), note('a', 'three'));
    await ground.settle();
    expect(titles()).toEqual(['a', 'one', 'two', 'three']);
    expect(ground.chat).toMatchObject({ tooMany: 0, orphans: [] });
    for (const [index, seen] of ground.chat.seen.entries())
      if (index > 0) expect(seen.at - (ground.chat.seen[index - 1]?.at ?? 0)).toBeGreaterThanOrEqual(1000);
    const posts = await ground.store.posts({ platform: 'slack' });
    expect(posts.map(post => [post.delivered, post.ref])).toEqual([
      [1, 'm1'],
      [1, 'm2'],
      [1, 'm3'],
      [1, 'm4'],
    ]);
  });

  it('edits to the newest version only, and not more often than one message takes', async () => {
    ground = await createGround();
    await ground.put(root('a'));
    await ground.settle();
    for (let version = 2; version <= 40; version++) {
      await ground.put(await edited(ground, 'alert/a/1', { card: card(`a${version}`) }));
      await ground.pass(100);
    }
    await ground.settle();
    const edits = ground.chat.seen.filter(seen => seen.what === 'edit');
    expect(edits.at(-1)?.title).toBe('a40');
    expect(edits.length).toBeLessThanOrEqual(6);
    expect(ground.chat.tooMany).toBe(0);
    expect(await ground.store.post('slack', 'alert/a/1')).toMatchObject({ wanted: 40, delivered: 40 });
  });

  it('lets no channel wait for another that is limited or hangs', async () => {
    ground = await createGround();
    ground.chat.script = request => {
      if (request.channel === '#slow')
        throw new TocsinError('chat-limited', { at: 'channel #slow', retryAfter: 20_000 });
      if (request.channel === '#hangs') return new Promise<void>(() => {}) as never;
    };
    await ground.put(
      root('s', { channel: '#slow' }),
      root('h', { channel: '#hangs' }),
      note('h', 'late', { channel: '#hangs' }),
      root('a'),
      note('a', 'one'),
    );
    await ground.pass(5000);
    expect(titles()).toEqual(['a', 'one']);
    ground.chat.script = () => {};
    await ground.pass(14_000);
    expect(titles()).not.toContain('s');
    await ground.pass(3000);
    expect(titles()).toContain('s');
    // Its answer never comes: closing must not wait for it here.
    ground.delivery.stop = async () => {};
  });

  it('honours a limit of a method in all channels, and one on everything', async () => {
    ground = await createGround();
    await ground.put(root('a'), root('b', { channel: '#other' }));
    await ground.settle();
    const from = ground.clock.monotonic();
    ground.chat.script = request => {
      if (request.what !== 'edit' || ground.clock.monotonic() - from > 2000) return;
      throw new TocsinError('chat-limited', { at: 'method chat.update', retryAfter: 10_000 });
    };
    await ground.put(
      await edited(ground, 'alert/a/1', { card: card('a2') }),
      await edited(ground, 'alert/b/1', { card: card('b2') }),
      root('c'),
    );
    await ground.pass(9000);
    expect(titles()).toEqual(['a', 'b', 'c']);
    await ground.settle();
    expect(titles().sort()).toEqual(['a', 'a2', 'b', 'b2', 'c']);
    let all = 0;
    ground.chat.script = () => {
      if (all++ === 0) throw new TocsinError('chat-limited', { at: 'all', retryAfter: 10_000 });
    };
    await ground.put(root('d'), await edited(ground, 'alert/a/1', { card: card('a3') }));
    await ground.pass(9000);
    expect(titles()).toHaveLength(5);
    await ground.settle();
    expect(titles().slice(5).sort()).toEqual(['a3', 'd']);
  });

  it('puts what people have to decide first, but never before what precedes it in its thread', async () => {
    ground = await createGround();
    await ground.put(
      root('a'),
      ...['1', '2', '3', '4'].map(name => note('a', name)),
      root('b'),
      note('b', 'before'),
      note('b', 'Run it?', { key: 'approval/x', over: false, card: card('Run it?', { tone: 'ask' }) }),
    );
    await ground.settle();
    expect(titles().slice(0, 3)).toEqual(['b', 'before', 'Run it?']);
    expect(titles().slice(3)).toEqual(['a', '1', '2', '3', '4']);
  });

  it('is down with the platform, says so, and goes on where it was', async () => {
    ground = await createGround();
    await ground.put(root('a'));
    await ground.settle();
    ground.chat.down = true;
    await ground.put(note('a', 'one'), note('a', 'two'));
    await ground.pass(3000);
    expect(ground.delivery.trouble()).toContain('the socket is closed');
    ground.chat.down = false;
    await ground.settle();
    expect(titles()).toEqual(['a', 'one', 'two']);
    expect(ground.delivery.trouble()).toBeNull();
  });

  it('posts nothing twice over a restart, and what was not recorded again as an edit', async () => {
    ground = await createGround();
    await ground.put(root('a'), note('a', 'one'));
    await ground.settle();
    await ground.restart();
    await ground.put(note('a', 'two'), await edited(ground, 'alert/a/1', { card: card('a2') }));
    await ground.settle();
    expect(ground.chat.seen.filter(seen => seen.what === 'post').map(seen => seen.title)).toEqual(['a', 'one', 'two']);
    expect(ground.chat.shown.get('alert/a/1')?.title).toBe('a2');
  });

  it('goes on with a thread when a post fails for a reason that nobody foresaw', async () => {
    ground = await createGround();
    await ground.put(root('a'), root('b', { channel: '#other' }), note('b', 'fine', { channel: '#other' }));
    ground.chat.script = request => {
      if (request.title === 'a') throw new TypeError('x is undefined');
    };
    await ground.pass(3000);
    expect(titles()).toEqual(['b', 'fine']);
    expect(ground.delivery.trouble()).toContain('x is undefined');
    ground.chat.script = () => {};
    await ground.settle();
    expect(titles()).toEqual(['b', 'fine', 'a']);
  });
});
