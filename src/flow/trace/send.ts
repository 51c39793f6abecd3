import type { Clock } from '../../kernel/clock.ts';
import { messageOf } from '../../kernel/errors.ts';
import type { Log } from '../../kernel/log.ts';
import type { Metrics } from '../../kernel/metrics.ts';

/** Sends spans to a collector. Rejects with SpansRefused when trying again cannot help, with any other error when it can. */
export type Export<Span> = (spans: readonly Span[]) => Promise<void>;

/** The collector refused the spans for good. */
export class SpansRefused extends Error {}

/** Sends spans to the collector, with back-off. Only the follower of the journal (follow.ts) ever waits for it. */
export interface Sender<Span> {
  /** Queues a span that comes only once, such as that of a post. It is dropped, and counted so, when too many wait. Never throws. */
  offer(span: Span): void;
  /**
   * Resolves to true when the collector took the spans or refused them for good, and to false when it was stopped before. While the
   * collector does not answer it tries again, with back-off up to 30 s, as long as `keepTrying` says so; then the spans are dropped.
   */
  send(spans: readonly Span[], keepTrying: () => Promise<boolean>, signal: AbortSignal): Promise<boolean>;
  /** How many spans wait in memory. */
  waiting(): number;
  /** True from when the collector did not take spans until it takes some. */
  failing(): boolean;
  /** Stops trying. Queued spans are sent once more, which takes 2 s at most. */
  stop(): Promise<void>;
}

export interface SenderParts<Span> {
  export: Export<Span>;
  clock: Clock;
  log: Log;
  metrics: Metrics;
}

/** The most spans that wait in memory for a collector that is slow or down. */
export const mostWaiting = 2048;
/** The most spans in one request. */
const together = 512;
/** How long offered spans wait for others, milliseconds. */
const gather = 1000;
/** How long a stop waits for the last request, milliseconds. */
const lastChance = 2000;

export function createSender<Span>(parts: SenderParts<Span>): Sender<Span> {
  const { clock, log, metrics } = parts;
  const end = new AbortController();
  const queue: Span[] = [];
  let flushing: Promise<void> | null = null;
  let failing = false;

  function drop(count: number): void {
    if (count > 0) metrics.count('tocsin_trace_spans_total', { outcome: 'dropped' }, count);
  }

  /** True when the spans were sent, or refused for good. */
  async function tryOnce(spans: readonly Span[]): Promise<boolean> {
    try {
      await parts.export(spans);
      metrics.count('tocsin_trace_spans_total', { outcome: 'sent' }, spans.length);
      if (failing) log.info({}, 'the collector of traces takes spans again');
      failing = false;
      return true;
    } catch (error) {
      const refused = error instanceof SpansRefused;
      if (!failing || refused)
        log.warn({ because: messageOf(error) }, refused ? 'spans were refused' : 'the collector does not answer');
      failing = true;
      if (refused) drop(spans.length);
      return refused;
    }
  }

  async function untilTaken(
    spans: readonly Span[],
    keepTrying: () => Promise<boolean>,
    signal: AbortSignal,
  ): Promise<boolean> {
    for (let failures = 0; ; failures++) {
      if (signal.aborted) return false;
      // A stop does not wait for a collector that hangs. If it took the spans all the same, it knows their ids when they are sent again.
      if (await raceAbort(tryOnce(spans), signal)) return true;
      if (signal.aborted) return false;
      if (!(await keepTrying())) {
        drop(spans.length);
        return true;
      }
      await clock.sleep(Math.min(30_000, 500 * 2 ** failures), signal).catch(() => {});
    }
  }

  async function flush(): Promise<void> {
    await clock.sleep(gather, end.signal).catch(() => {});
    while (queue.length > 0 && !end.signal.aborted) {
      const some = queue.slice(0, together);
      // Spans stay in the queue until they were taken, so that `mostWaiting` counts them.
      if (await untilTaken(some, async () => true, end.signal)) queue.splice(0, some.length);
    }
    flushing = null;
  }

  return {
    offer(span) {
      if (queue.length >= mostWaiting || end.signal.aborted) return drop(1);
      queue.push(span);
      flushing ??= flush();
    },
    async send(spans, keepTrying, signal) {
      for (let at = 0; at < spans.length; at += together)
        if (!(await untilTaken(spans.slice(at, at + together), keepTrying, signal))) return false;
      return true;
    },
    waiting: () => queue.length,
    failing: () => failing,
    async stop() {
      end.abort(new Error('stopped'));
      await flushing;
      const rest = queue.splice(0);
      if (rest.length === 0) return;
      const sent = await Promise.race([tryOnce(rest), clock.sleep(lastChance).then(() => false)]);
      if (!sent) drop(rest.length);
    },
  };
}

/** The value of the promise, or false as soon as the signal is aborted. It leaves no listener behind. */
async function raceAbort(promise: Promise<boolean>, signal: AbortSignal): Promise<boolean> {
  const aborted = Promise.withResolvers<boolean>();
  const stop = () => aborted.resolve(false);
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
