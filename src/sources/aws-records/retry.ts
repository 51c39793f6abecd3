import { z } from 'zod';
import { messageOf } from '../../kernel/errors.ts';
import type { Retry } from '../../ports/letters.ts';
import { faultOf } from './fault.ts';
import { keyOf, nameOf, type ReadTools, readObject } from './read.ts';

/** How often it is looked for tries that another node began and did not end, milliseconds. */
const every = 60_000;

const againDoc = z.object({ bucket: z.string(), key: z.string(), versionId: z.string().nullable(), anew: z.boolean() });

/** Reads dead letters again when somebody asks for it, on whichever node, until stopped. Never rejects. */
export async function retryLetters(reading: ReadTools): Promise<void> {
  const { tools, signal } = reading;
  let wake = () => {};
  const off = tools.letters.onRetry(() => wake());
  while (!signal.aborted) {
    const asked = new Promise<void>(resolve => {
      wake = resolve;
    });
    try {
      for (const retry of await tools.letters.takeRetries()) await retryOne(retry, reading);
    } catch (error) {
      if (!signal.aborted) tools.log.warn({ because: messageOf(error) }, 'the dead letters could not be read again');
    }
    const waiting = new AbortController();
    const rest = tools.clock.sleep(every, AbortSignal.any([signal, waiting.signal])).catch(() => {});
    await Promise.race([asked, rest]);
    waiting.abort();
  }
  off();
}

async function retryOne({ id, again, attempts }: Retry, reading: ReadTools): Promise<void> {
  const { tools, signal } = reading;
  const { anew, ...ref } = againDoc.parse(JSON.parse(again));
  try {
    await readObject(ref, reading, anew ? `#${attempts}` : '');
    await tools.letters.settle(id);
    tools.log.info({ object: nameOf(ref) }, 'a dead letter was read');
  } catch (error) {
    if (signal.aborted) throw error;
    const { code, because } = faultOf(error);
    const key = keyOf(ref);
    const next = JSON.stringify({ ...ref, anew: anew || code === 'no-records' });
    await tools.letters.put({ key, from: nameOf(ref), again: next, code, because, attempts: attempts + 1 });
  }
}
