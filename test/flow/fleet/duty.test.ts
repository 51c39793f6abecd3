import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type DutyParts, fencedFeed, type Job, takeTurns } from '../../../src/flow/fleet/duty.ts';
import { keepLease } from '../../../src/flow/fleet/heartbeat.ts';
import { startNodes } from '../../../src/flow/fleet/nodes.ts';
import { createFeed } from '../../../src/flow/journal/feed.ts';
import { TocsinError } from '../../../src/kernel/errors.ts';
import { silentLog } from '../../../src/kernel/log.ts';
import type { NodeFacts } from '../../../src/model/node.ts';
import type { Guard, Store } from '../../../src/ports/store.ts';
import sqlite from '../../../src/stores/sqlite/index.ts';
import { createClock, type HandClock } from '../../doubles/clock.ts';

let folder: string;
let clock: HandClock;
let store: Store;
const ends: (() => Promise<void>)[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tocsin-duty-'));
  clock = createClock();
  store = await sqlite.open({ folder, url: null, now: clock.now });
});
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
  await store.close();
  await rm(folder, { recursive: true, force: true });
});

const partsOf = (holder: string, change: Partial<DutyParts> = {}): DutyParts => ({
  store,
  clock,
  log: silentLog,
  holder,
  shared: true,
  ...change,
});

/** A node that tells what happens to its duty. */
async function node(holder: string, change: Partial<DutyParts> = {}) {
  const told: string[] = [];
  let fence: readonly Guard[] = [];
  const start = async (given: readonly Guard[]): Promise<Job> => {
    fence = given;
    told.push('begins');
    return { stop: async lost => void told.push(lost ? 'lost' : 'ends') };
  };
  const turn = await takeTurns({ name: 'road', start }, partsOf(holder, change));
  ends.push(() => turn.stop());
  return { turn, told, fence: () => fence };
}

/** Lets what waits for the store go on, between two moves of the clock. */
async function pass(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 500) {
    await clock.advance(500);
    await store.head();
    for (let n = 0; n < 20; n++) await new Promise(resolve => setImmediate(resolve));
    await store.healthy();
  }
}

describe('a duty', () => {
  test('is done by one of two nodes, and by the other when the first stops in order', async () => {
    const [first, second] = [await node('a'), await node('b')];
    expect([first.turn.held(), second.turn.held()]).toEqual([true, false]);
    await pass(30_000);
    expect([first.told, second.told]).toEqual([['begins'], []]);
    await first.turn.stop();
    await pass(3000);
    expect([first.told, second.told]).toEqual([['begins', 'ends'], ['begins']]);
  });

  test('is taken over when its node says nothing any more; what the old one commits is refused', async () => {
    const frozen = createClock();
    const first = await node('a', { clock: frozen });
    const second = await node('b');
    const feed = fencedFeed(createFeed({ store, log: silentLog, sleep: ms => clock.sleep(ms) }), first.fence());
    const write = (value: number) => feed.commit({ rows: [{ table: 'cursor', name: 'road', value }] });
    await write(1);
    await pass(9000);
    expect(second.told).toEqual(['begins']);
    await expect(write(2)).rejects.toMatchObject({ code: 'guard-failed', at: 'lease duty/road' });
    await frozen.advance(2000);
    for (let n = 0; n < 50; n++) await store.healthy();
    expect([first.told, await store.cursor('road')]).toEqual([['begins', 'lost'], 1]);
  });

  test('needs no lease where the store has one process', async () => {
    const alone = await node('a', { shared: false });
    expect([alone.turn.held(), alone.fence()]).toEqual([true, []]);
    expect(await store.holders(['duty/road'])).toEqual([]);
  });
});

