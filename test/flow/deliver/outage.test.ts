import { afterEach, describe, expect, it } from 'vitest';
import { createHarness, type Harness } from './harness.ts';
import { card, edited, note, root, runPost } from './posts.ts';

let harness: Harness;
afterEach(() => harness.close());

const titles = () => harness.chat.seen.map(seen => seen.title);
const minutes = (count: number) => count * 60_000;

describe('ten minutes without the platform', () => {
  it('a thread catches up with one list of what was missed, and shows the state as it is now', async () => {
    harness = await createHarness();
    await harness.put(root('disk'), runPost('disk', 'r1'));
    await harness.settle();
    harness.chat.seen.length = 0;
    harness.chat.down = true;
    for (let minute = 0; minute < 10; minute++) {
      await harness.put(
        note('disk', `note ${minute}`),
        await edited(harness, 'alert/disk/1', { card: card(`disk ${minute}`) }),
      );
      await harness.pass(minutes(1));
    }
    await harness.put(await edited(harness, 'run/r1', { card: card('r1', { badge: 'succeeded' }), over: true }));
    expect(harness.delivery.trouble()).toContain('the socket is closed');
    expect(harness.chat.seen).toEqual([]);
    harness.chat.down = false;
    await harness.settle();
    expect(harness.chat.seen.filter(seen => seen.what === 'post').map(seen => [seen.channel, seen.title])).toEqual([
      ['#ops', 'Could not be posted in time: 10 messages'],
    ]);
    const [list] = harness.chat.seen.filter(seen => seen.what === 'post');
    for (let minute = 0; minute < 10; minute++) expect(list?.text).toContain(`note ${minute}`);
    // The list may be edited once: what the platform had from a try whose answer was lost is not known.
    const edits = harness.chat.seen.filter(seen => seen.what === 'edit' && !seen.title.startsWith('Could not'));
    expect(edits.map(seen => seen.title).sort()).toEqual(['disk 9', 'r1']);
    expect(harness.chat.shown.get('run/r1')?.badge).toBe('succeeded');
    expect(harness.chat).toMatchObject({ orphans: [], tooMany: 0 });
    // It is history now: a restart brings none of it again.
    await harness.restart();
    await harness.settle();
    expect(harness.chat.seen.filter(seen => seen.what === 'post')).toHaveLength(1);
  });

  it('new alerts are one list in their channel; those that go on and those that ask follow, the others do not', async () => {
    harness = await createHarness();
    harness.chat.down = true;
    for (let count = 0; count < 60; count++) {
      const over = count % 3 === 0;
      const badge = over ? 'resolved' : 'firing';
      const severity = count === 40 ? 'critical' : 'warning';
      await harness.put(
        root(`a${count}`, { card: card(`alert ${count}`, { badge }), over, severity }),
        note(`a${count}`, 'seen again'),
      );
      await harness.pass(10_000);
    }
    await harness.put({
      key: 'approval/p1',
      thread: 'alert/a1/1',
      card: card('Run it?', { tone: 'ask' }),
      over: false,
    });
    harness.chat.down = false;
    const took = await harness.settle();
    const [list, ...rest] = harness.chat.seen;
    expect(list?.title).toBe('Could not be posted in time: 60 alerts and runs');
    expect(list?.text).toContain('[resolved] alert 57');
    expect(list?.text).toContain('[firing] alert 59');
    expect(list?.text).toContain('and 20 before these');
    const posted = rest.map(seen => seen.title);
    expect(posted).toContain('Run it?');
    expect(posted).toContain('alert 1');
    expect(posted).toContain('alert 40');
    expect(posted.filter(title => title.startsWith('alert'))).toHaveLength(11);
    expect(posted).not.toContain('alert 57');
    expect(took).toBeLessThan(minutes(1));
    expect(harness.chat).toMatchObject({ orphans: [], tooMany: 0 });
    const { text: _, ...seen } = list ?? { text: '' };
    expect(seen).toMatchObject({ what: 'post', channel: '#ops' });
  });

  it('an alert that was only listed gets its message when something happens to it', async () => {
    harness = await createHarness();
    harness.chat.down = true;
    for (let count = 0; count < 20; count++) await harness.put(root(`a${count}`));
    await harness.pass(minutes(10));
    harness.chat.down = false;
    await harness.settle();
    expect(titles()).not.toContain('a3');
    expect(await harness.store.post('slack', 'alert/a3/1')).toMatchObject({ withheld: 'listed', ref: null });
    await harness.put(note('a3', 'Acknowledged by alice'));
    await harness.settle();
    expect(titles().slice(-2)).toEqual(['a3', 'Acknowledged by alice']);
    expect(await harness.store.post('slack', 'alert/a3/1')).not.toHaveProperty('withheld');
    expect(harness.chat.orphans).toEqual([]);
  });

  it('tells a list once, though the answer to its first try was lost, and with what came since', async () => {
    harness = await createHarness();
    await harness.put(root('disk'));
    await harness.settle();
    harness.chat.down = true;
    await harness.put(...['a', 'b', 'c', 'd'].map(name => note('disk', name)));
    await harness.pass(minutes(1));
    harness.chat.down = false;
    harness.chat.loseAnswers = 1;
    for (let waited = 0; harness.chat.loseAnswers > 0 && waited < 100; waited++) await harness.pass(1000);
    await harness.put(note('disk', 'e'));
    await harness.settle();
    const posts = harness.chat.seen.filter(seen => seen.what === 'post').map(seen => seen.title);
    expect(posts).toEqual(['disk', 'Could not be posted in time: 4 messages']);
    const [list] = (await harness.store.posts({ platform: 'slack' })).filter(post => post.key.startsWith('missed/'));
    expect(harness.chat.shown.get(list?.key ?? '')?.title).toBe('Could not be posted in time: 5 messages');
  });

  it('a few that are late are posted as they are', async () => {
    harness = await createHarness();
    await harness.put(root('disk'));
    await harness.settle();
    harness.chat.down = true;
    await harness.put(note('disk', 'one'), note('disk', 'two'));
    await harness.pass(minutes(10));
    harness.chat.down = false;
    await harness.settle();
    expect(titles()).toEqual(['disk', 'one', 'two']);
  });
});

describe('without an outage', () => {
  it('what a channel gets within a minute is posted as it is, though the last of it waits for longer than a list would', async () => {
    harness = await createHarness();
    await harness.pass(1000);
    await harness.put(root('disk'), ...Array.from({ length: 50 }, (_, n) => note('disk', `note ${n}`)));
    await harness.settle();
    expect(titles()).toHaveLength(51);
    expect(titles()).toContain('note 49');
  });

  it('a flood is a list all the same', async () => {
    harness = await createHarness();
    await harness.pass(1000);
    await harness.put(root('disk'), ...Array.from({ length: 500 }, (_, n) => note('disk', `note ${n}`)));
    await harness.settle();
    expect(titles().length).toBeLessThan(40);
    expect(titles().at(-1)).toMatch(/^Could not be posted in time: 4\d\d messages$/);
  });
});
