import { describe, expect, test } from 'vitest';
import { createIds } from '../../src/kernel/ids.ts';
import { createClock } from '../doubles/clock.ts';

describe('ids', () => {
  test('begin with what they are of, then time and chance', () => {
    expect(createIds(createClock()).next('run')).toMatch(/^run_[0-9a-hjkmnp-tv-z]{22}$/);
  });

  test('sort by the time they were made', async () => {
    const clock = createClock(1);
    const ids = createIds(clock);
    const made: string[] = [];
    for (const step of [0, 1, 31, 32, 1000, 1e6, 1e9, 1e12, 1e13]) {
      await clock.advance(step);
      if (step > 0) made.push(ids.next('evt'));
    }
    expect([...made].sort()).toEqual(made);
  });

  test('made in one millisecond are all different', () => {
    const ids = createIds(createClock());
    expect(new Set(Array.from({ length: 50_000 }, () => ids.next('evt'))).size).toBe(50_000);
  });

  test('every character of the random part is used', () => {
    const ids = createIds(createClock());
    const seen = new Set(Array.from({ length: 2000 }, () => ids.next('evt').slice(-12)).join(''));
    expect(seen.size).toBe(32);
  });

  test('a clock before 1970 or with fractions still makes an id', () => {
    for (const now of [-5, 0.5, 1e15]) {
      const ids = createIds({ ...createClock(), now: () => now });
      expect(ids.next('run')).toMatch(/^run_[0-9a-z]{22}$/);
    }
  });
});
