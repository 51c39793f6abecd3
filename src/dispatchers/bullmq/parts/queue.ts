import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Job } from 'bullmq';
import { messageOf } from '../../../kernel/errors.ts';
import type { Log } from '../../../kernel/log.ts';
import type { WakeUp } from '../../../ports/dispatcher.ts';
import type { RedisLink } from './redis.ts';

/** Bells on their way to Redis. */
export interface WakeUpQueue {
  /** Takes the wake-up. Resolves when Redis has it, or at once while Redis is down: then it is sent when Redis is back. Never rejects. */
  post(wakeUp: WakeUp): Promise<void>;
  close(): Promise<void>;
}

/** In Redis the queue of wake-ups is called bells, as it was when the first fleet was set up. */
export const queueName = 'bells';
export const prefix = 'tocsin';

/** A wake-up of a worker's queue: ring now, or ring now because its time has come. */
export type WakeUpData = { run: string };
export const kinds = { now: 'now', timer: 'timer' } as const;

/** How many wake-ups go to Redis in one transaction: it does nothing else meanwhile. */
const batch = 200;
/** How many wake-ups wait in memory for a Redis that is down; the sweeper wakes whatever is beyond. */
const most = 10_000;
/** Milliseconds between two tries, and how long closing waits. */
const pause = 1000;
/** How long whoever rings waits for Redis at most, milliseconds. */
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
  /** By what makes two wake-ups the same. */
  const waiting = new Map<string, Waiting>();
  let sending: Promise<void> | null = null;
  /** True while Redis keeps a batch for too long: then nobody waits for it. */
  let stuck = false;
  let closed = false;

  function letGo(some: Iterable<Waiting>) {
    for (const { taken } of some) taken.resolve();
  }

  async function sendBatch() {
    const some = [...waiting].slice(0, batch);
    for (const [key] of some) waiting.delete(key);
    const sent = some.map(([, one]) => one);
    const late = setTimeout(() => {
      stuck = true;
      letGo([...sent, ...waiting.values()]);
    }, patience).unref();
    try {
      await queue.addBulk(sent.map(({ wakeUp }) => jobOf(wakeUp, now())));
    } catch (error) {
      log.debug({ because: messageOf(error), wakeUps: sent.length }, 'wake-ups were not taken and are sent again');
      for (const [key, one] of some) if (waiting.size < most && !waiting.has(key)) waiting.set(key, one);
      letGo(sent);
      if (!closed) await after(pause);
    }
    clearTimeout(late);
    stuck = false;
    letGo(sent);
  }

  async function send() {
    while (waiting.size > 0 && !closed) {
      await redis.fit;
      // Whoever rings in the same turn of the loop shares the transaction.
      await nextTurn();
      await sendBatch();
    }
    letGo(waiting.values());
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
      // What is on its way while Redis answers is worth a moment; what is not gets there by the sweeper.
      if (sending !== null && redis.trouble() === null) await Promise.race([sending, after(pause)]);
      closed = true;
      letGo(waiting.values());
      await Promise.race([queue.close().catch(() => {}), after(pause)]);
    },
  };
}

interface Waiting {
  wakeUp: WakeUp;
  taken: PromiseWithResolvers<void>;
}

/** A bounded wait for a server that may not answer; it keeps no process alive. */
export function after(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms).unref());
}

function jobOf({ run, at, first, trace }: WakeUp, now: number) {
  const telemetry = trace === undefined ? {} : { telemetry: { metadata: JSON.stringify({ traceparent: trace }) } };
  if (at !== undefined && at > now) {
    // The same time counts once; other times of the run ring too.
    return { name: kinds.timer, data: { run }, opts: { jobId: `${run}@${at}`, delay: at - now, ...telemetry } };
  }
  // One wake-up of a run waits. One that comes while the run is being answered is kept and waits as soon as it was answered.
  const deduplication = { id: run, keepLastIfActive: true };
  return { name: kinds.now, data: { run }, opts: { deduplication, lifo: first === true, ...telemetry } };
}

/** The trace that a wake-up of Redis carries. */
export function traceOf(job: Job<WakeUpData>): Pick<WakeUp, 'trace'> {
  const found = /"traceparent":"([0-9a-f-]{55})"/.exec(job.opts.telemetry?.metadata ?? '');
  return found?.[1] === undefined ? {} : { trace: found[1] };
}
