import { afterEach, describe, expect, it } from 'vitest';
import { TocsinError } from '../../../src/kernel/errors.ts';
import { createHarness, type Harness } from './harness.ts';
import { card, edited, note, root } from './posts.ts';

let harness: Harness;
afterEach(() => harness.close());

const consolePosts = async () =>
  (await harness.store.posts({ platform: 'console' })).map(post => [post.key, post.card.title]);

describe('a channel that does not take messages', () => {
  it('is said in the console and to whoever asks, and its threads go to the fallback channel', async () => {
    harness = await createHarness();
    harness.chat.closed.add('#closed');
    await harness.put(root('a', { channel: '#closed' }), note('a', 'one', { channel: '#closed' }), root('b'));
    await harness.settle();
    expect(harness.chat.seen.map(seen => [seen.channel, seen.title])).toEqual([['#ops', 'b']]);
    expect(harness.delivery.trouble()).toContain('#closed does not take messages: not_in_channel Invite it.');
    expect(await consolePosts()).toEqual(
      expect.arrayContaining([
        ['alert/a/1', 'a'],
        ['note/a-one/0', 'one'],
        [
          'refused/slack/#closed',
          expect.stringContaining('slack:#closed does not take messages: not_in_channel Invite it.'),
        ],
      ]),
    );
    expect(await harness.store.post('console', 'alert/a/1')).toMatchObject({
      channel: 'alerts',
      delivered: 1,
      wanted: 1,
    });
    expect(await harness.store.post('slack', 'alert/a/1')).toMatchObject({ withheld: 'refused', ref: null });
    expect(await harness.store.posts({ platform: 'slack', undelivered: true })).toEqual([]);
  });

  it('gives its threads to another channel of the platform where tocsin.yaml names one, replies and all', async () => {
    harness = await createHarness({ config: { fallback: 'slack:#other' } });
    harness.chat.closed.add('#closed');
    await harness.put(root('a', { channel: '#closed' }), note('a', 'one', { channel: '#closed' }));
    await harness.settle();
    await harness.put(note('a', 'two', { channel: (await harness.store.post('slack', 'alert/a/1'))?.channel ?? '' }));
    await harness.settle();
    expect(harness.chat.seen.map(seen => [seen.channel, seen.title])).toEqual([
      ['#other', 'a'],
      ['#other', 'one'],
      ['#other', 'two'],
    ]);
    expect(await consolePosts()).toEqual([['refused/slack/#closed', expect.stringContaining('slack:#other')]]);
  });

  it('falls back to the console when the fallback channel does not take it either', async () => {
    harness = await createHarness({ config: { fallback: 'slack:#other' } });
    for (const channel of ['#closed', '#other']) harness.chat.closed.add(channel);
    await harness.put(root('a', { channel: '#closed' }));
    await harness.settle();
    expect(harness.chat.seen).toEqual([]);
    expect(await consolePosts()).toEqual(expect.arrayContaining([['alert/a/1', 'a']]));
  });

  it('is not asked again for each alert, but after a while; and is well when it takes one', async () => {
    harness = await createHarness();
    let asked = 0;
    harness.chat.closed.add('#closed');
    harness.chat.script = request => {
      if (request.channel === '#closed') asked += 1;
    };
    for (let count = 0; count < 10; count++) await harness.put(root(`a${count}`, { channel: '#closed' }));
    await harness.settle();
    expect(asked).toBe(1);
    harness.chat.closed.clear();
    await harness.pass(5 * 60_000);
    await harness.put(root('later', { channel: '#closed' }));
    await harness.settle();
    expect(harness.chat.seen.map(seen => seen.title)).toEqual(['later']);
    expect(harness.delivery.trouble()).toBeNull();
    expect((await consolePosts()).find(([key]) => key === 'refused/slack/#closed')?.[1]).toContain(
      'takes messages again',
    );
  });
});

/** What a platform says of a thread that a moderator locked. */
const locked = () =>
  new TocsinError('chat-refused', { at: 'thread m1', message: 'The thread is locked.', remedy: 'Unlock it.' });
const question = (thread: string, name: string) =>
  note(thread, name, { key: `approval/${name}`, card: card(name, { tone: 'ask' }), over: false });

