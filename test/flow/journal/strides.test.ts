import { describe, expect, it } from 'vitest';
import type { Follower } from '../../../src/flow/journal/feed.ts';
import { type OutboxParts, startOutbox } from '../../../src/flow/origin/outbox.ts';
import { type PipelineParts, startPipeline } from '../../../src/flow/pipeline/alert.ts';
import { silentLog } from '../../../src/kernel/log.ts';
import type { Entry } from '../../../src/model/journal.ts';
import type { Change } from '../../../src/ports/store.ts';
import { createClock } from '../../doubles/clock.ts';

// What a restart does again is harmless, but it must end: cursors are saved now and then, and never past what is not done.
const stride = 512;

/** A feed that the test drives, and the cursors that were saved. */
function createPlace(name: string, saved: number) {
  const cursors: number[] = [];
  const committed: Change[] = [];
  let follower: Follower | undefined;
  const feed = {
    follow(given: Follower) {
      follower = given;
      return { caughtUp: async () => {}, stop: async () => {} };
    },
    async commit(change: Change) {
      committed.push(change);
      for (const row of change.rows ?? [])
        if (row.table === 'cursor') {
          expect(row.name).toBe(name);
          cursors.push(row.value);
        }
      return {} as never;
    },
  };
  const store = {
    cursor: async (asked: string) => (asked === name ? saved : -1),
    alerts: async () => [],
    claimed: async () => false,
  };
  return {
    feed,
    store,
    cursors,
    committed,
    follower: () => {
      if (follower === undefined) throw new Error('nobody follows');
      return follower;
    },
  };
}

describe("the pipeline's cursor", () => {
  async function begin(saved: number) {
    const place = createPlace('road', saved);
    const parts = {
      ...place,
      clock: createClock(),
      log: silentLog,
      catalogue: { current: () => ({ digest: 'd', runbooks: new Map(), sources: new Map() }) },
    } as unknown as PipelineParts;
    const following = await startPipeline(parts);
    return { ...place, following };
  }

  it('goes on where it was saved, and is saved after each stride, not before and not after each batch', async () => {
    const place = await begin(100);
    const { handle, after, batch } = place.follower();
    expect(after).toBe(100);
    for (const upTo of [101, 100 + batch, 100 + stride - 1]) await handle([], upTo);
    expect(place.cursors).toEqual([]);
    await handle([], 100 + stride);
    expect(place.cursors).toEqual([100 + stride]);
    // The next stride begins there.
    await handle([], 100 + 2 * stride - 1);
    expect(place.cursors).toHaveLength(1);
    await handle([], 100 + 5 * stride + 3);
    expect(place.cursors).toEqual([100 + stride, 100 + 5 * stride + 3]);
    await place.following.stop();
  });

  it('stays where it was when it could not be saved, and is saved with the next batch', async () => {
    const place = await begin(0);
    const commit = place.feed.commit;
    let broken = true;
    place.feed.commit = async change => {
      if (broken) throw new Error('the disk is full');
      return await commit(change);
    };
    const { handle } = place.follower();
    await expect(handle([], stride)).rejects.toThrow('the disk is full');
    broken = false;
    await handle([], stride);
    expect(place.cursors).toEqual([stride]);
  });
});

describe("an outbox's cursor", () => {
  const entry = (seq: number) => ({ seq }) as Entry;
  const entries = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => entry(from + n));

  /** What is to be told by entry, and the answers that the test gives. */
  async function begin(saved: number, told: readonly number[] = []) {
    const place = createPlace('origin/pagerduty/tell', saved);
    const performs = new Map<string, PromiseWithResolvers<string | null>>();
    const waiting = new Map(told.map(seq => [`k${seq}`, Promise.withResolvers<void>()]));
    const parts = {
      ...place,
      source: 'pagerduty',
      outbox: 'tell',
      perMinute: 6000,
      clock: createClock(),
      log: silentLog,
      metrics: { count: () => {} },
      writeBacks: async ({ seq }: Entry) =>
        told.includes(seq)
          ? [{ key: `k${seq}`, what: 'note', subject: `s${seq}`, alert: null, episode: null, run: null, seq }]
          : [],
      perform: async ({ key }: { key: string }) => {
        const answer = Promise.withResolvers<string | null>();
        performs.set(key, answer);
        waiting.get(key)?.resolve();
        return await answer.promise;
      },
    } as unknown as OutboxParts;
    const outbox = await startOutbox(parts);
    return { ...place, outbox, performs, asked: (seq: number) => waiting.get(`k${seq}`)?.promise };
  }

  it('is saved after each stride of entries that tell nothing', async () => {
    const place = await begin(1);
    const { handle } = place.follower();
    await handle(entries(1, stride - 1), stride - 1);
    expect(place.cursors).toEqual([]);
    await handle(entries(stride, stride), stride);
    // It holds the next one.
    expect(place.cursors).toEqual([stride + 1]);
    await handle(entries(stride + 1, 2 * stride - 1), 2 * stride - 1);
    expect(place.cursors).toHaveLength(1);
    await handle(entries(2 * stride, 2 * stride), 2 * stride);
    expect(place.cursors).toEqual([stride + 1, 2 * stride + 1]);
    await place.outbox.stop();
  });

  it('passes nothing that is not told yet, however many entries follow', async () => {
    const place = await begin(1, [5]);
    const { handle } = place.follower();
    await handle(entries(1, 3 * stride), 3 * stride);
    await place.asked(5);
    expect(place.cursors).toEqual([]);
    const told = Promise.withResolvers<void>();
    const commit = place.feed.commit;
    place.feed.commit = async change => {
      await commit(change);
      told.resolve();
      return {} as never;
    };
    place.performs.get('k5')?.resolve('a note');
    await told.promise;
    // It is told and recorded in one change, and the cursor with it.
    expect(place.cursors).toEqual([3 * stride + 1]);
    expect(place.committed.at(-1)?.entries?.[0]?.fact).toMatchObject({ kind: 'origin.told', key: 'k5', ok: true });
    await place.outbox.stop();
  });
});
