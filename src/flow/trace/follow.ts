/** The journal as OpenTelemetry spans: how they are named, made and sent. */

import type { Clock } from '../../kernel/clock.ts';
import type { Log } from '../../kernel/log.ts';
import type { Metrics } from '../../kernel/metrics.ts';
import type { Entry } from '../../model/journal.ts';
import type { Store } from '../../ports/store.ts';
import type { Feed, Following } from '../journal/feed.ts';
import type { SpanFacts } from './ids.ts';
import type { Sender } from './send.ts';
import { createSpans } from './spans.ts';

export interface TraceParts {
  store: Store;
  feed: Feed;
  clock: Clock;
  log: Log;
  metrics: Metrics;
  sender: Pick<Sender<SpanFacts>, 'send' | 'failing'>;
}

const cursorName = 'traces';
/**
 * The most entries that wait for a collector that is down: the journal is the queue of spans. Older entries are left out and counted as
 * dropped, so that neither memory nor reading grows with the outage.
 */
export const mostBehind = 20_000;
/** How long entries are gathered before the next request, milliseconds: a busy journal then makes few requests and few commits. */
const gather = 200;
const batch = 256;

/**
 * Follows the journal and sends it to the collector as spans, one trace for each episode. Nothing in the pipeline waits for it. Entries
 * that were committed while it did not run, or while the collector was down, are sent later.
 */
export async function startTraces(parts: TraceParts): Promise<Following> {
  const { store, feed, clock } = parts;
  let spans = createSpans(store);
  const end = new AbortController();
  // The cursor holds the sequence plus 1, so that 0 means that there is no cursor yet.
  const commit = (seq: number) => feed.commit({ rows: [{ table: 'cursor', name: cursorName, value: seq + 1 }] });

  async function isNear(seq: number): Promise<boolean> {
    return (await store.head()).seq - seq <= mostBehind;
  }

  async function leaveOut(entries: readonly Entry[]): Promise<void> {
    // The histories of runs lack these entries, so they are built anew.
    spans = createSpans(store);
    parts.metrics.count('tocsin_trace_spans_total', { outcome: 'dropped' }, entries.length);
    await commit(entries.at(-1)?.seq ?? 0);
  }

  async function handle(entries: readonly Entry[]): Promise<void> {
    const last = entries.at(-1);
    if (last === undefined) return;
    if (parts.sender.failing() && !(await isNear(last.seq))) return await leaveOut(entries);
    const facts: SpanFacts[] = [];
    for (const entry of entries) facts.push(...(await spans.of(entry)));
    const done = facts.length === 0 || (await parts.sender.send(facts, () => isNear(last.seq), end.signal));
    // Stopped before the cursor moved: the next start sends these spans again, under the same ids.
    if (!done) return;
    await commit(last.seq);
    if (entries.length < batch) await clock.sleep(gather, end.signal).catch(() => {});
  }

  const following = feed.follow({ name: cursorName, after: await begin(parts, commit), batch, handle });
  return {
    caughtUp: following.caughtUp,
    async stop() {
      end.abort(new Error('stopped'));
      await following.stop();
    },
  };
}

/** The sequence to start after. The first time it is the head: entries from before tracing was on are not sent. */
async function begin(parts: TraceParts, commit: (seq: number) => Promise<unknown>): Promise<number> {
  const { store, metrics, log } = parts;
  const { seq } = await store.head();
  const saved = (await store.cursor(cursorName)) - 1;
  const first = saved < 0 ? seq : Math.max(saved, seq - mostBehind);
  if (first === saved) return first;
  await commit(first);
  if (saved < 0) return first;
  log.warn({ entries: first - saved }, 'the collector was away for too long: so many entries are in no trace');
  metrics.count('tocsin_trace_spans_total', { outcome: 'dropped' }, first - saved);
  return first;
}
