import type { Job, Worker } from 'bullmq';
import { messageOf } from '../../../kernel/errors.ts';
import type { Log } from '../../../kernel/log.ts';
import { createInFlight } from './in-flight.ts';
import { after, kinds, prefix, queueName, traceOf, type WakeUpData, type WakeUpQueue } from './queue.ts';
import type { RedisLink } from './redis.ts';

export interface WorkersParts {
  redis: RedisLink;
  queue: WakeUpQueue;
  now: () => number;
  log: Log;
  concurrency: number;
  traced: boolean;
}

/**
 * Milliseconds, but `drainDelay` in seconds. The jobs of a dead worker go to another after `lockDuration` and the next check, together as
 * long as the lease of a run (flow/run/run.ts). A slow worker that loses its jobs loses no run, because the lease decides who works on it.
 */
const times = { lockDuration: 6000, stalledInterval: 3000, drainDelay: 5, runRetryDelay: 1000 };
/** How long closing waits for a Redis that does not answer, milliseconds. */
const patience = 2000;

type Answer = (run: string) => Promise<void>;

export async function createWorkers(parts: WorkersParts) {
  const { redis, queue, log } = parts;
  const bullmq = await import('bullmq');
  const telemetry = parts.traced ? { telemetry: new (await import('bullmq-otel')).BullMQOtel() } : {};
  const inFlight = createInFlight({ log, again: run => queue.post({ run }) });
  let worker: Worker<WakeUpData> | null = null;
  let answer: Answer | null = null;
  let stopping: Promise<void> | null = null;

  async function take(job: Job<WakeUpData>): Promise<void> {
    const { run } = job.data;
    // Posted again, so that another node's worker can take it.
    if (stopping !== null || answer === null || job.name === kinds.timer)
      return await queue.post({ run, ...traceOf(job) });
    await inFlight.answer(run, answer);
  }

  function make(): Worker<WakeUpData> {
    const made = new bullmq.Worker<WakeUpData>(queueName, take, {
      connection: redis.client,
      prefix,
      concurrency: parts.concurrency,
      autorun: false,
      skipVersionCheck: true,
      maxStalledCount: Number.MAX_SAFE_INTEGER,
      removeOnComplete: { count: 0 },
      removeOnFail: { count: 0 },
      ...times,
      ...telemetry,
    });
    // Such as a job lost with Redis' data, or an expired lock. Harmless, because the lease of the run decides.
    made.on('error', error => log.debug({ because: messageOf(error) }, 'the worker of wake-ups'));
    return made;
  }

  /** A BullMQ worker ends for good when its connection is cut at the wrong moment. Then another one is made. */
  async function keepWorking(): Promise<void> {
    await redis.fit;
    while (stopping === null) {
      worker = make();
      await worker.run().catch(error => log.debug({ because: messageOf(error) }, 'the worker of wake-ups ended'));
      if (stopping !== null) return;
      worker.close(true).catch(() => {});
      await after(times.runRetryDelay);
    }
  }

  async function stop(): Promise<void> {
    const closing = worker?.close();
    await inFlight.idle();
    const closed = await Promise.race([closing?.then(() => true) ?? true, after(patience)]);
    // Closing did not end in time, because Redis does not answer: the connection is dropped.
    if (closed !== true) worker?.disconnect().catch(() => {});
  }

  return {
    start(handler: Answer) {
      if (answer !== null) throw new Error('this dispatcher was started before');
      answer = handler;
      void keepWorking();
    },
    /**
     * Starts the handler without Redis, for use while Redis is down; the node with the sweeper continues all runs that way. False when the
     * run is at work, no handler is free, or the dispatcher is not started or is stopping.
     */
    offer(run: string): boolean {
      const free = inFlight.busy() < parts.concurrency && !inFlight.has(run);
      if (answer === null || stopping !== null || !free) return false;
      void inFlight.answer(run, answer);
      return true;
    },
    busy: inFlight.busy,
    drain(): Promise<void> {
      stopping ??= Promise.resolve().then(stop);
      return stopping;
    },
  };
}
