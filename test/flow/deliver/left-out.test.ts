import { afterEach, describe, expect, it } from 'vitest';
import { TocsinError } from '../../../src/kernel/errors.ts';
import { createHarness, type Harness } from './harness.ts';
import { card, edited, note, root, runPost } from './posts.ts';

let harness: Harness;
afterEach(() => harness.close());
/** What a platform says of a thread that a moderator locked. */
const locked = () =>
  new TocsinError('chat-refused', { at: 'thread m1', message: 'The thread is locked.', remedy: 'Unlock it.' });
const question = (thread: string, name: string, over = {}) =>
  note(thread, name, { key: `approval/${name}`, card: card(name, { tone: 'ask' }), over: false, ...over });
const seen = () => harness.chat.seen.map(one => [one.what, one.channel, one.title]);

describe('what is said of refusals', () => {
  it('a left out message is counted once', async () => {
    const counts: string[] = [];
    harness = await createHarness({ metrics: { count: name => void counts.push(name) } });
    harness.chat.script = ({ key }) => {
      if (key === 'run/r1') throw new TocsinError('chat-refused', { message: 'odd_blocks' });
    };
    await harness.put(root('a'), { ...runPost('a', 'r1'), card: card('run') });
    await harness.settle();
    for (let n = 0; n < 4; n++) {
      await harness.put(await edited(harness, 'run/r1', { card: card(`run ${n}`) }));
      await harness.settle();
    }
    expect(harness.delivery.trouble()).toContain(' 1 message is in the console only');
    expect(counts).toHaveLength(1);
  });

  it('what was left out is told although the thread goes on', async () => {
    harness = await createHarness();
    harness.chat.script = ({ key }) => {
      if (key === 'note/a-one/0') throw new TocsinError('chat-refused', { message: 'odd_blocks' });
    };
    await harness.put(root('a'), note('a', 'one'), note('a', 'two'));
    await harness.settle();
    expect(harness.delivery.trouble()).toContain('1 message is');
  });

  it('a locked thread is told as such although its root can be edited', async () => {
    harness = await createHarness();
    harness.chat.script = ({ key }) => {
      if (key.startsWith('note/a-')) throw locked();
    };
    await harness.put(root('a'), note('a', 'one'));
    await harness.settle();
    expect(harness.delivery.trouble()).toContain('1 message is');
    await harness.put(await edited(harness, 'alert/a/1', { card: card('a again') }));
    await harness.settle();
    expect(harness.delivery.trouble()).toContain('1 message is');
  });

  it('an edit that is taken does not say that a channel which refuses posts is well', async () => {
    harness = await createHarness();
    await harness.put(root('a'));
    await harness.settle();
    let asked = 0;
    harness.chat.script = ({ what, channel }) => {
      if (what === 'post' && channel === '#ops') {
        asked++;
        throw new TocsinError('chat-refused', { at: 'channel #ops', message: 'restricted_action' });
      }
    };
    for (let n = 0; n < 4; n++) {
      await harness.put(root(`n${n}`));
      await harness.settle();
      await harness.put(await edited(harness, 'alert/a/1', { card: card(`a${n}`) }));
      await harness.settle();
    }
    expect(asked).toBe(1);
  });
});

it('an edit that waits for its root spends no limits of others', async () => {
  harness = await createHarness();
  await harness.put(root('a'), note('a', 'told'), note('a', 'told2'));
  await harness.settle();
  harness.chat.deleted.add((await harness.store.post('slack', 'alert/a/1'))?.ref ?? '');
  let commits = 0;
  const original = harness.store.commit.bind(harness.store);
  harness.store.commit = async change => {
    commits++;
    return await original(change);
  };
  harness.chat.script = ({ key, what }) => {
    if (key === 'alert/a/1' && what === 'post')
      throw new TocsinError('chat-limited', { at: 'channel #ops', retryAfter: 30_000 });
  };
  await harness.put(note('a', 'three'));
  await harness.pass(2000);
  commits = 0;
  await harness.put(
    await edited(harness, 'note/a-told/0', { card: card('changed') }),
    root('b', { channel: '#other' }),
  );
  await harness.pass(5_000);
  const edits = commits;
  await harness.put(await edited(harness, 'alert/b/1', { card: card('b2', { tone: 'info' }) }));
  await harness.pass(3_000);
  expect(seen().at(-1)).toEqual(['edit', '#other', 'b2']);
  expect(edits).toBeLessThan(10);
}, 60000);

it('an edit that waits for its root takes no turn of others', async () => {
  harness = await createHarness();
  await harness.put(root('a'), question('a', 'q1'), root('b', { channel: '#other' }));
  await harness.settle();
  harness.chat.deleted.add((await harness.store.post('slack', 'alert/a/1'))?.ref ?? '');
  harness.chat.script = ({ key, what }) => {
    if (key === 'alert/a/1' && what === 'post')
      throw new TocsinError('chat-limited', { at: 'channel #ops', retryAfter: 60_000 });
  };
  await harness.put(note('a', 'three'));
  await harness.pass(2000);
  let commits = 0;
  const original = harness.store.commit.bind(harness.store);
  harness.store.commit = async change => {
    commits++;
    return await original(change);
  };
  await harness.put(await edited(harness, 'approval/q1', { card: card('q1 1 of 2', { tone: 'ask' }) }));
  await harness.pass(20_000);
  const spun = commits;
  await harness.put(await edited(harness, 'alert/b/1', { card: card('b2') }));
  await harness.pass(45_000);
  expect(seen()).toContainEqual(['edit', '#other', 'b2']);
  expect(spun).toBeLessThan(10);
}, 60000);
