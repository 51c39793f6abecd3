import { afterAll, beforeAll, describe } from 'vitest';
import bullmq from '../../src/dispatchers/bullmq/index.ts';
import { dispatcherContract } from '../contracts/dispatcher.ts';
import { hasRedis, type RealRedis, startRedis } from '../real/redis.ts';

describe.skipIf(!hasRedis)('bullmq on a real Redis', () => {
  let redis: RealRedis;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());

  dispatcherContract('bullmq', async () => {
    redis.cli('flushall');
    return { driver: bullmq, url: redis.url, destroy: async () => {} };
  });
});
