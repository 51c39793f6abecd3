import { messageOf } from '../../../kernel/errors.ts';
import type { Log } from '../../../kernel/log.ts';
import type { Bell } from '../../../ports/dispatcher.ts';
import type { RedisLink } from './redis.ts';

/** Bells on their way to Redis. */
export interface BellQueue {
  /** Takes the bell and returns: it is sent as soon as Redis takes it. */
  post(bell: Bell): void;
  close(): Promise<void>;
}

export const queueName = 'bells';
export const prefix = 'tocsin';

/** A bell of a worker's queue: ring now, or ring now because its time has come. */
export type BellData = { run: string };
export const kinds = { now: 'now', timer: 'timer' } as const;

/** How many bells go to Redis in one transaction: it does nothing else meanwhile. */
const batch = 200;
/** How many bells wait in memory for a Redis that is down; the sweeper rings for whatever is beyond. */
const most = 10_000;
const pause = 1000;

export async function openQueue(parts: { redis: RedisLink; now: () => number; log: Log }): Promise<BellQueue> {
  const { redis, now, log } = parts;
  const { Queue } = await import('bullmq');
  const queue = new Queue<BellData>(queueName, {
    connection: redis.client,
    prefix,
    skipVersionCheck: true,
    skipMetasUpdate: true,
    streams: { events: { maxLen: 100 } },
    defaultJobOptions: { removeOnComplete: true, removeOnFail: true, attempts: 1 },
  });
  queue.on('error', error => log.debug({ because: messageOf(error) }, 'the queue of bells'));
  /** By what makes two bells the same. */
  const waiting = new Map<string, Bell>();
  let sending: Promise<void> | null = null;
  let closed = false;

  async function send() {
    while (waiting.size > 0 && !closed) {
      await redis.fit;
      const bells = [...waiting].slice(0, batch);
      for (const [key] of bells) waiting.delete(key);
      try {
        await queue.addBulk(bells.map(([, bell]) => jobOf(bell, now())));
      } catch (error) {
        if (closed) return;
        log.debug({ because: messageOf(error), bells: bells.length }, 'bells were not taken and are sent again');
        for (const [key, bell] of bells) if (waiting.size < most) waiting.set(key, bell);
        await new Promise(resolve => setTimeout(resolve, pause).unref());
      }
    }
  }

  return {
    post(bell) {
      const key = `${bell.run} ${bell.at ?? ''}`;
      const known = waiting.get(key);
      if (closed || (known === undefined && waiting.size >= most)) return;
      waiting.set(key, known?.first === true ? known : bell);
      sending ??= send().finally(() => {
        sending = null;
      });
    },
    async close() {
      // What is on its way while Redis answers is worth a moment; what is not gets there by the sweeper.
      if (sending !== null && redis.trouble() === null)
        await Promise.race([sending, new Promise(resolve => setTimeout(resolve, pause).unref())]);
      closed = true;
      await queue.close().catch(() => {});
    },
  };
}

function jobOf({ run, at, first }: Bell, now: number) {
  if (at !== undefined && at > now) {
    // The same time counts once; other times of the run ring too.
    return { name: kinds.timer, data: { run }, opts: { jobId: `${run}@${at}`, delay: at - now } };
  }
  // One bell of a run waits. One that comes while the run is being answered is kept and waits as soon as it was answered.
  const deduplication = { id: run, keepLastIfActive: true };
  return { name: kinds.now, data: { run }, opts: { deduplication, lifo: first === true } };
}
