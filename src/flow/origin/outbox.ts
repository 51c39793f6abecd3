import type { Clock } from '../../kernel/clock.ts';
import { isCode, messageOf, TocsinError } from '../../kernel/errors.ts';
import type { Log } from '../../kernel/log.ts';
import type { Metrics } from '../../kernel/metrics.ts';
import { system } from '../../model/actor.ts';
import { type Entry, type Fact, streamOf } from '../../model/journal.ts';
import type { Guard, Store } from '../../ports/store.ts';
import type { Feed } from '../journal/feed.ts';
import { createQueue, type Queue, type Waiting } from './queue.ts';
import { doneSpace, type OutboxName, type WriteBack } from './write-backs.ts';

/**
 * The outbox of one origin: write-backs that follow from the journal. It has a cursor of its own, keeps the order of each subject, obeys
 * the rate limit, tries again with back-off, and records each write-back once. When the process ends after an effect and before its
 * record, the write-back is asked for again, and the driver finds the effect. No origin can block, repeat or lose a step.
 */
export interface OutboxParts {
  source: string;
  outbox: OutboxName;
  /** The most write-backs that are begun within a minute. */
  perMinute: number;
  store: Store;
  /** Carries a fencing token where several nodes could run this outbox. */
  feed: Feed;
  clock: Clock;
  metrics: Metrics;
  log: Log;
  writeBacks(entry: Entry): Promise<WriteBack[]>;
  /** Resolves to null when the write-back is not needed any more. `failures` counts the attempts before. */
  perform(writeBack: WriteBack, failures: number): Promise<string | null>;
}

export interface RunningOutbox {
  /** How many wait, and why the last attempt failed; null when all is well. */
  trouble(): string | null;
  stop(): Promise<void>;
}

/** The most write-backs that wait in memory; the journal holds the others. */
const mostWaiting = 256;
/** How long one write-back is tried, milliseconds. */
const giveUp = 48 * 3_600_000;
/** The cursor is saved when it can move by so many entries. */
const stride = 512;

/** The name of an outbox's cursor. The cursor holds the next sequence, because 0 means that there is none yet. */
export function cursorOf(source: string, outbox: OutboxName): string {
  return `origin/${source}/${outbox}`;
}

interface OutboxContext {
  parts: OutboxParts;
  queue: Queue;
  end: AbortController;
  /** The last entry whose write-backs are in the queue. */
  seen: number;
  /** The last entry that the durable cursor covers: every write-back up to it is recorded. */
  saved: number;
  /** Write-backs whose record is being committed: the cursor may pass them. */
  recording: Set<Waiting>;
  trouble: string | null;
}

export async function startOutbox(parts: OutboxParts): Promise<RunningOutbox> {
  const name = cursorOf(parts.source, parts.outbox);
  const seen = (await parts.store.cursor(name)) - 1;
  const queue = createQueue(parts.perMinute, parts.clock);
  const ctx: OutboxContext = {
    parts,
    queue,
    end: new AbortController(),
    seen,
    saved: seen,
    recording: new Set(),
    trouble: null,
  };
  const following = parts.feed.follow({ name, after: seen, batch: 256, handle: entries => take(entries, ctx) });
  const working = work(ctx);
  return {
    trouble: () => (ctx.trouble === null ? null : `${queue.size()} write-backs wait: ${ctx.trouble}`),
    async stop() {
      ctx.end.abort(new Error('stopped'));
      queue.wake();
      await following.stop();
      await working;
    },
  };
}

async function take(entries: readonly Entry[], ctx: OutboxContext): Promise<void> {
  const { queue, end, parts } = ctx;
  for (const entry of entries) {
    if (entry.seq <= ctx.seen) continue;
    while (queue.size() >= mostWaiting && !end.signal.aborted) await queue.changed();
    if (end.signal.aborted) return;
    for (const writeBack of await parts.writeBacks(entry)) queue.add(writeBack);
    ctx.seen = entry.seq;
  }
  queue.wake();
  if (Math.min(ctx.seen, queue.lowest(ctx.recording) - 1) - ctx.saved >= stride) await commit([], [], ctx);
}

