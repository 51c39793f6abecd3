import type { EmitTools } from '../../ports/emit.ts';
import { type Aws, openAws } from './clients.ts';
import { type Fault, faultOf } from './fault.ts';
import { handleMessage, listFull } from './message.ts';
import type { Options } from './options.ts';
import { retryLetters } from './retry.ts';
import { atMost } from './wait.ts';

/** The pause after each failure in a row, milliseconds. */
const pauses = [1000, 2000, 5000, 15_000, 30_000, 60_000, 120_000];

/** How long a stop waits for what is under way, milliseconds. */
const longestStop = 10_000;

/**
 * Polls the queue until stopped. Every node does: SQS gives a message to one of them at a time, so they share the work, a node that dies
 * needs no takeover, and what comes twice counts once by the claim of its batch.
 */
export async function startPolling(given: Options, tools: EmitTools): Promise<() => Promise<void>> {
  const stopping = new AbortController();
  const { signal } = stopping;
  const working = run(given, tools, signal).catch(error => {
    if (signal.aborted) return;
    tools.log.error({ err: error }, 'the queue is not polled');
    tools.trouble('the queue is not polled; the log says why');
  });
  return async () => {
    stopping.abort(new Error('Tocsin is stopping'));
    // A commit that hangs must not keep the process; what it read comes again, and counts once.
    await atMost(longestStop, working, tools.clock);
  };
}

async function run(given: Options, tools: EmitTools, signal: AbortSignal): Promise<void> {
  const aws = await openAws(given);
  const ended = new AbortController();
  const reading = { given, aws, tools, signal };
  const retrying = retryLetters({ ...reading, signal: AbortSignal.any([signal, ended.signal]) });
  try {
    await poll(reading);
    tools.trouble(null);
  } finally {
    ended.abort();
    await retrying;
    aws.close();
  }
}

interface Polling {
  given: Options;
  aws: Aws;
  tools: EmitTools;
  signal: AbortSignal;
}

async function poll(polling: Polling): Promise<void> {
  const { given, aws, tools, signal } = polling;
  const hide = Math.ceil(given.visibility / 1000);
  const busy = new Set<Promise<void>>();
  let failures = 0;
  /** What failed last. The queue is well again with its next answer, reading with the next message. */
  let failed: 'queue' | 'reading' = 'queue';

  function judge(fault: Fault | null, of: typeof failed): void {
    failed = of;
    if (fault === null) {
      if (failures > 0) tools.log.info({}, 'the records are read again');
      failures = 0;
      tools.trouble(null);
      return;
    }
    failures += 1;
    tools.log.warn({ code: fault.code, because: fault.because, failures }, 'the records cannot be read now');
    tools.trouble(troubleOf(fault, of));
  }

  while (!signal.aborted) {
    if (failures > 0)
      await tools.clock.sleep(pauses[Math.min(failures, pauses.length) - 1] ?? 0, signal).catch(() => {});
    if (busy.size >= given.parallel) await Promise.race(busy);
    if (signal.aborted) break;
    // While nothing can be read, only one message is tried, and its count of receives grows.
    // Whether it answers again is known at once, and not after a long poll of a queue that is empty.
    const wait = failures > 0 && failed === 'queue' ? 0 : 20;
    const most = failures > 0 ? 1 : Math.min(10, given.parallel - busy.size);
    try {
      const began = tools.clock.monotonic();
      const messages = await aws.receive({ most, wait, hide, signal });
      if (failed === 'queue' && failures > 0) judge(null, 'queue');
      // A queue that does not wait is not asked all the time.
      if (messages.length === 0 && tools.clock.monotonic() - began < 500) await tools.clock.sleep(1000, signal);
      const begun = messages.map(message => {
        const work: Promise<void> = handleMessage(message, polling).then(fault => {
          busy.delete(work);
          if (!signal.aborted) judge(fault, 'reading');
        });
        busy.add(work);
        return work;
      });
      if (failures > 0) await Promise.all(begun);
    } catch (error) {
      if (!signal.aborted) judge(faultOf(error), 'queue');
    }
  }
  await Promise.all(busy);
}

/** Everybody may read it on /readyz, so it has the words of AWS for the kind of the cause, and not its message with names and accounts. */
function troubleOf({ code }: Fault, of: 'queue' | 'reading'): string {
  if (code === listFull) return 'the list of its dead letters is full, and there is more: somebody must look at it';
  const kind = /^[A-Za-z][A-Za-z0-9._-]{0,60}$/.test(code) ? code : 'unknown';
  return `${of === 'queue' ? 'the queue cannot be asked' : 'the objects cannot be read'} now: ${kind}. The log says more`;
}
