import { afterEach, describe, expect, it } from 'vitest';
import { createFeed } from '../../../src/flow/journal/feed.ts';
import { silentLog } from '../../../src/kernel/log.ts';
import type { Entry, NewEntry } from '../../../src/model/journal.ts';
import type { Store } from '../../../src/ports/store.ts';

/** A journal in an array: what the feed needs of a store. Commits resolve when `release` says so, in any order. */
function memoryStore() {
  const entries: Entry[] = [];
  const gates: (() => void)[] = [];
  /** After which entry the journal was read, each time. */
  const asked: number[] = [];
  const limits: number[] = [];
  let held = false;
  let refusals = 0;
  let tell: (news: { seq: number; first?: number; kinds?: readonly string[] }) => void = () => {};
  const store = {
    async commit(change: { entries?: readonly NewEntry[] }) {
      const stored = (change.entries ?? []).map(entry => ({
        ...entry,
        seq: 0,
        version: 1,
        bytes: JSON.stringify(entry.fact),
        prev: '',
        hash: '',
      }));
      for (const entry of stored) {
        entry.seq = entries.length + 1;
        entries.push(entry);
      }
      if (held) await new Promise<void>(resolve => gates.push(resolve));
      return { entries: stored };
    },
    async journal({ after, limit, kinds }: { after: number; limit: number; kinds?: readonly string[] }) {
      asked.push(after);
      limits.push(limit);
      if (refusals-- > 0) throw new Error('not now');
      const found = entries.filter(entry => entry.seq > after && kinds?.includes(entry.fact.kind) !== false);
      return found.slice(0, limit);
    },
    onAppend(listener: typeof tell) {
      tell = listener;
      return () => {};
    },
  };
  return {
    store: store as unknown as Store,
    entries,
    asked,
    limits,
    gates,
    hold: () => (held = true),
    /** Another process appended up to here, and perhaps tells what. */
    announce: (seq: number, of: { first?: number; kinds?: readonly string[] } = {}) => tell({ seq, ...of }),
    /** Refuses as many reads. */
    refuse: (count: number) => {
      refusals = count;
    },
  };
}

const note = (text: string): NewEntry => ({
  stream: 'system',
  actor: { kind: 'system', id: 'test' },
  at: 1,
  fact: { kind: 'halt.set', reason: text },
});
const make = (store: Store) => createFeed({ store, log: silentLog, sleep: async () => {} });
let close: () => Promise<void> = async () => {};
afterEach(() => close());

