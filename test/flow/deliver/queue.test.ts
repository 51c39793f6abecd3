import { beforeEach, describe, expect, it } from 'vitest';
import { createQueue, type Item, type Queue } from '../../../src/flow/deliver/queue.ts';
import type { Post } from '../../../src/model/card.ts';
import { samplePost } from '../../contracts/samples.ts';
import { card } from './posts.ts';

let queue: Queue;
beforeEach(() => {
  queue = createQueue();
});

const post = (over: Partial<Post> = {}): Post =>
  samplePost({ key: 'alert/a/1', thread: null, wanted: 1, delivered: 0, ref: null, changed: 10, renewed: 0, ...over });
const only = (): Item => {
  expect(queue.items.size).toBe(1);
  return [...queue.items.values()][0] as Item;
};
const mark = (version: number, over: { ref?: string; renewed?: number } = {}) => ({
  version,
  ref: 'm1',
  renewed: 0,
  ...over,
});

describe('a post that was read', () => {
  it('is an item with all that its delivery is chosen by', () => {
    queue.absorb(
      post({
        channel: '#ops',
        order: 7,
        createdAt: 5,
        wanted: 3,
        delivered: 1,
        ref: 'm9',
        renewed: 2,
        over: true,
        severity: 'critical',
        card: card('t'.repeat(300), { badge: 'firing', tone: 'ask' }),
      }),
    );
    expect(only()).toEqual({
      key: 'alert/a/1',
      kind: 'alert',
      channel: '#ops',
      thread: 'alert/a/1',
      isRoot: true,
      order: 7,
      createdAt: 5,
      changed: 10,
      wanted: 3,
      delivered: 1,
      ref: 'm9',
      renewed: 2,
      over: true,
      group: 'alert/a/1',
      severity: 'critical',
      title: 't'.repeat(200),
      badge: 'firing',
      asks: true,
      busy: false,
      exempted: false,
      failures: 0,
      notBefore: 0,
    });
  });

  it('is of its thread and of its run', () => {
    queue.absorb(post({ key: 'run/r1', thread: 'alert/a/1', run: 'r1', card: card('r1') }));
    expect(only()).toMatchObject({ kind: 'run', thread: 'alert/a/1', isRoot: false, group: 'r1', asks: false });
    queue.absorb(post({ key: 'note/n/0', thread: 'alert/a/1', run: null }));
    expect(queue.items.get('note/n/0')).toMatchObject({ group: 'alert/a/1' });
  });

  it('is none when the platform has it already', () => {
    queue.absorb(post({ wanted: 2, delivered: 2, ref: 'm1' }));
    queue.absorb(post({ key: 'note/x/0', wanted: 2, delivered: 3, ref: 'm2' }));
    expect(queue.items.size).toBe(0);
  });

  it('may lack what older builds did not write', () => {
    const { renewed: _, over: __, ...older } = post();
    queue.absorb(older as Post);
    expect(only()).toMatchObject({ renewed: 0, over: false });
  });
});

describe('reads that come out of order', () => {
  it('a newer state stays, whatever an older read says afterwards', () => {
    queue.absorb(post({ changed: 20, wanted: 3, card: card('third') }));
    queue.absorb(post({ changed: 10, wanted: 2, card: card('second') }));
    expect(only()).toMatchObject({ wanted: 3, title: 'third', changed: 20 });
    // An old read in which all was delivered takes away nothing that is wanted since.
    queue.absorb(post({ changed: 15, wanted: 2, delivered: 2, ref: 'm1' }));
    expect(only()).toMatchObject({ wanted: 3, delivered: 0, title: 'third' });
  });

  it('the same state once more, and a newer one, are taken', () => {
    queue.absorb(post({ changed: 10, card: card('first') }));
    queue.absorb(post({ changed: 10, wanted: 2, card: card('same stamp') }));
    expect(only()).toMatchObject({ wanted: 2, title: 'same stamp' });
    queue.absorb(post({ changed: 11, wanted: 3, card: card('newer') }));
    expect(only()).toMatchObject({ wanted: 3, title: 'newer', changed: 11 });
    queue.absorb(post({ changed: 12, wanted: 3, delivered: 3, ref: 'm1' }));
    expect(queue.items.size).toBe(0);
  });

  it('keep what delivery knows of the item: its failures, its pause, its request in flight', () => {
    queue.absorb(post({ changed: 10 }));
    Object.assign(only(), { failures: 3, notBefore: 99, busy: true, exempted: true });
    queue.absorb(post({ changed: 11, wanted: 2 }));
    expect(only()).toMatchObject({ wanted: 2, failures: 3, notBefore: 99, busy: true, exempted: true });
  });

  it('a read from before a delivery does not bring back what was delivered', () => {
    queue.absorb(post());
    queue.done('alert/a/1', mark(1));
    expect(queue.items.size).toBe(0);
    queue.absorb(post());
    expect(queue.items.size).toBe(0);
    queue.absorb(post({ changed: 11, wanted: 2 }));
    expect(only()).toMatchObject({ delivered: 1, ref: 'm1', wanted: 2 });
  });
});

