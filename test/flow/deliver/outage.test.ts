import { afterEach, describe, expect, it } from 'vitest';
import { createGround, type Ground } from './ground.ts';
import { card, edited, note, root, runPost } from './posts.ts';

let ground: Ground;
afterEach(() => ground.close());

const titles = () => ground.chat.seen.map(seen => seen.title);
const minutes = (count: number) => count * 60_000;

describe('ten minutes without the platform', () => {
  it('a thread catches up with one list of what was missed, and shows the state as it is now', async () => {
    ground = await createGround();
    await ground.put(root('disk'), runPost('disk', 'r1'));
    await ground.settle();
    ground.chat.seen.length = 0;
    ground.chat.down = true;
    for (let minute = 0; minute < 10; minute++) {
      await ground.put(
        note('disk', `note ${minute}`),
        await edited(ground, 'alert/disk/1', { card: card(`disk ${minute}`) }),
      );
      await ground.pass(minutes(1));
    }
    await ground.put(await edited(ground, 'run/r1', { card: card('r1', { badge: 'succeeded' }), over: true }));
    expect(ground.delivery.trouble()).toContain('the socket is closed');
    expect(ground.chat.seen).toEqual([]);
    ground.chat.down = false;
    await ground.settle();
    expect(ground.chat.seen.filter(seen => seen.what === 'post').map(seen => [seen.channel, seen.title])).toEqual([
      ['#ops', 'Could not be posted in time: 10 messages'],
    ]);
    const [list] = ground.chat.seen.filter(seen => seen.what === 'post');
    for (let minute = 0; minute < 10; minute++) expect(list?.text).toContain(`note ${minute}`);
    // The list may be edited once: what the platform had from a try whose answer was lost is not known.
    const edits = ground.chat.seen.filter(seen => seen.what === 'edit' && !seen.title.startsWith('Could not'));
    expect(edits.map(seen => seen.title).sort()).toEqual(['disk 9', 'r1']);
    expect(ground.chat.shown.get('run/r1')?.badge).toBe('succeeded');
    expect(ground.chat).toMatchObject({ orphans: [], tooMany: 0 });
    // It is history now: a restart brings none of it again.
    await ground.restart();
    await ground.settle();
    expect(ground.chat.seen.filter(seen => seen.what === 'post')).toHaveLength(1);
  });

  it('new alerts are one list in their channel; those that go on and those that ask follow, the others do not', async () => {
    ground = await createGround();
    ground.chat.down = true;
    for (let count = 0; count < 60; count++) {
      const over = count % 3 === 0;
      const badge = over ? 'resolved' : 'firing';
      const severity = count === 40 ? 'critical' : 'warning';
      await ground.put(
        root(`a${count}`, { card: card(`alert ${count}`, { badge }), over, severity }),
        note(`a${count}`, 'seen again'),
      );
      await ground.pass(10_000);
    }
    await ground.put({
      key: 'approval/p1',
      thread: 'alert/a1/1',
      card: card('Run it?', { tone: 'ask' }),
      over: false,
    });
    ground.chat.down = false;
    const took = await ground.settle();
    const [list, ...rest] = ground.chat.seen;
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
    expect(ground.chat).toMatchObject({ orphans: [], tooMany: 0 });
    const { text: _, ...seen } = list ?? { text: '' };
    expect(seen).toMatchObject({ what: 'post', channel: '#ops' });
  });

  it('an alert that was only listed gets its message when something happens to it', async () => {
    ground = await createGround();
    ground.chat.down = true;
    for (let count = 0; count < 20; count++) await ground.put(root(`a${count}`));
    await ground.pass(minutes(10));
    ground.chat.down = false;
    await ground.settle();
    expect(titles()).not.toContain('a3');
    expect(await ground.store.post('slack', 'alert/a3/1')).toMatchObject({ withheld: 'listed', ref: null });
    await ground.put(note('a3', 'Acknowledged by alice'));
    await ground.settle();
    expect(titles().slice(-2)).toEqual(['a3', 'Acknowledged by alice']);
    expect(await ground.store.post('slack', 'alert/a3/1')).not.toHaveProperty('withheld');
    expect(ground.chat.orphans).toEqual([]);
  });

  it('tells a list once, though the answer to its first try was lost, and with what came since', async () => {
    ground = await createGround();
    await ground.put(root('disk'));
    await ground.settle();
    ground.chat.down = true;
    await ground.put(...['a', 'b', 'c', 'd'].map(name => note('disk', name)));
    await ground.pass(minutes(1));
    ground.chat.down = false;
    ground.chat.loseAnswers = 1;
    for (let waited = 0; ground.chat.loseAnswers > 0 && waited < 100; waited++) await ground.pass(1000);
    await ground.put(note('disk', 'e'));
    await ground.settle();
    const posts = ground.chat.seen.filter(seen => seen.what === 'post').map(seen => seen.title);
    expect(posts).toEqual(['disk', 'Could not be posted in time: 4 messages']);
    const [list] = (await ground.store.posts({ platform: 'slack' })).filter(post => post.key.startsWith('missed/'));
    expect(ground.chat.shown.get(list?.key ?? '')?.title).toBe('Could not be posted in time: 5 messages');
  });

  it('a few that are late are posted as they are', async () => {
    ground = await createGround();
    await ground.put(root('disk'));
    await ground.settle();
    ground.chat.down = true;
    await ground.put(note('disk', 'one'), note('disk', 'two'));
    await ground.pass(minutes(10));
    ground.chat.down = false;
    await ground.settle();
    expect(titles()).toEqual(['disk', 'one', 'two']);
  });
});

describe('without an outage', () => {
  it('what a channel gets within a minute is posted as it is, though the last of it waits for longer than a list would', async () => {
    ground = await createGround();
    await ground.pass(1000);
    await ground.put(root('disk'), ...Array.from({ length: 50 }, (_, n) => note('disk', `note ${n}`)));
    await ground.settle();
    expect(titles()).toHaveLength(51);
    expect(titles()).toContain('note 49');
  });

  it('a flood is a list all the same', async () => {
    ground = await createGround();
    await ground.pass(1000);
    await ground.put(root('disk'), ...Array.from({ length: 500 }, (_, n) => note('disk', `note ${n}`)));
    await ground.settle();
    expect(titles().length).toBeLessThan(40);
    expect(titles().at(-1)).toMatch(/^Could not be posted in time: 4\d\d messages$/);
  });
});
