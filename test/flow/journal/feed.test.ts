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
  let held = false;
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
      const found = entries.slice(after).filter(entry => kinds?.includes(entry.fact.kind) !== false);
      return found.slice(0, limit);
    },
  };
  return { store: store as unknown as Store, entries, asked, hold: () => (held = true), gates };
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
});
