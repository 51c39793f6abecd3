import type { Clock } from '../../kernel/clock.ts';
import { isCode, messageOf, TocsinError } from '../../kernel/errors.ts';
import type { Log } from '../../kernel/log.ts';
import type { Metrics } from '../../kernel/metrics.ts';
import { system } from '../../model/actor.ts';
import { type Entry, type Fact, streamOf } from '../../model/journal.ts';
import type { Guard, Store } from '../../ports/store.ts';
import type { Feed } from '../journal/feed.ts';
import { createQueue, type Queue, type Waiting } from './queue.ts';
import { type Lane, type Telling, toldSpace } from './tellings.ts';

/**
 * Tells one origin what follows from the journal, as chat is told: with a cursor of its own, in order for each subject, paced, tried again
 * with growing pauses, and each thing once. The process may end after an effect and before it is recorded; the effect is then asked for
 * again, and the driver finds it. Nothing that an origin does blocks, repeats or loses a step.
 */
export interface LaneParts {
  source: string;
  lane: Lane;
  /** The most that is begun within a minute. */
  perMinute: number;
  store: Store;
  /** Fenced, where several nodes could tell. */
  feed: Feed;
  clock: Clock;
  metrics: Metrics;
  log: Log;
  tellings(entry: Entry): Promise<Telling[]>;
  /** Null when it is not needed any more. `failures` counts the attempts before. */
  tell(telling: Telling, failures: number): Promise<string | null>;
}

export interface RunningLane {
  /** Why something could not be told; null when all is well. */
  trouble(): string | null;
  stop(): Promise<void>;
}

/** How many wait at most; the journal holds the others. */
const mostWaiting = 256;
/** How long one is tried, milliseconds. */
const giveUp = 48 * 3_600_000;
/** The cursor moves at least after so many entries. */
const stride = 512;

/** The name of a lane's cursor. It holds the next sequence, because 0 means that there never was one. */
export function cursorOf(source: string, lane: Lane): string {
  return `origin/${source}/${lane}`;
}

interface Desk {
  parts: LaneParts;
  queue: Queue;
  end: AbortController;
  /** The last entry whose tellings are in the queue. */
  seen: number;
  /** The last entry up to which everything is known to be told, durably. */
  saved: number;
  /** What is being recorded as told: the cursor may pass it. */
  recording: Set<Waiting>;
  trouble: string | null;
}

export async function startLane(parts: LaneParts): Promise<RunningLane> {
  const name = cursorOf(parts.source, parts.lane);
  const seen = (await parts.store.cursor(name)) - 1;
  const queue = createQueue(parts.perMinute, parts.clock);
  const desk: Desk = {
    parts,
    queue,
    end: new AbortController(),
    seen,
    saved: seen,
    recording: new Set(),
    trouble: null,
  };
  const following = parts.feed.follow({ name, after: seen, batch: 256, handle: entries => take(entries, desk) });
  const working = work(desk);
  return {
    trouble: () => (desk.trouble === null ? null : `${queue.size()} wait to be told: ${desk.trouble}`),
    async stop() {
      desk.end.abort(new Error('stopped'));
      queue.ring();
      await following.stop();
      await working;
    },
  };
}

async function take(entries: readonly Entry[], desk: Desk): Promise<void> {
  const { queue, end, parts } = desk;
  for (const entry of entries) {
    if (entry.seq <= desk.seen) continue;
    while (queue.size() >= mostWaiting && !end.signal.aborted) await queue.changed();
    if (end.signal.aborted) return;
    for (const telling of await parts.tellings(entry)) queue.add(telling);
    desk.seen = entry.seq;
  }
  queue.ring();
  if (Math.min(desk.seen, queue.lowest(desk.recording) - 1) - desk.saved >= stride) await commit([], [], desk);
}

