import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Clock } from '../../kernel/clock.ts';
import { messageOf } from '../../kernel/errors.ts';
import { moduleUrl } from '../../kernel/here.ts';
import type { Log } from '../../kernel/log.ts';
import { createKeyedMutex } from '../../kernel/mutex.ts';
import { type Examined, examineDocument, type Order } from './examine.ts';

/** From this size on a document is examined in a thread of its own, bytes: a smaller one takes a few milliseconds. */
const large = 256 * 1024;
/** How long the thread may take, milliseconds. */
const longest = 60_000;
/** The most memory of the thread, MB: a report of 50 MB takes a third of it, and the worst that may be parsed all of it. */
const memory = 1024;

export interface AsideParts {
  clock: Clock;
  log: Log;
}

/**
 * Examines documents. A large one would block the loop for seconds, so it goes to a thread; one at a time, because each may take a lot of
 * memory. What the thread cannot do in its time is refused, as `evidence-invalid`.
 */
export function createExaminer({ clock, log }: AsideParts): (order: Order) => Promise<Examined> {
  const turns = createKeyedMutex();
  return order =>
    order.bytes.length < large ? examineDocument(order) : turns.with('large', () => aside(order, { clock, log }));
}

async function aside(order: Order, { clock, log }: AsideParts): Promise<Examined> {
  // A view is copied with all of the request that is behind it, so it gets bytes of its own.
  const bytes = Uint8Array.from(order.bytes);
  const worker = new Worker(moduleUrl('./worker.ts', import.meta.url), {
    workerData: { ...order, bytes },
    transferList: [bytes.buffer],
    resourceLimits: { maxOldGenerationSizeMb: memory },
    env: {},
  });
  const over = new AbortController();
  const late = clock.sleep(longest, over.signal).then(() => Promise.reject(new Error('it took too long')));
  late.catch(() => {});
  const ended = once(worker, 'exit').then(([code]) => Promise.reject(new Error(`it ended with ${code}`)));
  ended.catch(() => {});
  try {
    const [examined]: Examined[] = await Promise.race([once(worker, 'message'), ended, late]);
    if (examined === undefined) throw new Error('it said nothing');
    return examined;
  } catch (error) {
    log.warn({ error: messageOf(error), bytes: order.bytes.length }, 'a document of evidence could not be read');
    const because = 'it cannot be read within the memory and the time that a document may take';
    return { kind: 'refused', code: 'evidence-invalid', because, at: null };
  } finally {
    over.abort();
    await worker.terminate();
  }
}
