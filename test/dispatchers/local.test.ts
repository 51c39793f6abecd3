import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import local from '../../src/dispatchers/local.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { dispatcherContract } from '../contracts/dispatcher.ts';

dispatcherContract('local', async () => ({ driver: local, url: null, destroy: async () => {} }));

describe('timers of the local dispatcher', () => {
  let now: number;
  beforeEach(() => {
    vi.useFakeTimers();
    now = 1_000_000;
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  async function openAt(answered: string[]) {
    const dispatcher = await local.open({ concurrency: 4, url: null, now: () => now, log: silentLog });
    dispatcher.start(async run => {
      answered.push(`${run} at ${now - 1_000_000}`);
    });
    return dispatcher;
  }

  /** Timers and the wall clock move on together. */
  async function pass(ms: number): Promise<void> {
    for (const end = now + ms; now < end; ) {
      const step = Math.min(end - now, 10_000);
      now += step;
      await vi.advanceTimersByTimeAsync(step);
    }
  }

  test('a time beyond the longest timer is waited for', async () => {
    const answered: string[] = [];
    const dispatcher = await openAt(answered);
    const far = 2 ** 31 + 12_345;
    await dispatcher.wake({ run: 'far', at: now + far });
    now += far - 100_000;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(answered).toEqual([]);
    await pass(100_000);
    expect(answered).toHaveLength(1);
    await dispatcher.close();
  });

  test('a machine that slept answers within a minute of waking, without a burst', async () => {
    const answered: string[] = [];
    const dispatcher = await openAt(answered);
    await dispatcher.wake({ run: 'r', at: now + 3_600_000 });
    // The wall clock goes on while timers stand still.
    now += 10 * 3_600_000;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(answered).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
    await dispatcher.close();
  });

  test('a clock that was set back makes the wake-up wait, not spin', async () => {
    const answered: string[] = [];
    const dispatcher = await openAt(answered);
    await dispatcher.wake({ run: 'r', at: now + 10_000 });
    now -= 20_000;
    await vi.advanceTimersByTimeAsync(10_000);
    expect([answered, vi.getTimerCount()]).toEqual([[], 1]);
    await pass(30_000);
    expect(answered).toHaveLength(1);
    await dispatcher.close();
  });

  test('different times of one run all ring, the same time once', async () => {
    const answered: string[] = [];
    const dispatcher = await openAt(answered);
    for (const after of [30_000, 10_000, 30_000, 10_000]) await dispatcher.wake({ run: 'r', at: now + after });
    expect(vi.getTimerCount()).toBe(2);
    await pass(60_000);
    expect(answered).toEqual(['r at 10000', 'r at 30000']);
    await dispatcher.close();
  });

  test('closing leaves no timer behind', async () => {
    const dispatcher = await openAt([]);
    for (let n = 0; n < 100; n++) await dispatcher.wake({ run: `r${n}`, at: now + n + 1 });
    await dispatcher.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  test('is started once', async () => {
    const dispatcher = await openAt([]);
    expect(() => dispatcher.start(async () => {})).toThrow(/started before/);
    await dispatcher.close();
  });
});
