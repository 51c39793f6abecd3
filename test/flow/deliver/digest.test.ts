import { describe, expect, it } from 'vitest';
import { type Digest, listPost, oldBacklog, planDigest } from '../../../src/flow/deliver/digest.ts';
import { createQueue, type Item } from '../../../src/flow/deliver/queue.ts';
import type { Post } from '../../../src/model/card.ts';
import { samplePost } from '../../contracts/samples.ts';
import { card, note, root } from './posts.ts';

/** When the platform went away, and when it is looked at: all that was posted in between is old. */
const outage = 1_000_000;
const now = outage + 10 * oldBacklog;

let order = 0;
function item(given: Partial<Post>, over: Partial<Item> = {}): Item {
  const queue = createQueue();
  order += 1;
  queue.absorb(
    samplePost({
      channel: '#ops',
      order,
      createdAt: outage - 1,
      wanted: 1,
      delivered: 0,
      ref: null,
      thread: null,
      run: null,
      severity: 'warning',
      ...given,
    }),
  );
  const [made] = queue.items.values();
  if (made === undefined) throw new Error('it is delivered');
  return Object.assign(made, over);
}
const ask = (thread: string, name: string, over: Partial<Post> = {}): Partial<Post> =>
  note(thread, name, { key: `approval/${name}`, card: card(name, { tone: 'ask' }), over: false, ...over });
const keys = (items: readonly Item[] | undefined) => (items ?? []).map(one => one.key).sort();
const plan = (items: Item[]) => planDigest(items, now, outage);

describe('the list of a thread', () => {
  const replies = (count: number, over: Partial<Item> = {}) =>
    Array.from({ length: count }, (_, n) => item(note('a', `n${n}`), over));

  it('stands for what is over in it, from three messages on', () => {
    expect(plan(replies(2))).toBeNull();
    const three = replies(3);
    expect(plan(three)).toEqual({ thread: 'alert/a/1', listed: three, folded: three, exempted: [] });
  });

  it('stands for no question, whatever else it stands for, and for none that goes on', () => {
    const questions = [
      item(ask('a', 'q1')),
      item(ask('a', 'q2', { over: true })),
      item(note('a', 'live', { over: false })),
    ];
    const finished = replies(3);
    const made = plan([...questions, ...finished]);
    expect(made?.thread).toBe('alert/a/1');
    expect(keys(made?.listed)).toEqual(keys(finished));
    expect(keys(made?.folded)).toEqual(keys(finished));
  });

  it('is not made of questions, or of what goes on, alone or to make up the number', () => {
    const closed = ['q1', 'q2', 'q3', 'q4'].map(name => item(ask('a', name, { over: true })));
    expect(plan(closed)).toBeNull();
    expect(plan([...closed, ...replies(2)])).toBeNull();
    const going = ['l1', 'l2', 'l3'].map(name => item(note('a', name, { over: false })));
    expect(plan([...going, ...replies(2)])).toBeNull();
  });

  it('is of one thread: what waits in others does not count', () => {
    expect(plan([...replies(2), item(note('b', 'x')), item(note('b', 'y'))])).toBeNull();
    const b = ['x', 'y', 'z'].map(name => item(note('b', name)));
    expect(plan([...replies(2), ...b])).toMatchObject({ thread: 'alert/b/1', listed: b });
  });

  it('waits for its root: while that is not posted its replies stand nowhere', () => {
    const late = [item(root('a')), ...replies(3)];
    expect(plan(late)).toBeNull();
    const busy = [item(root('a'), { busy: true }), ...replies(3)];
    expect(plan(busy)).toBeNull();
    const posted = [item(root('a', { ref: 'm1', wanted: 2, delivered: 1 })), ...replies(3)];
    expect(plan(posted)?.thread).toBe('alert/a/1');
  });

  it('leaves out what is posted already, what is in flight, and what is posted by itself', () => {
    const others = [
      item(note('a', 'edit', { ref: 'm1', wanted: 2, delivered: 1 })),
      item(note('a', 'busy'), { busy: true }),
      item(note('a', 'alone'), { exempted: true }),
    ];
    expect(plan([...others, ...replies(2)])).toBeNull();
    const three = replies(3);
    expect(plan([...others, ...three])?.folded).toEqual(three);
  });
});

