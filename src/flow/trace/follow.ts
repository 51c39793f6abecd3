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
 * The journal is the queue of spans: a collector may be down until so many entries wait for it. Older ones are left out then, and counted
 * as dropped, so that neither memory nor reading grows with the outage.
 */
export const mostBehind = 20_000;
/** Entries are gathered so long, milliseconds, so that a busy journal makes few requests and few commits. */
const gather = 200;
const batch = 256;

/**
 * Follows the journal and tells the collector what happened, as one trace for each episode. It stands beside the pipeline: nothing waits for
 * it, and entries that were committed while nobody did this, or while the collector was down, are told later.
 */
export async function startTraces(parts: TraceParts): Promise<Following> {
  const { store, feed, clock } = parts;
  let spans = createSpans(store);
  const end = new AbortController();
  // One more than the sequence, so that 0 says that nobody was here yet.
  const commit = (seq: number) => feed.commit({ rows: [{ table: 'cursor', name: cursorName, value: seq + 1 }] });

  async function isNear(seq: number): Promise<boolean> {
    return (await store.head()).seq - seq <= mostBehind;
  }

  async function leaveOut(entries: readonly Entry[]): Promise<void> {
    // What is remembered of runs has a hole then.
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
    // Whoever goes on tells them again, under the same ids.
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

/** Where to go on. The first time that is now: nobody asked for the traces of the past. */
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