async function work(ctx: OutboxContext): Promise<void> {
  const { queue, end } = ctx;
  const inFlight = new Set<Promise<void>>();
  while (!end.signal.aborted) {
    const next = queue.next();
    if ('pause' in next) {
      await rest(next.pause, ctx);
      continue;
    }
    queue.begin(next.due);
    const task: Promise<void> = attempt(next.due, ctx).finally(() => {
      inFlight.delete(task);
      queue.end(next.due);
    });
    inFlight.add(task);
  }
  await Promise.all(inFlight);
}

async function rest(pause: number, { queue, end, parts }: OutboxContext): Promise<void> {
  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, end.signal]);
  const sleep = Number.isFinite(pause) ? [parts.clock.sleep(pause, signal).catch(() => {})] : [];
  await Promise.race([queue.changed(), ...sleep]);
  stop.abort();
}

async function attempt(one: Waiting, ctx: OutboxContext): Promise<void> {
  const { parts } = ctx;
  try {
    if (!(await parts.store.claimed({ space: doneSpace, key: keyOf(one, ctx) }))) {
      const text = await parts.perform(one.writeBack, one.failures);
      if (text !== null) await record(one, true, text, ctx);
      if (text !== null) count(one, 'ok', ctx);
    }
    ctx.trouble = null;
    drop(one, ctx);
  } catch (error) {
    await fail(one, error, ctx);
  }
}

function count(one: Waiting, outcome: 'ok' | 'refused' | 'failed', { parts }: OutboxContext): void {
  const { source, metrics } = parts;
  metrics.count('tocsin_origin_told_total', { source, what: one.writeBack.what, outcome });
}

function drop(one: Waiting, ctx: OutboxContext): void {
  ctx.queue.remove(one);
  ctx.recording.delete(one);
}

function keyOf(one: Waiting, ctx: OutboxContext): string {
  return `${ctx.parts.source}/${one.writeBack.key}`;
}

/** Commits the claim, the journal entry and the cursor in one transaction. */
async function record(one: Waiting, ok: boolean, text: string, ctx: OutboxContext): Promise<void> {
  const { what, key, alert, episode, run } = one.writeBack;
  const { source, clock } = ctx.parts;
  const about = { alert: alert?.id ?? null, episode, run: run?.id ?? null };
  const fact: Fact = { kind: 'origin.told', source, what, key, ...about, ok, text };
  // Only a success is claimed: what was refused may be tried when it comes up again.
  const claim: Guard = { kind: 'claim', space: doneSpace, key: keyOf(one, ctx), at: clock.now(), keep: null };
  ctx.recording.add(one);
  try {
    await commit(ok ? [claim] : [], [fact], ctx);
  } catch (error) {
    // Recorded already: nothing is left to do.
    if (isCode(error, 'guard-failed') && error.at?.startsWith('claim') === true) return;
    ctx.recording.delete(one);
    throw error;
  }
}

/** Saves the cursor together with what is recorded. */
async function commit(guards: Guard[], facts: Fact[], ctx: OutboxContext): Promise<void> {
  const { parts, queue } = ctx;
  const done = Math.min(ctx.seen, queue.lowest(ctx.recording) - 1);
  const stream = streamOf.origin(parts.source);
  await parts.feed.commit({
    guards,
    entries: facts.map(fact => ({ stream, actor: system, at: parts.clock.now(), fact })),
    rows: [{ table: 'cursor', name: cursorOf(parts.source, parts.outbox), value: done + 1 }],
  });
  ctx.saved = done;
}

async function fail(one: Waiting, error: unknown, ctx: OutboxContext): Promise<void> {
  const { parts, queue } = ctx;
  const known = error instanceof TocsinError ? error : null;
  const facts = { reason: messageOf(error), writeBack: one.writeBack.key, failures: one.failures };
  parts.log[known === null ? 'error' : 'warn'](facts, 'a write-back failed');
  if (known?.code === 'origin-refused' || parts.clock.now() - one.since > giveUp) {
    const recorded = await record(one, false, messageOf(error), ctx).then(
      () => true,
      // Not recorded: the write-back is tried again as a whole.
      () => false,
    );
    if (recorded) {
      count(one, 'refused', ctx);
      return drop(one, ctx);
    }
  }
  count(one, 'failed', ctx);
  ctx.trouble = messageOf(error);
  queue.postpone(one, known?.retryAfter ?? 0, known?.code === 'origin-limited');
}