describe('a thread that does not take messages', () => {
  it('keeps what nobody has to see in the console, says so, and harms no other thread of the channel', async () => {
    const counts: string[] = [];
    harness = await createHarness({ metrics: { count: name => void counts.push(name) } });
    harness.chat.script = ({ key }) => {
      if (key.startsWith('note/a-')) throw locked();
    };
    await harness.put(root('a'), note('a', 'one'), note('a', 'two'), root('b'), note('b', 'fine'));
    await harness.settle();
    expect(harness.chat.seen.map(seen => [seen.channel, seen.title]).sort()).toEqual([
      ['#ops', 'a'],
      ['#ops', 'b'],
      ['#ops', 'fine'],
    ]);
    expect(harness.delivery.trouble()).toBe(
      'the thread alert/a/1 in #ops does not take messages: The thread is locked. Unlock it. 2 messages are in the console only.',
    );
    expect(counts).toEqual(['tocsin_posts_left_out_total', 'tocsin_posts_left_out_total']);
    expect(await consolePosts()).toEqual([
      ['refused/slack/#ops/message', expect.stringContaining('(two): The thread')],
    ]);
    // Somebody unlocked it.
    harness.chat.script = () => {};
    await harness.put(note('a', 'three'));
    await harness.settle();
    expect(harness.delivery.trouble()).toBeNull();
  });

  it('begins anew in its channel for what people have to decide, with what still goes on', async () => {
    harness = await createHarness();
    await harness.put(root('a'), note('a', 'told'), question('a', 'q1'));
    await harness.settle();
    harness.chat.script = ({ key, what }) => {
      if (what === 'post' && key === 'approval/q2' && harness.chat.seen.filter(seen => seen.title === 'a').length === 1)
        throw locked();
    };
    await harness.put(question('a', 'q2'), root('b'));
    await harness.settle();
    const titles = harness.chat.seen.map(seen => [seen.channel, seen.title]);
    expect(titles.filter(([, title]) => title !== 'b')).toEqual([
      ['#ops', 'a'],
      ['#ops', 'told'],
      ['#ops', 'q1'],
      ['#ops', 'a'],
      ['#ops', 'q1'],
      ['#ops', 'q2'],
    ]);
    expect(harness.chat.orphans).toEqual([]);
    expect(harness.delivery.trouble()).toMatch(/thread alert\/a\/1 in #ops .*locked.* goes on in slack:#ops\.$/);
    expect(await consolePosts()).toEqual([
      [
        'refused/slack/#ops/thread',
        expect.stringMatching(/A thread in slack:#ops \(a\).*locked.*goes on in slack:#ops/),
      ],
    ]);
    await harness.pass(61 * 60_000);
    expect(harness.delivery.trouble()).toBeNull();
  });

  it('goes to the fallback channel when its new thread is locked as well', async () => {
    harness = await createHarness({ config: { fallback: 'slack:#other' } });
    await harness.put(root('a'));
    await harness.settle();
    harness.chat.script = ({ key, channel }) => {
      if (key === 'approval/q1' && channel === '#ops') throw locked();
    };
    await harness.put(question('a', 'q1'));
    await harness.settle();
    expect(harness.chat.seen.map(seen => [seen.channel, seen.title])).toEqual([
      ['#ops', 'a'],
      ['#ops', 'a'],
      ['#other', 'a'],
      ['#other', 'q1'],
    ]);
  });
});

describe('a question', () => {
  it('that is refused for itself goes to the fallback channel, and its channel goes on', async () => {
    harness = await createHarness();
    harness.chat.script = ({ key }) => {
      if (key === 'approval/q1') throw new TocsinError('chat-refused', { message: 'odd_blocks' });
    };
    await harness.put(root('a'), question('a', 'q1'));
    await harness.settle();
    await harness.put(root('b'));
    await harness.settle();
    expect(harness.chat.seen.map(seen => seen.title)).toEqual(['a', 'b']);
    expect(await consolePosts()).toEqual(expect.arrayContaining([['approval/q1', 'q1']]));
    expect(harness.delivery.trouble()).toContain('goes on in console:alerts');
  });

  it('whose first message was deleted hangs on a new one, and a thread that is deleted again and again moves', async () => {
    harness = await createHarness({ config: { fallback: 'slack:#other' } });
    await harness.put(root('a'), note('a', 'told'));
    await harness.settle();
    harness.chat.deleted.add((await harness.store.post('slack', 'alert/a/1'))?.ref ?? '');
    await harness.put(question('a', 'q1'));
    await harness.settle();
    expect(harness.chat.seen.map(seen => seen.title)).toEqual(['a', 'told', 'a', 'q1']);
    expect(harness.chat.orphans).toEqual([]);
    expect(harness.delivery.trouble()).toBeNull();
    harness.chat.script = ({ key, what, channel }) => {
      if (what === 'post' && key === 'approval/q2' && channel === '#ops') throw new TocsinError('chat-root-gone');
    };
    await harness.put(question('a', 'q2'));
    await harness.settle();
    expect(harness.chat.seen.slice(4).map(seen => [seen.channel, seen.title])).toEqual([
      ['#ops', 'a'],
      ['#ops', 'q1'],
      ['#other', 'a'],
      ['#other', 'q1'],
      ['#other', 'q2'],
    ]);
  });
});

it('a channel with many alerts is tried again in time as well', async () => {
  harness = await createHarness();
  harness.chat.closed.add('#closed');
  await harness.put(root('a0', { channel: '#closed' }));
  await harness.settle();
  harness.chat.closed.clear();
  for (let minute = 1; minute <= 6; minute++) {
    await harness.pass(60_000);
    await harness.put(root(`a${minute}`, { channel: '#closed' }));
    await harness.settle();
  }
  expect(harness.chat.seen.map(seen => seen.title)).toEqual(['a5', 'a6']);
});

describe('a message that is refused', () => {
  it('is left out with a word about it, and the thread goes on', async () => {
    harness = await createHarness();
    harness.chat.script = request => {
      if (request.title === 'too long')
        throw new TocsinError('chat-refused', { message: 'msg_too_long', remedy: 'Nothing can be done.' });
    };
    await harness.put(root('a'), note('a', 'too long'), note('a', 'fine'));
    await harness.settle();
    expect(harness.chat.seen.map(seen => seen.title)).toEqual(['a', 'fine']);
    expect(await consolePosts()).toEqual([
      [expect.stringContaining('refused/slack/'), expect.stringContaining('msg_too_long')],
    ]);
    harness.chat.script = () => {};
    await harness.put(await edited(harness, 'note/a-too long/0', { card: card('shorter') }));
    await harness.settle();
    expect(harness.chat.seen.map(seen => seen.title)).toEqual(['a', 'fine', 'shorter']);
  });

  it('is no reason to leave its thread when it is only an edit', async () => {
    harness = await createHarness();
    await harness.put(root('a'));
    await harness.settle();
    harness.chat.script = request => {
      if (request.what === 'edit') throw new TocsinError('chat-refused', { message: 'too old to be edited' });
    };
    await harness.put(await edited(harness, 'alert/a/1', { card: card('a2') }), note('a', 'fine'));
    await harness.settle();
    expect(harness.chat.seen.map(seen => seen.title)).toEqual(['a', 'fine']);
    const post = await harness.store.post('slack', 'alert/a/1');
    expect(post).toMatchObject({ ref: 'm1', delivered: 2 });
    expect(post).not.toHaveProperty('withheld');
    expect(await consolePosts()).toEqual([]);
  });

  it('is tried again and again while nothing goes through, and left out when only it fails', async () => {
    harness = await createHarness();
    harness.chat.script = () => {
      throw new TypeError('nobody foresaw this');
    };
    await harness.put(root('a'));
    await harness.pass(10 * 60_000);
    expect(await harness.store.posts({ platform: 'slack', undelivered: true })).toHaveLength(1);
    harness.chat.script = () => {};
    await harness.settle();
    harness.chat.script = request => {
      if (request.title === 'poison') throw new TypeError('nobody foresaw this');
    };
    await harness.put(note('a', 'poison'));
    for (let count = 0; count < 40; count++) {
      await harness.put(root(`b${count}`, { channel: '#other' }));
      await harness.pass(10_000);
    }
    await harness.put(note('a', 'fine'));
    await harness.settle();
    expect(harness.chat.seen.at(-1)?.title).toBe('fine');
    expect(await consolePosts()).toEqual([
      ['refused/slack/#ops/message', expect.stringMatching(/poison.*nobody foresaw/)],
    ]);
  });
});
