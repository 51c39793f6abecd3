import { describe, expect, test } from 'vitest';
import { addSight, endOfGone, endOfResolve, type Look } from '../../src/model/look.ts';

const noon = Date.UTC(2026, 10, 28, 12);
const minute = 60_000;
const seen = (at: number, endsAt: number | null = at + 4 * minute, goneAt: number | null = null): Look => ({
  alert: 'alt_1',
  at,
  endsAt,
  goneAt,
});

test('the first look that did not find it counts, until it is found again', () => {
  const first = addSight(null, 'alt_1', { state: 'firing', at: noon, endsAt: noon + 4 * minute });
  expect(first).toEqual(seen(noon));
  const gone = addSight(first, 'alt_1', { state: 'gone', at: noon + 5000 });
  expect(addSight(gone, 'alt_1', { state: 'gone', at: noon + 9000 })).toEqual(
    seen(noon, noon + 4 * minute, noon + 5000),
  );
  expect(addSight(gone, 'alt_1', { state: 'unknown', because: 'x' })).toEqual(first);
  expect(addSight(gone, 'alt_1', { state: 'firing', at: noon + 1, endsAt: null })).toEqual(seen(noon + 1, null));
  expect(addSight(null, 'alt_1', { state: 'gone', at: 7 })).toEqual({
    alert: 'alt_1',
    at: null,
    endsAt: null,
    goneAt: 7,
  });
});

describe('gone from the list', () => {
  test.each([
    ['before the end that was shown', seen(noon, noon + 4 * minute, noon + 4 * minute - 1), 'gone'],
    ['at the end that was shown', seen(noon, noon + 4 * minute, noon + 4 * minute), 'expired'],
    ['after it', seen(noon, noon + 4 * minute, noon + 9 * minute), 'expired'],
    ['never seen firing', { alert: 'alt_1', at: null, endsAt: null, goneAt: noon }, 'unwatched'],
    ['no look at all', null, 'unwatched'],
  ] as const)('%s', (_, known, how) => {
    expect(endOfGone(known, true).how).toBe(how);
    // Where nothing expires, gone is gone.
    expect(endOfGone(known, false).how).toBe('gone');
  });
});

/** Seen with Alertmanager 0.25: when Prometheus dies, the resolve's endsAt is the endsAt that the API showed while it fired. */
describe('a resolve', () => {
  test.each([
    ['at the very end that was shown: Prometheus is gone', seen(noon), noon + 4 * minute, 'unwatched'],
    [
      'at the shown end, seen within the minute before',
      seen(noon + 3.5 * minute, noon + 4 * minute),
      noon + 4 * minute,
      'expired',
    ],
    ['later than it', seen(noon + 3.5 * minute, noon + 4 * minute), noon + 4 * minute + 1, 'expired'],
    ['earlier: it was told', seen(noon), noon + 30_000, 'told'],
    ['a minute after the last look', seen(noon), noon + minute, 'told'],
    ['more than a minute after the last look', seen(noon), noon + minute + 1, 'unwatched'],
    ['without a look', null, noon, 'unwatched'],
  ] as const)('%s', (_, known, endsAt, how) => {
    expect(endOfResolve(known, endsAt).how).toBe(how);
  });
});
