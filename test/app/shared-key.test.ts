import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readSealKey } from '../../src/app/shared-key.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import sqlite from '../../src/stores/sqlite/index.ts';

test('nodes that ask at once for the key of seals get the same one; another fleet has another', async () => {
  const keys: string[] = [];
  for (let fleet = 0; fleet < 2; fleet++) {
    const folder = await mkdtemp(join(tmpdir(), 'tocsin-key-'));
    const store = await sqlite.open({ folder, url: null, now: Date.now });
    const options = { dataFolder: folder, clock: systemClock };
    const asked = await Promise.all(Array.from({ length: 8 }, () => readSealKey(options, store, true)));
    keys.push(...new Set(asked), await readSealKey(options, store, true));
    await store.close();
    await rm(folder, { recursive: true });
  }
  const [first, again, other, otherAgain] = keys;
  expect([first, other]).toEqual([again, otherAgain]);
  expect(first).toMatch(/^[0-9a-f]{72}$/);
  expect(first).not.toBe(other);
});
