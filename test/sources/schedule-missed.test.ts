import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { systemClock } from '../../src/kernel/clock.ts';
import { silentLog } from '../../src/kernel/log.ts';
import type { IncomingEvent } from '../../src/model/event.ts';
import type { EmitTools } from '../../src/ports/emit.ts';
import source from '../../src/sources/schedule.ts';
import { idleTools } from './idle-tools.ts';

/** What several nodes share: the claims of ticks, what is remembered with them, and the halt. */
interface World {
  made: string[];
  memos: Map<string, number>;
  claims: Set<string>;
  halted: boolean;
  fails: boolean;
  warnings: string[];
  resume(): Promise<void>;
  /** Starts a node; resolves to what stops it, after its first look. */
  node(job: object): Promise<() => Promise<void>>;
}

function makeWorld(): World {
  const listeners = new Set<() => void>();
  const world: World = {
    made: [],
    memos: new Map(),
    claims: new Set(),
    halted: false,
    fails: false,
    warnings: [],
    async resume() {
      world.halted = false;
      for (const listener of listeners) listener();
      await settle();
    },
    async node(job) {
      const stop = await source.start?.(source.options.parse({ jobs: { job } }), tools);
      if (stop === undefined) throw new Error('a schedule starts');
      await settle();
      return stop;
    },
  };
  const tools: EmitTools = {
    ...idleTools,
    clock: { ...systemClock, sleep: () => Promise.resolve() },
    log: { ...silentLog, warn: (_facts, message) => world.warnings.push(message ?? '') },
    async emit([event], once, memo) {
      if (world.fails) throw new Error('the disk is full');
      if (world.claims.has(once)) return false;
      world.claims.add(once);
      if (typeof memo?.value === 'number') world.memos.set(memo.key, memo.value);
      world.made.push(`${once.slice(4, 20)} ${missedOf(event)}`);
      return true;
    },
    remembered: async key => world.memos.get(key) ?? 0,
    remember: async (key, value) => void world.memos.set(key, Number(value)),
    halted: async () => world.halted,
    onResume: listener => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  return world;
}

const missedOf = (event: IncomingEvent | undefined) => event?.labels['missed'] ?? '-';
const settle = () => vi.advanceTimersByTimeAsync(0);
const at = (time: string) => vi.setSystemTime(Date.parse(time));
/** Lets the time pass in which a timer sleeps at most. */
const aLook = () => vi.advanceTimersByTimeAsync(30_000);

const nightly = { cron: '0 3 * * *', missed: 'once' };
let world: World;

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse('2026-11-10T10:00:00Z') });
  world = makeWorld();
});
afterEach(() => vi.useRealTimers());

async function downFor(job: object, until: string): Promise<void> {
  await (await world.node(job))();
  at(until);
}

