import { expect, test } from 'vitest';
import { findStoreTrouble } from '../../src/app/store-health.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { TocsinError } from '../../src/kernel/errors.ts';

const head = async () => ({ seq: 1, hash: 'h' });
const atOnce = { sleep: async () => {} };
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
  expect(await findStoreTrouble({ head, healthy: async () => true }, systemClock)).toBeNull();
});

test('says what a server that refuses says, without waiting for the write to give up', async () => {
  expect(await findStoreTrouble({ head: refuses, healthy: never }, systemClock)).toBe(
    'The database server does not answer. (connect ECONNREFUSED 127.0.0.1:5432) See whether it is up.',
  );
});

test('says what to look at when nothing is written, also where a read hangs', async () => {
  for (const read of [head, never])
    expect(await findStoreTrouble({ head: read, healthy: async () => false }, atOnce)).toMatch(
      /took no write just now\. See /,
    );
});

test('waits a moment for the cause when the write was refused first', async () => {
  const late = async () => {
    await new Promise(resolve => setImmediate(resolve));
    return await refuses();
  };
  expect(await findStoreTrouble({ head: late, healthy: async () => false }, systemClock)).toContain('ECONNREFUSED');
});
