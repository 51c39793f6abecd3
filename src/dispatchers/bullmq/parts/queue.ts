import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Job } from 'bullmq';
import { messageOf } from '../../../kernel/errors.ts';
import type { Log } from '../../../kernel/log.ts';
import type { WakeUp } from '../../../ports/dispatcher.ts';
import type { RedisLink } from './redis.ts';

/** Wake-ups on their way to Redis. */
export interface WakeUpQueue {
  /** Takes the wake-up. Resolves when Redis has it, or at once while Redis is down: then it is sent when Redis is back. Never rejects. */
  post(wakeUp: WakeUp): Promise<void>;
  close(): Promise<void>;
}

/** The name of the queue of wake-ups in Redis. It keeps its first name, because nodes of all versions share it. */
export const queueName = 'bells';
export const prefix = 'tocsin';

/** A job of the queue. Its kind is `now`, or `timer` for a delayed wake-up. */
export type WakeUpData = { run: string };
export const kinds = { now: 'now', timer: 'timer' } as const;

/** The most wake-ups in one Redis transaction. Redis does nothing else meanwhile. */
const batch = 200;
/** The most wake-ups kept in memory while Redis is down. Further ones are dropped; the sweeper wakes their runs. */
const most = 10_000;
/** Milliseconds between two tries, and how long closing waits. */
const pause = 1000;
/** The longest that a caller of `post` waits for Redis, milliseconds. */
const patience = 250;

export async function openQueue(parts: { redis: RedisLink; now: () => number; log: Log }): Promise<WakeUpQueue> {
  const { redis, now, log } = parts;
  const { Queue } = await import('bullmq');
  const queue = new Queue<WakeUpData>(queueName, {
    connection: redis.client,
    prefix,
    skipVersionCheck: true,
    skipMetasUpdate: true,
    streams: { events: { maxLen: 100 } },
    defaultJobOptions: { removeOnComplete: true, removeOnFail: true, attempts: 1 },
  });
  queue.on('error', error => log.debug({ because: messageOf(error) }, 'the queue of wake-ups'));
  /** By run and time, so that equal wake-ups are sent once. */
  const waiting = new Map<string, Waiting>();
  let sending: Promise<void> | null = null;
  /** True while Redis has not answered a batch in time. Then callers do not wait. */
  let stuck = false;
  let closed = false;

  function release(some: Iterable<Waiting>) {
    for (const { taken } of some) taken.resolve();
  }

  async function sendBatch() {
    const some = [...waiting].slice(0, batch);
    for (const [key] of some) waiting.delete(key);
    const sent = some.map(([, one]) => one);
    const late = setTimeout(() => {
      stuck = true;
      release([...sent, ...waiting.values()]);
    }, patience).unref();
    try {
      await queue.addBulk(sent.map(({ wakeUp }) => jobOf(wakeUp, now())));
    } catch (error) {
      log.debug({ because: messageOf(error), wakeUps: sent.length }, 'wake-ups were not taken and are sent again');
      for (const [key, one] of some) if (waiting.size < most && !waiting.has(key)) waiting.set(key, one);
      release(sent);
      if (!closed) await after(pause);
    }
    clearTimeout(late);
    stuck = false;
    release(sent);
  }

  async function send() {
    while (waiting.size > 0 && !closed) {
      await redis.fit;
      // All calls in one turn of the event loop share a transaction.
      await nextTurn();
      await sendBatch();
    }
    release(waiting.values());
    sending = null;
  }

  return {
    async post(wakeUp) {
      const key = `${wakeUp.run} ${wakeUp.at ?? ''}`;
      const known = waiting.get(key);
      if (closed || (known === undefined && waiting.size >= most)) return;
      const one = known ?? { wakeUp, taken: Promise.withResolvers<void>() };
      if (wakeUp.first === true) one.wakeUp = wakeUp;
      waiting.set(key, one);
      sending ??= send();
      if (!stuck && redis.trouble() === null) await one.taken.promise;
    },
    async close() {
      // A batch under way gets a moment while Redis answers. The sweeper wakes the runs of the others.
      if (sending !== null && redis.trouble() === null) await Promise.race([sending, after(pause)]);
      closed = true;
      release(waiting.values());
      await Promise.race([queue.close().catch(() => {}), after(pause)]);
    },
  };
}

interface Waiting {
  wakeUp: WakeUp;
  taken: PromiseWithResolvers<void>;
}

/** Resolves after `ms` milliseconds; bounds waits for a server that may not answer. It does not keep the process alive. */
export function after(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms).unref());
}

function jobOf({ run, at, first, trace }: WakeUp, now: number) {
  const telemetry = trace === undefined ? {} : { telemetry: { metadata: JSON.stringify({ traceparent: trace }) } };
  if (at !== undefined && at > now) {
    // The job id deduplicates the same time. Other times of the run are jobs of their own.
    return { name: kinds.timer, data: { run }, opts: { jobId: `${run}@${at}`, delay: at - now, ...telemetry } };
  }
  // One wake-up of a run is queued at a time. One that arrives while the run is at work is kept, and queued when the work has ended.
  const deduplication = { id: run, keepLastIfActive: true };
  return { name: kinds.now, data: { run }, opts: { deduplication, lifo: first === true, ...telemetry } };
}

/** The trace context (traceparent) that a job carries, if any. */
export function traceOf(job: Job<WakeUpData>): Pick<WakeUp, 'trace'> {
  const found = /"traceparent":"([0-9a-f-]{55})"/.exec(job.opts.telemetry?.metadata ?? '');
  return found?.[1] === undefined ? {} : { trace: found[1] };
}