describe('what was delivered and is not recorded yet', () => {
  it('covers the post that was read, and never takes a delivery back', () => {
    queue.done('alert/a/1', mark(2));
    expect(queue.overlay(post({ wanted: 5, delivered: 1 }))).toMatchObject({ wanted: 5, delivered: 2, ref: 'm1' });
    expect(queue.overlay(post({ wanted: 5, delivered: 4, ref: 'm0' }))).toMatchObject({ delivered: 4, ref: 'm1' });
    expect(queue.overlay(post({ key: 'note/x/0' }))).toEqual(post({ key: 'note/x/0' }));
  });

  it('says nothing of a post that was renewed since: that is another message', () => {
    queue.done('alert/a/1', mark(2));
    const renewed = post({ renewed: 1, wanted: 5 });
    expect(queue.overlay(renewed)).toBe(renewed);
    queue.absorb(renewed);
    queue.done('alert/a/1', mark(5));
    expect(only()).toMatchObject({ delivered: 0, ref: null });
    queue.done('alert/a/1', mark(5, { renewed: 1, ref: 'm2' }));
    expect(queue.items.size).toBe(0);
  });

  it('is kept until it is recorded; a newer one is not lost with it', () => {
    const [first, second] = [mark(1), mark(2)];
    queue.done('alert/a/1', first);
    expect([...queue.unrecorded()]).toEqual([['alert/a/1', first]]);
    queue.done('alert/a/1', second);
    queue.recorded('alert/a/1', first);
    expect([...queue.unrecorded()]).toEqual([['alert/a/1', second]]);
    queue.recorded('alert/a/1', second);
    expect(queue.unrecorded().size).toBe(0);
  });

  it('leaves a newer version wanted, with the message that it is an edit of, and its failures are over', () => {
    queue.absorb(post({ wanted: 3 }));
    Object.assign(only(), { failures: 2 });
    queue.done('alert/a/1', mark(2));
    expect(only()).toMatchObject({ wanted: 3, delivered: 2, ref: 'm1', failures: 0 });
  });
});

describe('a request in flight', () => {
  it('keeps the item while it goes on, though all was delivered; then it goes', () => {
    queue.absorb(post());
    const item = only();
    item.busy = true;
    queue.absorb(post({ changed: 11, delivered: 1, ref: 'm1', card: card('as it is') }));
    expect(only()).toMatchObject({ busy: true, delivered: 1, title: 'as it is' });
    queue.release(item);
    expect(item.busy).toBe(false);
    expect(queue.items.size).toBe(0);
  });

  it('leaves what is still wanted, and an item that took its place', () => {
    queue.absorb(post({ wanted: 2 }));
    const item = only();
    item.busy = true;
    queue.release(item);
    expect(only()).toBe(item);
    expect(item.busy).toBe(false);
    queue.drop('alert/a/1');
    expect(queue.items.size).toBe(0);
    queue.absorb(post({ changed: 12, wanted: 4 }));
    Object.assign(item, { wanted: 2, delivered: 2 });
    queue.release(item);
    expect(only()).toMatchObject({ wanted: 4 });
  });
});

describe('a pause', () => {
  it('holds the item, and the post when it is wanted again', () => {
    queue.absorb(post());
    queue.pause('alert/a/1', 500);
    expect(only().notBefore).toBe(500);
    expect(queue.pausedUntil('alert/a/1')).toBe(500);
    expect(queue.pausedUntil('note/x/0')).toBe(0);
    queue.done('alert/a/1', mark(1));
    queue.absorb(post({ changed: 11, wanted: 2 }));
    expect(only().notBefore).toBe(500);
    queue.pause('note/x/0', 900);
    queue.absorb(post({ key: 'note/x/0' }));
    expect(queue.items.get('note/x/0')?.notBefore).toBe(900);
  });

  it('is remembered of the newest 5,000, and one that is set again is new', () => {
    for (let n = 0; n < 5000; n++) queue.pause(`note/${n}/0`, n + 1);
    expect(queue.pausedUntil('note/0/0')).toBe(1);
    queue.pause('note/0/0', 7);
    queue.pause('note/more/0', 9);
    expect(['note/0/0', 'note/1/0', 'note/2/0', 'note/more/0'].map(queue.pausedUntil)).toEqual([7, 0, 3, 9]);
  });
});

describe('an exemption', () => {
  it('is of the post when it is read, once', () => {
    queue.exempt('alert/a/1');
    queue.absorb(post());
    expect(only().exempted).toBe(true);
    queue.done('alert/a/1', mark(1));
    queue.absorb(post({ changed: 11, wanted: 2 }));
    expect(only().exempted).toBe(false);
  });
});
