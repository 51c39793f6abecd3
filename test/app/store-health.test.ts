import { expect, test } from 'vitest';
import { findStoreTrouble } from '../../src/app/store-health.ts';
import { TocsinError } from '../../src/kernel/errors.ts';

const head = async () => ({ seq: 1, hash: 'h' });
const never = () => new Promise<never>(() => {});
const refuses = () =>
  Promise.reject(
    new TocsinError('store-failed', {
      message: 'The database server does not answer.',
      given: 'connect ECONNREFUSED 127.0.0.1:5432',
      remedy: 'See whether it is up.',
    }),
  );

test('is null for a store that reads and writes', async () => {
  expect(await findStoreTrouble({ head, healthy: async () => true })).toBeNull();
});

test('says what a server that refuses says, without waiting for the write to give up', async () => {
  expect(await findStoreTrouble({ head: refuses, healthy: never })).toBe(
    'The database server does not answer. (connect ECONNREFUSED 127.0.0.1:5432) See whether it is up.',
  );
});

test('says what to look at when nothing is written, also where a read hangs', async () => {
  for (const read of [head, never])
    expect(await findStoreTrouble({ head: read, healthy: async () => false })).toMatch(/took no write just now\. See /);
});