describe('a database that is away', () => {
  test('is said once for each node, with what to do, and so is its return', async () => {
    const logged: unknown[][] = [];
    const note = (...line: unknown[]) => void logged.push(line);
    const log = { ...silentLog, info: note, warn: note, error: note };
    let away = false;
    const given: Store = {
      ...store,
      acquire: lease => (away ? Promise.reject(gone()) : store.acquire(lease)),
      renew: lease => (away ? Promise.reject(gone()) : store.renew(lease)),
      release: lease => (away ? Promise.reject(gone()) : store.release(lease)),
      holders: names => (away ? Promise.reject(gone()) : store.holders(names)),
    };
    const gone = () =>
      new TocsinError('store-failed', { given: 'connect ECONNREFUSED', remedy: 'See whether it is up.' });
    const self: NodeFacts = { id: 'a', at: '', role: 'all', version: '1', entries: 2, set: 'same', since: 0 };
    const nodes = await startNodes({ ...partsOf('a', { store: given, log }), self: () => self });
    ends.push(() => nodes.stop());
    const first = await node('a', { store: given, log });
    await node('b', { store: given, log });
    logged.length = 0;
    away = true;
    await pass(60_000);
    expect(logged).toEqual([
      [expect.objectContaining({ duty: 'road' }), 'its lease could not be renewed, so another node may do it'],
      [
        { because: 'The store did not take the change. (connect ECONNREFUSED)', remedy: 'See whether it is up.' },
        'the database takes no heartbeat of this node; it is tried again',
      ],
    ]);
    expect(first.told).toEqual(['begins', 'lost']);
    logged.length = 0;
    away = false;
    await pass(12_000);
    expect(logged).toContainEqual([{ seconds: 65 }, 'the database takes heartbeats of this node again']);
    expect(logged).toHaveLength(2);
  });

  test('what else keeps a node from a duty is logged, each cause once', async () => {
    const causes = ['no such table', 'no such table', 'no such column', 'no such table'];
    const logged: unknown[] = [];
    const log = { ...silentLog, warn: (facts: object) => void logged.push(facts) };
    const acquire: Store['acquire'] = async lease => {
      const cause = causes.shift();
      if (cause !== undefined) throw new Error(cause);
      return await store.acquire(lease);
    };
    const one = await node('a', { store: { ...store, acquire }, log });
    await pass(12_000);
    expect(logged).toEqual([
      { duty: 'road', because: 'no such table' },
      { duty: 'road', because: 'no such column' },
    ]);
    expect(one.turn.held()).toBe(true);
  });
});

describe('the lease of a run', () => {
  async function keep(renew: () => Promise<boolean>) {
    const lost: string[] = [];
    let renewed = 0;
    const stop = keepLease(
      { name: 'run/r', holder: 'a', token: 1, ttl: 9000 },
      {
        store: { renew: () => renew().finally(() => renewed++) },
        clock,
        log: silentLog,
        lost: because => void lost.push(because),
        each: async () => {},
      },
    );
    ends.push(async () => stop());
    return { lost, renewed: () => renewed };
  }

  test('lives through a store that fails for a moment', async () => {
    const answers = [true, null, null, true];
    const held = await keep(async () => {
      const answer = answers.shift() ?? true;
      if (answer === null) throw new Error('no connection');
      return answer;
    });
    await pass(20_000);
    expect([held.lost, held.renewed() > 4]).toEqual([[], true]);
  });

  test('counts as lost when another has it, and when it could not be renewed in time', async () => {
    const taken = await keep(async () => false);
    const down = await keep(() => Promise.reject(new Error('no connection')));
    const hung = await keep(() => new Promise(() => {}));
    await pass(8500);
    expect([taken.lost.length, down.lost, hung.lost]).toEqual([1, [], []]);
    await pass(3500);
    expect([down.lost, hung.lost].map(one => one.length)).toEqual([1, 1]);
  });
});

describe('heartbeats', () => {
  const facts = (id: string, change: Partial<NodeFacts> = {}): NodeFacts => ({
    id,
    at: '',
    role: 'all',
    version: '1',
    entries: 2,
    set: 'same',
    since: 0,
    ...change,
  });
  const start = async (self: NodeFacts) => {
    const nodes = await startNodes({ ...partsOf(self.id), self: () => self });
    ends.push(() => nodes.stop());
    return nodes;
  };

  test('nodes see each other, and say what does not fit', async () => {
    const first = await start(facts('a', { role: 'intake' }));
    const second = await start(facts('b', { at: 'web-2 pid 42', role: 'worker', set: 'other-files' }));
    await pass(6000);
    expect([first.list().map(one => one.id), second.list().map(one => one.id)]).toEqual([
      ['a', 'b'],
      ['b', 'a'],
    ]);
    const [differs, missing] = first.problems();
    expect([differs, missing]).toEqual([
      expect.stringMatching(/Node b on web-2 pid 42 \(worker, 1\).*other-files there, same here/),
      'No node of role chat is up: threads are not written.',
    ]);
    await second.stop();
    await pass(6000);
    expect(first.problems()).toEqual([
      'No node of role worker is up: runs wait.',
      'No node of role chat is up: threads are not written.',
    ]);
  });

  test('a node of an older release, which cannot read what the others write, is named on all of them', async () => {
    const { entries: _unsaid, ...older } = facts('old', { at: 'web-3 pid 7' });
    const first = await start(facts('a'));
    // A build of before says nothing of the entries that it reads.
    await start(older as NodeFacts);
    await pass(6000);
    expect(first.problems()).toEqual([
      'Node old on web-3 pid 7 (1) reads journal entries up to version 1, and others write version 2. Give it the newer release.',
    ]);
  });

  test('a node whose files change says so with its next heartbeat', async () => {
    const self = facts('b', { set: 'old' });
    const first = await start(facts('a'));
    await start(self);
    await pass(6000);
    expect(first.problems()).toHaveLength(1);
    self.set = 'same';
    await pass(12_000);
    expect(first.problems()).toEqual([]);
  });
});