describe('the feed', () => {
  it('hands every entry to a follower once and in order, from its cursor on', async () => {
    const { store } = memoryStore();
    const feed = make(store);
    close = () => feed.close();
    for (let i = 0; i < 5; i++) await feed.commit({ entries: [note(`${i}`)] });
    const seen: number[] = [];
    const following = feed.follow({
      name: 'test',
      after: 2,
      batch: 2,
      handle: async entries => void seen.push(...entries.map(entry => entry.seq)),
    });
    await following.caughtUp();
    await feed.commit({ entries: [note('a'), note('b'), note('c')] });
    await following.caughtUp();
    expect(seen).toEqual([3, 4, 5, 6, 7, 8]);
  });

  it('keeps only so much text in memory: older entries are read from the store, and none is missed', async () => {
    const { store, asked } = memoryStore();
    const feed = make(store);
    close = () => feed.close();
    for (let i = 0; i < 12; i++) await feed.commit({ entries: [note(`${i}`.repeat(500_000))] });
    const seen: number[] = [];
    const follow = (after: number) =>
      feed.follow({
        name: 'test',
        after,
        batch: 3,
        handle: async entries => void seen.push(...entries.map(entry => entry.seq)),
      });
    await follow(10).caughtUp();
    expect([seen, asked]).toEqual([[11, 12], []]);
    seen.length = 0;
    await follow(0).caughtUp();
    expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    expect(asked[0]).toBe(0);
  });

  it('keeps an entry in memory until every follower has handled it, and no longer', async () => {
    const { store, asked } = memoryStore();
    const feed = make(store);
    close = () => feed.close();
    const gate = Promise.withResolvers<void>();
    const follow = (name: string, after: number, handle: (entries: readonly Entry[]) => Promise<void>) =>
      feed.follow({ name, after, batch: 2, handle });
    const seen: number[] = [];
    const quick = follow('quick', 0, async () => {});
    const slow = follow('slow', 0, async entries => {
      await gate.promise;
      seen.push(...entries.map(entry => entry.seq));
    });
    for (let i = 0; i < 6; i++) await feed.commit({ entries: [note(`${i}`)] });
    await quick.caughtUp();
    asked.length = 0;
    // What one has still to handle is there for all.
    await follow('late', 2, async () => {}).caughtUp();
    expect(asked).toEqual([]);
    gate.resolve();
    await slow.caughtUp();
    expect(seen).toEqual([1, 2, 3, 4, 5, 6]);
    expect(asked).toEqual([]);
    await follow('later', 4, async () => {}).caughtUp();
    expect(asked[0]).toBe(4);
  });

  it('does not keep entries for a follower that was stopped', async () => {
    const { store, asked } = memoryStore();
    const feed = make(store);
    close = () => feed.close();
    const stopped = feed.follow({ name: 'stopped', after: 0, batch: 2, handle: async () => {} });
    await stopped.stop();
    const following = feed.follow({ name: 'test', after: 0, batch: 2, handle: async () => {} });
    for (let i = 0; i < 6; i++) await feed.commit({ entries: [note(`${i}`)] });
    await following.caughtUp();
    await feed.follow({ name: 'late', after: 4, batch: 2, handle: async () => {} }).caughtUp();
    expect(asked).toContain(4);
  });

  it('rests after a large batch, and neither whoever waits nor whoever stops it waits for that', async () => {
    const { store } = memoryStore();
    const rests: number[] = [];
    let asleep = Promise.withResolvers<void>();
    const sleep = (ms: number, signal?: AbortSignal) =>
      new Promise<void>((_, reject) => {
        rests.push(ms);
        asleep.resolve();
        signal?.addEventListener('abort', () => reject(signal.reason));
      });
    const feed = createFeed({ store, log: silentLog, sleep });
    close = () => feed.close();
    const batches: number[] = [];
    const handle = async (entries: readonly Entry[]) => {
      batches.push(entries.length);
      if (batches.length === 4) throw new Error('not now');
    };
    const following = feed.follow({ name: 'test', after: 0, batch: 10, rest: { after: 2, ms: 70 }, handle });
    await feed.commit({ entries: [note('a')] });
    await following.caughtUp();
    expect(rests).toEqual([]);
    await feed.commit({ entries: [note('b'), note('c')] });
    await asleep.promise;
    expect(rests).toEqual([70]);
    await feed.commit({ entries: [note('d')] });
    expect(batches).toEqual([1, 2]);
    await following.caughtUp();
    expect(batches).toEqual([1, 2, 1]);
    // What follows fails, and is paused after for longer: the end does not wait for it either.
    asleep = Promise.withResolvers();
    await feed.commit({ entries: [note('f')] });
    await asleep.promise;
    await following.stop();
    expect(rests.at(-1)).toBe(200);
  });

  it('gives a batch again when the handler failed, and skips nothing', async () => {
    const { store } = memoryStore();
    const feed = make(store);
    close = () => feed.close();
    let failures = 3;
    const seen: number[] = [];
    const following = feed.follow({
      name: 'test',
      after: 0,
      batch: 10,
      handle: async entries => {
        if (failures-- > 0) throw new Error('not now');
        seen.push(...entries.map(entry => entry.seq));
      },
    });
    await feed.commit({ entries: [note('a')] });
    await feed.commit({ entries: [note('b')] });
    await following.caughtUp();
    expect(seen).toEqual([1, 2]);
  });

  it('loses nothing when news of commits arrives out of order', async () => {
    const { store, hold, gates } = memoryStore();
    const feed = make(store);
    close = () => feed.close();
    hold();
    const commits = ['a', 'b', 'c', 'd'].map(text => feed.commit({ entries: [note(text)] }));
    for (const index of [1, 0, 3, 2]) {
      gates[index]?.();
      await commits[index];
    }
    const seen: number[] = [];
    const following = feed.follow({
      name: 'test',
      after: 0,
      batch: 2,
      handle: async entries => void seen.push(...entries.map(entry => entry.seq)),
    });
    await following.caughtUp();
    expect(seen).toEqual([1, 2, 3, 4]);
  });

  it('sees what another process appended between two commits of this one', async () => {
    const { store, entries } = memoryStore();
    const feed = make(store);
    close = () => feed.close();
    const seen: number[] = [];
    const following = feed.follow({
      name: 'test',
      after: 0,
      batch: 10,
      handle: async batch => void seen.push(...batch.map(entry => entry.seq)),
    });
    await feed.commit({ entries: [note('mine')] });
    await following.caughtUp();
    entries.push({ ...note('theirs'), seq: 2, version: 1, bytes: '', prev: '', hash: '' });
    await feed.commit({ entries: [note('mine again')] });
    await following.caughtUp();
    expect(seen).toEqual([1, 2, 3]);
  });

  it('reads nothing for a follower that wants none of the kinds that others tell', async () => {
    const { store, entries, asked, announce } = memoryStore();
    const theirs = (fact: Entry['fact']) =>
      entries.push({ ...note(''), fact, seq: entries.length + 1, version: 1, bytes: '', prev: '', hash: '' });
    const feed = make(store);
    close = () => feed.close();
    const calls: [number[], number][] = [];
    const handle = async (batch: readonly Entry[], upTo: number) =>
      void calls.push([batch.map(entry => entry.seq), upTo]);
    const following = feed.follow({ name: 'test', after: 0, batch: 10, kinds: ['halt.set'], handle });
    await feed.commit({ entries: [note('1')] });
    await following.caughtUp();
    asked.length = 0;
    for (let n = 0; n < 50; n++) {
      theirs({ kind: 'halt.cleared', reason: 'x' });
      announce(entries.length, { first: entries.length, kinds: ['halt.cleared'] });
      await feed.commit({ entries: [{ ...note(''), fact: { kind: 'halt.cleared', reason: 'x' } }] });
    }
    await following.caughtUp();
    expect([calls, asked]).toEqual([[[[1], 1]], []]);
    // An own commit is known before what another one appended ahead of it was told.
    theirs({ kind: 'halt.cleared', reason: 'x' });
    await feed.commit({ entries: [{ ...note(''), fact: { kind: 'halt.cleared', reason: 'x' } }] });
    announce(102, { first: 102, kinds: ['halt.cleared'] });
    theirs({ kind: 'halt.set', reason: '104' });
    announce(104, { first: 104, kinds: ['halt.set'] });
    await following.caughtUp();
    expect([calls.slice(1), asked]).toEqual([[[[104], 104]], [103]]);
    // It is called from time to time all the same, and keeps its cursor durable then.
    for (let n = 0; n < 2000; n++) theirs({ kind: 'halt.cleared', reason: 'x' });
    for (let seq = 105; seq <= 2104; seq++) announce(seq, { first: seq, kinds: ['halt.cleared'] });
    await following.caughtUp();
    expect(calls.slice(2)).toEqual([[[], 2104]]);
    // Without the kinds, and of an older node, it reads.
    theirs({ kind: 'halt.set', reason: '2105' });
    announce(2105);
    await following.caughtUp();
    expect(calls.at(-1)).toEqual([[2105], 2105]);
  });

  it('calls a follower with the first news, whatever it holds, so that it knows from where to go on', async () => {
    const { store } = memoryStore();
    const feed = make(store);
    close = () => feed.close();
    const upTos: number[] = [];
    const handle = async (_: readonly Entry[], upTo: number) => void upTos.push(upTo);
    const following = feed.follow({ name: 'test', after: 0, batch: 10, kinds: ['halt.set'], handle });
    for (let n = 0; n < 3; n++) {
      await feed.commit({ entries: [{ ...note(''), fact: { kind: 'halt.cleared', reason: 'x' } }] });
      await following.caughtUp();
    }
    expect(upTos).toEqual([1]);
  });

  it('reads the kinds that a follower wants, and none of the others twice', async () => {
    const { store, entries, asked } = memoryStore();
    const theirs = (fact: Entry['fact']) =>
      entries.push({ ...note(''), fact, seq: entries.length + 1, version: 1, bytes: '', prev: '', hash: '' });
    const cleared = { kind: 'halt.cleared', reason: 'x' } as const;
    for (let n = 0; n < 50; n++) theirs(cleared);
    const feed = make(store);
    close = () => feed.close();
    const seen: number[] = [];
    const handle = async (batch: readonly Entry[]) => void seen.push(...batch.map(entry => entry.seq));
    const following = feed.follow({ name: 'test', after: 0, batch: 2, kinds: ['halt.set'], handle });
    // From memory, from the store, and nothing at all.
    await feed.commit({ entries: [note('51'), { ...note(''), fact: cleared }, note('53')] });
    await following.caughtUp();
    for (let n = 0; n < 50; n++) theirs(cleared);
    theirs({ kind: 'halt.set', reason: '104' });
    theirs(cleared);
    await feed.commit({ entries: [{ ...note(''), fact: cleared }] });
    await following.caughtUp();
    expect(seen).toEqual([51, 53, 104]);
    asked.length = 0;
    theirs(cleared);
    await feed.commit({ entries: [{ ...note(''), fact: cleared }] });
    await following.caughtUp();
    expect(seen).toEqual([51, 53, 104]);
    expect(Math.min(...asked)).toBeGreaterThanOrEqual(106);
  });

  describe('what other processes append', () => {
    const theirs = (entries: Entry[], count: number, fact: Entry['fact'] = { kind: 'halt.set', reason: 'x' }) => {
      for (let n = 0; n < count; n++)
        entries.push({ ...note(''), fact, seq: entries.length + 1, version: 1, bytes: '', prev: '', hash: '' });
    };
    /** A follower that notes what it saw. */
    const watch = (feed: ReturnType<typeof make>, more: { after?: number; kinds?: readonly 'halt.set'[] } = {}) => {
      const seen: number[] = [];
      const handle = async (batch: readonly Entry[]) => void seen.push(...batch.map(entry => entry.seq));
      return { seen, ...feed.follow({ name: 'test', after: 0, batch: 100, handle, ...more }) };
    };

    it('is read once for all followers, whatever kinds they want', async () => {
      const { store, entries, asked, announce } = memoryStore();
      const feed = make(store);
      close = () => feed.close();
      await feed.commit({ entries: [note('mine')] });
      const all = [watch(feed), watch(feed, { kinds: ['halt.set'] }), watch(feed, { kinds: ['halt.set'] })];
      await Promise.all(all.map(one => one.caughtUp()));
      asked.length = 0;
      theirs(entries, 3);
      theirs(entries, 1, { kind: 'halt.cleared', reason: 'x' });
      announce(5);
      await Promise.all(all.map(one => one.caughtUp()));
      expect(all.map(({ seen }) => seen)).toEqual([
        [1, 2, 3, 4, 5],
        [1, 2, 3, 4],
        [1, 2, 3, 4],
      ]);
      expect(asked).toEqual([1]);
    });

    it('is read up to what this process committed after it, which comes from memory', async () => {
      const { store, entries, asked, limits } = memoryStore();
      const feed = make(store);
      close = () => feed.close();
      await feed.commit({ entries: [note('mine')] });
      const all = [watch(feed), watch(feed)];
      await Promise.all(all.map(one => one.caughtUp()));
      asked.length = 0;
      limits.length = 0;
      theirs(entries, 2);
      await feed.commit({ entries: [note('mine'), note('mine')] });
      theirs(entries, 1);
      await feed.commit({ entries: [note('mine')] });
      await Promise.all(all.map(one => one.caughtUp()));
      for (const { seen } of all) expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7]);
      expect(asked).toEqual([1, 5]);
      expect(limits).toEqual([2, 1]);
    });

    it('keeps only so much text waiting while nobody reads it', async () => {
      const { store, entries, asked, announce } = memoryStore();
      const feed = make(store);
      close = () => feed.close();
      await feed.commit({ entries: [note('mine')] });
      theirs(entries, 1);
      announce(2);
      for (let i = 0; i < 10; i++) await feed.commit({ entries: [note(`${i}`.repeat(500_000))] });
      const seen: number[] = [];
      const handle = async (entries: readonly Entry[]) => void seen.push(...entries.map(entry => entry.seq));
      // From the other side of the gap on, memory is of use again.
      await feed.follow({ name: 'test', after: 10, batch: 5, handle }).caughtUp();
      expect([seen, asked]).toEqual([[11, 12], []]);
    });

    it('is read again when the read failed, and nothing is skipped', async () => {
      const { store, entries, asked, announce, refuse } = memoryStore();
      const feed = make(store);
      close = () => feed.close();
      await feed.commit({ entries: [note('mine')] });
      const all = [watch(feed), watch(feed)];
      await Promise.all(all.map(one => one.caughtUp()));
      asked.length = 0;
      theirs(entries, 2);
      refuse(1);
      announce(3);
      await Promise.all(all.map(one => one.caughtUp()));
      for (const { seen } of all) expect(seen).toEqual([1, 2, 3]);
      expect(asked.every(after => after === 1)).toBe(true);
    });

    it('is read alone, and only what it wants, by a follower that is far behind', async () => {
      const { store, entries, asked, announce } = memoryStore();
      theirs(entries, 5000, { kind: 'halt.cleared', reason: 'x' });
      theirs(entries, 1);
      const feed = make(store);
      close = () => feed.close();
      announce(5001);
      const one = watch(feed, { kinds: ['halt.set'] });
      await one.caughtUp();
      expect([one.seen, asked]).toEqual([[5001], [0]]);
    });

    it('is handed on also where an entry is missing, for the audit to say so', async () => {
      const { store, entries, announce } = memoryStore();
      const feed = make(store);
      close = () => feed.close();
      await feed.commit({ entries: [note('mine')] });
      const one = watch(feed);
      await one.caughtUp();
      theirs(entries, 4);
      entries.splice(2, 1);
      announce(5);
      await one.caughtUp();
      expect(one.seen).toEqual([1, 2, 4, 5]);
    });
  });
});
