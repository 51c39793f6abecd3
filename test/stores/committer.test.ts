import { expect, test } from 'vitest';
import { createCommitter } from '../../src/stores/postgres/committer.ts';
import { outcomes } from '../contracts/harness.ts';

test('a server that lets nobody in is asked once for all who wait, not once for each', async () => {
  let tries = 0;
  const committer = createCommitter(async () => {
    tries += 1;
    throw Object.assign(new Error('password authentication failed for user "tocsin"'), {
      code: '28P01',
      severity: 'FATAL',
    });
  });
  const members = Array.from({ length: 64 }, () => {
    const { promise, resolve, reject } = Promise.withResolvers<never>();
    const member = { size: 1, need: () => {}, decide: () => null };
    return { promise, waiting: { member, since: performance.now(), resolve, reject } };
  });
  const told = outcomes(members.map(({ promise }) => promise));
  await committer.commit(
    members.map(({ waiting }) => waiting),
    () => [],
  );
  expect(new Set(await told)).toEqual(new Set(['store-failed']));
  expect(tries).toBe(1);
});
