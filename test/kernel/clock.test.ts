import { describe, expect, test } from 'vitest';
import { systemClock } from '../../src/kernel/clock.ts';
import { createClock } from '../doubles/clock.ts';

describe('the system clock', () => {
  test('sleeps at least as long as it says, by a clock that never goes back', async () => {
    const start = systemClock.monotonic();
    await systemClock.sleep(20);
    // Timers may fire up to a millisecond early by the finer clock.
    expect(systemClock.monotonic() - start).toBeGreaterThanOrEqual(19);
    expect(Math.abs(systemClock.now() - Date.now())).toBeLessThan(10_000);
  });

  test('negative and zero times end at once', async () => {
    await systemClock.sleep(0);
    await systemClock.sleep(-5);
  });

  test('ends with the signal’s reason, before and during the sleep', async () => {
    const reason = new Error('enough');
    await expect(systemClock.sleep(1e9, AbortSignal.abort(reason))).rejects.toBe(reason);
    const stop = new AbortController();
    const sleeping = systemClock.sleep(1e9, stop.signal);
    stop.abort(reason);
    await expect(sleeping).rejects.toBe(reason);
  });

  test('a sleep beyond the longest timer does not end at once', async () => {
    const stop = new AbortController();
    let ended = false;
    const sleeping = systemClock.sleep(2 ** 40, stop.signal).then(
      () => {
        ended = true;
      },
      () => undefined,
    );
    await systemClock.sleep(20);
    expect(ended).toBe(false);
    stop.abort();
    await sleeping;
  });
});

describe('the clock that is moved by hand', () => {
  test('wakes in order, and those who sleep again within the time too', async () => {
    const clock = createClock(1000);
    const woke: [string, number][] = [];
    const note = (name: string) => () => void woke.push([name, clock.now()]);
    void clock.sleep(30).then(note('c'));
    void clock
      .sleep(10)
      .then(note('a'))
      .then(() => clock.sleep(15))
      .then(note('b'));
    await clock.advance(29);
    expect(woke).toEqual([
      ['a', 1010],
      ['b', 1025],
    ]);
    expect([clock.now(), clock.monotonic(), clock.sleepers()]).toEqual([1029, 29, 1]);
    await clock.advance(1);
    expect(woke.at(-1)).toEqual(['c', 1030]);
  });

  test('a jump of the wall clock wakes nobody', async () => {
    const clock = createClock(1000);
    let woke = false;
    const stop = new AbortController();
    const sleeping = clock.sleep(10, stop.signal).then(
      () => {
        woke = true;
      },
      () => undefined,
    );
    clock.jump(5_000_000);
    await clock.advance(9);
    expect([woke, clock.now(), clock.monotonic()]).toEqual([false, 5_000_009, 9]);
    stop.abort();
    await sleeping;
    expect([woke, clock.sleepers()]).toEqual([false, 0]);
  });
});
