import type { Clock } from '../../kernel/clock.ts';
import { messageOf } from '../../kernel/errors.ts';
import type { Log } from '../../kernel/log.ts';
import type { Metrics } from '../../kernel/metrics.ts';

/** InFlight spans to a collector. Rejects with SpansRefused when trying again cannot help, with anything else when it can. */
export type Export<Span> = (spans: readonly Span[]) => Promise<void>;

/** The collector looked at the spans and does not take them. */
export class SpansRefused extends Error {}

/** Spans on their way to the collector. Nobody ever waits for it but the follower of the journal, which has nothing else to do. */
export interface Sender<Span> {
  /** Takes a span that is told once, such as of a post; dropped, and counted as such, when too many wait. Never throws. */
  offer(span: Span): void;
  /**
   * Resolves when the collector took them or refused them for good, and to false when it was stopped before. While the collector does not
   * answer it tries again, with a pause that grows to 30 s, as long as `goOn` says so; then they are dropped.
   */
  send(spans: readonly Span[], goOn: () => Promise<boolean>, signal: AbortSignal): Promise<boolean>;
  /** How many spans wait in memory. */
  waiting(): number;
  /** True from when the collector did not take spans until it takes some. */
  failing(): boolean;
  /** Stops trying; what was offered gets one last chance, for a moment. */
  stop(): Promise<void>;
}

export interface SenderParts<Span> {
  export: Export<Span>;
  clock: Clock;
  log: Log;
  metrics: Metrics;
}

/** So many spans wait in memory for a collector that is slow or down. */
export const mostWaiting = 2048;
/** So many go in one request. */
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

  /** True when there is nothing more to do about them. */
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
    goOn: () => Promise<boolean>,
    signal: AbortSignal,
  ): Promise<boolean> {
    for (let failures = 0; ; failures++) {
      if (signal.aborted) return false;
      // Whoever stops does not wait for a collector that hangs; what it took all the same it knows by its id when it comes again.
      if (await raceAbort(tryOnce(spans), signal)) return true;
      if (signal.aborted) return false;
      if (!(await goOn())) {
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
      // It stays in the queue until it was taken, so that the bound counts it.
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
    async send(spans, goOn, signal) {
      for (let at = 0; at < spans.length; at += together)
        if (!(await untilTaken(spans.slice(at, at + together), goOn, signal))) return false;
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

/** What the promise says, or false as soon as the signal is aborted. It leaves no listener behind. */
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
