import type { DispatcherOptions } from '../../ports/dispatcher.ts';
import { type Dispatcher, defineDispatcher } from '../../ports/dispatcher.ts';
import { openQueue } from './parts/queue.ts';
import { connectRedis } from './parts/redis.ts';
import { createWorkers } from './parts/workers.ts';

export default defineDispatcher({
  id: 'bullmq',
  about:
    'Wakes runs over Redis with BullMQ; for any number of nodes. Redis holds run ids, and trace ids with tracing, and may lose its data.',
  open: openBullmq,
});

async function openBullmq(options: DispatcherOptions): Promise<Dispatcher> {
  const { now, log } = options;
  const redis = await connectRedis(options.url ?? '', log);
  const queue = await openQueue({ redis, now, log });
  const workers = await createWorkers({
    ...{ redis, queue, now, log, concurrency: options.concurrency },
    traced: options.traced === true,
  });
  let closed: Promise<void> | null = null;

  async function close() {
    await workers.drain();
    await queue.close();
    redis.close();
  }

  return {
    id: 'bullmq',
    async wake(wakeUp) {
      const due = wakeUp.at === undefined || wakeUp.at <= now();
      if (redis.trouble() !== null && due && workers.offer(wakeUp.run)) return;
      await queue.post(wakeUp);
    },
    start: workers.start,
    busy: workers.busy,
    trouble: redis.trouble,
    drain: workers.drain,
    close() {
      closed ??= close();
      return closed;
    },
  };
}