async function work(desk: Desk): Promise<void> {
  const { queue, end } = desk;
  const atWork = new Set<Promise<void>>();
  while (!end.signal.aborted) {
    const next = queue.next();
    if ('pause' in next) {
      await rest(next.pause, desk);
      continue;
    }
    queue.begin(next.due);
    const task: Promise<void> = attempt(next.due, desk).finally(() => {
      atWork.delete(task);
      queue.end(next.due);
    });
    atWork.add(task);
  }
  await Promise.all(atWork);
}

async function rest(pause: number, { queue, end, parts }: Desk): Promise<void> {
  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, end.signal]);
  const sleep = Number.isFinite(pause) ? [parts.clock.sleep(pause, signal).catch(() => {})] : [];
  await Promise.race([queue.changed(), ...sleep]);
  stop.abort();
}

async function attempt(one: Waiting, desk: Desk): Promise<void> {
  const { parts } = desk;
  try {
    if (!(await parts.store.claimed({ space: toldSpace, key: keyOf(one, desk) }))) {
      const text = await parts.tell(one.telling, one.failures);
      if (text !== null) await record(one, true, text, desk);
      if (text !== null) count(one, 'ok', desk);
    }
    desk.trouble = null;
    drop(one, desk);
  } catch (error) {
    await fail(one, error, desk);
  }
}

function count(one: Waiting, outcome: 'ok' | 'refused' | 'failed', { parts }: Desk): void {
  const { source, metrics } = parts;
  metrics.count('tocsin_origin_told_total', { source, what: one.telling.what, outcome });
}

function drop(one: Waiting, desk: Desk): void {
  desk.queue.remove(one);
  desk.recording.delete(one);
}

function keyOf(one: Waiting, desk: Desk): string {
  return `${desk.parts.source}/${one.telling.key}`;
}

/** What was told is claimed, journalled and behind the cursor in one transaction. */
async function record(one: Waiting, ok: boolean, text: string, desk: Desk): Promise<void> {
  const { what, key, alert, episode, run } = one.telling;
  const { source, clock } = desk.parts;
  const about = { alert: alert?.id ?? null, episode, run: run?.id ?? null };
  const fact: Fact = { kind: 'origin.told', source, what, key, ...about, ok, text };
  // Only what was told is claimed: what was refused may be told when it comes up again.
  const claim: Guard = { kind: 'claim', space: toldSpace, key: keyOf(one, desk), at: clock.now(), keep: null };
  desk.recording.add(one);
  try {
    await commit(ok ? [claim] : [], [fact], desk);
  } catch (error) {
    // Recorded already: nothing is left to do.
    if (isCode(error, 'guard-failed') && error.at?.startsWith('claim') === true) return;
    desk.recording.delete(one);
    throw error;
  }
}

/** The cursor moves with what is recorded. */
async function commit(guards: Guard[], facts: Fact[], desk: Desk): Promise<void> {
  const { parts, queue } = desk;
  const done = Math.min(desk.seen, queue.lowest(desk.recording) - 1);
  const stream = streamOf.origin(parts.source);
  await parts.feed.commit({
    guards,
    entries: facts.map(fact => ({ stream, actor: system, at: parts.clock.now(), fact })),
    rows: [{ table: 'cursor', name: cursorOf(parts.source, parts.lane), value: done + 1 }],
  });
  desk.saved = done;
}

async function fail(one: Waiting, error: unknown, desk: Desk): Promise<void> {
  const { parts, queue } = desk;
  const known = error instanceof TocsinError ? error : null;
  const facts = { reason: messageOf(error), telling: one.telling.key, failures: one.failures };
  parts.log[known === null ? 'error' : 'warn'](facts, 'an origin was not told');
  if (known?.code === 'origin-refused' || parts.clock.now() - one.since > giveUp) {
    const recorded = await record(one, false, messageOf(error), desk).then(
      () => true,
      // Then it is tried again as a whole.
      () => false,
    );
    if (recorded) {
      count(one, 'refused', desk);
      return drop(one, desk);
    }
  }
  count(one, 'failed', desk);
  desk.trouble = messageOf(error);
  queue.postpone(one, known?.retryAfter ?? 0, known?.code === 'origin-limited');
}
