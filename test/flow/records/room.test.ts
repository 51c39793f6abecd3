import { expect, test } from 'vitest';
import { createRoom } from '../../../src/flow/records/room.ts';
import { type Counted, compileRecords, recordsOptions, type Tally } from '../../../src/model/records/records.ts';

const { rules } = compileRecords({
  format: 'json',
  late: 0,
  detect: recordsOptions.detect.parse([{ name: 'r', count: { atLeast: 2, within: '5m' } }]),
});

const one = { source: 's', rule: 'r', bucket: 0, value: '', n: 2, arrived: 0, until: 0, sample: '' };

/** How many of 1,000 new keys, each full by itself, are counted while the store has so many. */
async function taken(stored: number) {
  const room = createRoom({
    store: {
      tallyKeys: async ({ most }) => Math.min(stored, most),
      tallySums: async () => [],
      sightings: async () => [],
    },
  });
  const tallies = Array.from({ length: 1000 }, (_, n): Tally => ({ ...one, key: `["${n}"]` }));
  const counted: Counted = { tallies, matches: [], moreMatches: new Map(), beyond: new Map(), tooLate: new Map() };
  const fitting = await room.fit('s', rules, counted);
  return [fitting.length, counted.beyond.get('r') ?? 0];
}

test('keys that are full by one batch alone are counted beyond the limit, and not without one', async () => {
  expect(await taken(9000)).toEqual([1000, 0]);
  expect(await taken(10_000)).toEqual([1000, 0]);
  expect(await taken(19_400)).toEqual([600, 800]);
  expect(await taken(30_000)).toEqual([0, 2000]);
});
