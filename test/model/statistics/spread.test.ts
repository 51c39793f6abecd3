import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addTime, meanOf, mergeSpread, noSpread, quantileOf } from '../../../src/model/statistics/spread.ts';

const times = fc.array(fc.integer({ min: 1, max: 7 * 86_400_000 }), { minLength: 1, maxLength: 200 });

describe('how long things took', () => {
  test('a mean is exact, and a median and a 90th part are right within an eighth', () => {
    fc.assert(
      fc.property(times, list => {
        const all = noSpread();
        for (const one of list) addTime(all, one);
        const ordered = [...list].sort((a, b) => a - b);
        expect(meanOf(all)).toBe(Math.round(list.reduce((sum, one) => sum + one, 0) / list.length));
        for (const part of [0.5, 0.9]) {
          const real = ordered[Math.max(1, Math.ceil(list.length * part)) - 1] ?? 0;
          const told = quantileOf(all, part) ?? 0;
          // The one more is what rounding to a whole millisecond does to very short times.
          expect(Math.abs(told - real)).toBeLessThanOrEqual(real * 0.125 + 1);
        }
      }),
    );
  });

  test('two halves make the whole, and what is taken back leaves nothing', () => {
    fc.assert(
      fc.property(times, fc.nat(200), (list, at) => {
        const whole = noSpread();
        const [left, right] = [noSpread(), noSpread()];
        for (const [index, one] of list.entries()) {
          addTime(whole, one);
          addTime(index < at ? left : right, one);
        }
        mergeSpread(left, right);
        expect(left).toEqual(whole);
        for (const one of list) addTime(left, one, -1);
        expect(left).toEqual(noSpread());
      }),
    );
  });

  test('nothing has no mean and no median, and clocks that disagree make no time below 0', () => {
    expect([meanOf(noSpread()), quantileOf(noSpread(), 0.5)]).toEqual([null, null]);
    const one = noSpread();
    addTime(one, -5000);
    expect([meanOf(one), quantileOf(one, 0.5)]).toEqual([0, 1]);
  });
});