describe('ticks that were missed while no node ran', () => {
  test('are made up for by one at the next start, and by none at the second', async () => {
    await downFor(nightly, '2026-11-13T11:30:00Z');
    const stop = await world.node(nightly);
    expect(world.made).toEqual(['2026-11-13T03:00 3']);
    await stop();
    await (await world.node(nightly))();
    at('2026-11-13T20:00:00Z');
    await (await world.node(nightly))();
    expect(world.made).toHaveLength(1);
  });

  test('are not made up for with skip, which is the default', async () => {
    for (const job of [{ cron: '0 3 * * *' }, { cron: '0 3 * * *', missed: 'skip' }]) {
      await downFor(job, '2026-11-13T11:30:00Z');
      await (await world.node(job))();
    }
    expect(world.made).toEqual([]);
    expect([...world.memos]).toEqual([]);
  });

  test('are none for a job that is new, or whose times were changed', async () => {
    await downFor(nightly, '2026-11-13T11:30:00Z');
    await (await world.node({ ...nightly, cron: '0 4 * * *' }))();
    await (await world.node({ ...nightly, timezone: 'Asia/Tokyo' }))();
    expect(world.made).toEqual([]);
    await (await world.node({ ...nightly, labels: { other: 'label' } }))();
    expect(world.made).toEqual(['2026-11-13T03:00 3']);
  });

  test('are made up for from the last tick, and not from the last start', async () => {
    const stop = await world.node(nightly);
    at('2026-11-11T02:59:50Z');
    await aLook();
    expect(world.made).toEqual(['2026-11-11T03:00 -']);
    await stop();
    at('2026-11-12T10:00:00Z');
    await (await world.node(nightly))();
    expect(world.made.slice(1)).toEqual(['2026-11-12T03:00 1']);
  });

  test('are made up for once by several nodes', async () => {
    await downFor(nightly, '2026-11-13T11:30:00Z');
    const stops = await Promise.all([world.node(nightly), world.node(nightly), world.node(nightly)]);
    expect(world.made).toEqual(['2026-11-13T03:00 3']);
    for (const stop of stops) await stop();
  });

  test('are made up for later when the tick could not be made durable', async () => {
    await downFor(nightly, '2026-11-13T11:30:00Z');
    world.fails = true;
    await (await world.node(nightly))();
    expect(world.made).toEqual([]);
    world.fails = false;
    await (await world.node(nightly))();
    expect(world.made).toEqual(['2026-11-13T03:00 3']);
  });

  test('are counted up to a thousand', async () => {
    const often = { cron: '* * * * * *', missed: 'once' };
    await downFor(often, '2027-11-10T10:00:00.500Z');
    await (await world.node(often))();
    expect(world.made).toEqual(['2027-11-10T10:00 1000']);
    expect(world.warnings).toEqual(['one tick is made for those that were missed']);
  });

  test('are a tick in time within a minute, as after a restart', async () => {
    await downFor(nightly, '2026-11-11T03:00:40Z');
    await (await world.node(nightly))();
    expect(world.made).toEqual(['2026-11-11T03:00 -']);
  });

  test('are read again when the store does not answer', async () => {
    await downFor(nightly, '2026-11-13T11:30:00Z');
    const get = vi.spyOn(world.memos, 'get').mockImplementationOnce(() => {
      throw new Error('the database is away');
    });
    const stop = await world.node(nightly);
    expect(world.made).toEqual([]);
    await aLook();
    expect(world.made).toEqual(['2026-11-13T03:00 3']);
    expect(get).toHaveBeenCalledTimes(2);
    await stop();
  });
});

describe('ticks that are due while everything is halted', () => {
  test('wait with once, and one is made when somebody resumes', async () => {
    const stop = await world.node(nightly);
    world.halted = true;
    for (const day of [11, 12, 13]) {
      at(`2026-11-${day}T03:00:01Z`);
      await aLook();
      await aLook();
    }
    expect(world.made).toEqual([]);
    at('2026-11-13T09:00:00Z');
    await world.resume();
    expect(world.made).toEqual(['2026-11-13T03:00 3']);
    await world.resume();
    await aLook();
    expect(world.made).toHaveLength(1);
    at('2026-11-14T02:59:59Z');
    await aLook();
    expect(world.made.slice(1)).toEqual(['2026-11-14T03:00 -']);
    await stop();
  });

  test('wait over a restart in the halt', async () => {
    await downFor(nightly, '2026-11-12T10:00:00Z');
    world.halted = true;
    const stop = await world.node(nightly);
    expect(world.made).toEqual([]);
    await world.resume();
    expect(world.made).toEqual(['2026-11-12T03:00 2']);
    await stop();
  });

  test('are made with skip: policy refuses what they would start', async () => {
    world.halted = true;
    const stop = await world.node({ cron: '0 3 * * *' });
    at('2026-11-11T02:59:59Z');
    await aLook();
    expect(world.made).toEqual(['2026-11-11T03:00 -']);
    await stop();
  });
});

describe('a clock that jumps', () => {
  test('forward, as after a suspend: one tick for those that were missed, at the next look', async () => {
    const stop = await world.node(nightly);
    await aLook();
    at('2026-11-12T10:00:00Z');
    await aLook();
    expect(world.made).toEqual(['2026-11-12T03:00 2']);
    await stop();
  });

  test('forward with skip: what is due now is made at the next look, and not when the old timer would end', async () => {
    const stop = await world.node({ cron: '0 3 * * *' });
    at('2026-11-12T02:59:40Z');
    await aLook();
    await aLook();
    expect(world.made).toEqual(['2026-11-12T03:00 -']);
    await stop();
  });

  test('far back: it ticks on by the new time, and makes nothing twice', async () => {
    const stop = await world.node({ cron: '*/5 * * * *' });
    await vi.advanceTimersByTimeAsync(300_000);
    at('2030-01-01T00:00:10Z');
    await aLook();
    at('2026-11-10T10:03:00Z');
    await vi.advanceTimersByTimeAsync(420_000);
    expect(world.made).toEqual(['2026-11-10T10:05 -', '2030-01-01T00:00 -', '2026-11-10T10:10 -']);
    await stop();
  });
});