describe('the list of a channel', () => {
  it('names all threads; the ten most severe that go on are posted, of the same severity the newest', () => {
    const of = (severity: Post['severity'], count: number, over = false) =>
      Array.from({ length: count }, (_, n) => item(root(`${severity}${n}${over ? 'x' : ''}`, { severity, over })));
    // The most severe are the oldest, so that their age does not do what their severity has to.
    const [over, critical, error, warning, none, info] = [
      of('critical', 2, true),
      of('critical', 4),
      of('error', 3),
      of('warning', 8),
      of(null, 2),
      of('info', 3),
    ];
    const all = [...info, ...none, ...warning, ...error, ...critical, ...over];
    const made = plan(all);
    expect(made?.thread).toBeNull();
    expect(made?.listed).toEqual(all);
    expect(keys(made?.exempted)).toEqual(keys([...critical, ...error, ...warning.slice(-3)]));
    expect(keys(made?.folded)).toEqual(keys([...info, ...none, ...warning.slice(0, -3), ...over]));
  });

  it('posts each thread in which somebody has to decide, also one that is over, and beside the ten', () => {
    const many = Array.from({ length: 12 }, (_, n) => item(root(`r${n}`)));
    const asked = item(root('asked', { severity: 'info' }));
    const over = item(root('over', { over: true }));
    const questions = [item(ask('asked', 'q1')), item(ask('over', 'q2'))];
    const said = [item(note('asked', 'said')), item(note('r0', 'said')), item(note('over', 'said'))];
    const made = plan([...many, asked, over, ...questions, ...said]);
    expect(keys(made?.listed)).toEqual(keys([...many, asked, over]));
    expect(keys(made?.exempted)).toEqual(keys([...many.slice(2), asked, over]));
    // What is said in a thread goes with it: folded where the thread is, posted where it is posted.
    expect(keys(made?.folded)).toEqual(keys([...many.slice(0, 2), ...said.filter(one => one.thread === 'alert/r0/1')]));
    expect(made?.folded.some(one => one.asks)).toBe(false);
  });

  it('is made of three threads, not of two', () => {
    const two = [item(root('a', { over: true })), item(root('b', { over: true }))];
    expect(plan(two)).toBeNull();
    expect(plan([...two, item(root('c', { over: true }))])?.folded).toHaveLength(3);
  });

  it('knows no severity beyond those that there are', () => {
    const roots = [...Array.from({ length: 11 }, (_, n) => item(root(`r${n}`, { severity: null })))];
    // None of them is more severe: the newest ten.
    expect(keys(plan(roots)?.folded)).toEqual(['alert/r0/1']);
  });
});

describe('when there is a list', () => {
  const roots = (count: number, createdAt: number) =>
    Array.from({ length: count }, (_, n) => item(root(`r${n}`, { over: true, createdAt })));

  it('after an outage, of what had waited for more than 30 s', () => {
    const at = (createdAt: number, time: number, out = createdAt) => planDigest(roots(3, createdAt), time, out);
    expect(at(outage, outage + oldBacklog)).toBeNull();
    expect(at(outage, outage + oldBacklog + 1)).not.toBeNull();
    expect(at(outage, now, outage - 1)).toBeNull();
    expect(at(outage, now, outage)).not.toBeNull();
  });

  it('without one, of more than sixty messages of which one is old', () => {
    const fresh = (count: number) => roots(count, now);
    const old = item(root('old', { over: true, createdAt: outage }));
    expect(planDigest([old, ...fresh(59)], now, 0)).toBeNull();
    expect(planDigest([old, ...fresh(60)], now, 0)).not.toBeNull();
    expect(planDigest(fresh(100), now, 0)).toBeNull();
  });

  it('none of nothing', () => {
    expect(plan([])).toBeNull();
  });
});

describe('the post of a list', () => {
  const facts = { platform: 'slack', now: 99, renewed: 0, showTime: (at: number) => `t${at}` };
  const digest = (count: number, over: Partial<Digest> = {}): Digest => ({
    thread: null,
    listed: Array.from({ length: count }, (_, n) =>
      item(root(`r${n}`, { card: card(`title ${n}`, { badge: n % 2 === 0 ? 'firing' : null }), createdAt: 100 + n })),
    ),
    folded: [],
    exempted: [],
    ...over,
  });
  const texts = (post: Post) => post.card.blocks.map(block => ('text' in block ? block.text : ''));

  it('names the threads in their order, from when to when, and that none of them follows', () => {
    const made = digest(3);
    const [first] = made.listed;
    const post = listPost({ ...made, listed: [...made.listed].reverse() }, facts);
    expect(post).toEqual({
      platform: 'slack',
      key: `missed/#ops/${first?.order}`,
      channel: '#ops',
      thread: null,
      card: {
        tone: 'warning',
        title: 'Could not be posted in time: 3 alerts and runs',
        badge: null,
        blocks: [
          {
            kind: 'fields',
            fields: [
              { label: 'From', value: 't100' },
              { label: 'To', value: 't102' },
            ],
          },
          { kind: 'text', text: '[firing] title 0\ntitle 1\n[firing] title 2' },
          { kind: 'text', text: 'None of them is posted by itself until something changes.' },
        ],
        buttons: [],
        mention: [],
      },
      wanted: 1,
      delivered: 0,
      ref: null,
      order: first?.order,
      createdAt: 99,
      changed: 0,
      severity: null,
      alert: null,
      run: null,
      over: true,
    });
  });

  it('counts those that follow, and the lines beyond forty', () => {
    const made = digest(42);
    const post = listPost({ ...made, exempted: made.listed.slice(0, 7) }, facts);
    expect(texts(post)[1]).toMatch(/^… and 2 before these\n\[firing\] title 2\n/);
    expect(texts(post)[1]?.split('\n')).toHaveLength(41);
    expect(texts(post)[2]).toBe('7 that still go on follow; the others are posted when something changes.');
    expect(texts(listPost(digest(40), facts))[1]?.split('\n')).toHaveLength(40);
  });

  it('of a thread is of messages, in the thread, and another one in a thread that was renewed', () => {
    const made = digest(3, { thread: 'alert/a/1' });
    const post = listPost({ ...made, exempted: made.listed }, { ...facts, renewed: 2 });
    expect(post.thread).toBe('alert/a/1');
    expect(post.key).toBe(`missed/alert/a/1/${made.listed[0]?.order}/2`);
    expect(post.card.title).toBe('Could not be posted in time: 3 messages');
    expect(post.card.blocks).toHaveLength(2);
    expect(listPost(made, facts).key).toBe(`missed/alert/a/1/${made.listed[0]?.order}`);
  });

  it('is still a post when it lists nothing', () => {
    expect(listPost({ ...digest(0), thread: null }, facts)).toMatchObject({ key: 'missed//0', channel: '', order: 0 });
  });
});
