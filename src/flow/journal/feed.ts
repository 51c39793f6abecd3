/** The journal as all of flow reads and writes it: commits, streams, followers and cursors, audit, figures, wake-ups. */

import type { Log } from '../../kernel/log.ts';
import type { Entry, FactKind } from '../../model/journal.ts';
import type { Change, Committed, Store } from '../../ports/store.ts';
import { createOnceLogger } from './log-once.ts';
import type { RecentDocs } from './recent-docs.ts';

/**
 * The journal as a feed. Everything that reacts to entries follows it with a cursor: the pipeline from event to decision, the threads.
 * Entries that this process committed come from memory; missed ones are read from the store.
 */
export interface Feed {
  /** Commits, and notifies the followers. Rejects with the store's errors. */
  commit(change: Change): Promise<Committed>;
  /**
   * Calls `handle` with batches of entries in order, starting after `after`, until stopped. A handler that throws is called again with
   * the same batch after a pause that grows to 10 s, so nothing is skipped; the handler keeps its own cursor durable.
   */
  follow(follower: Follower): Following;
  /** Called after each commit with the newest sequence that is known. */
  onCommit(listener: (seq: number) => void): () => void;
  close(): Promise<void>;
}

export interface Follower {
  name: string;
  after: number;
  /** The kinds of entries that are handled; others are not even read. All kinds when left out. */
  kinds?: readonly FactKind[];
  /** The most entries in one batch. */
  batch: number;
  /**
   * Coalescing under load: after a batch of at least `after` entries, and fewer than `batch`, `ms` milliseconds pass before the next, so
   * that what changes often is handled less often. Without it the next batch follows at once.
   */
  rest?: { after: number; ms: number };
  /** `upTo` is the cursor afterwards. It is later than the last entry when unwanted kinds follow; `entries` may then be empty. */
  handle(entries: readonly Entry[], upTo: number): Promise<void>;
}

export interface Following {
  /** Resolves when all that was committed before the call has been handled. */
  caughtUp(): Promise<void>;
  stop(): Promise<void>;
}

/** How many of the newest entries stay in memory, so that followers that keep up read nothing from the store. */
const kept = 2048;
/** The most characters of text that these entries may have together: a storm of long ones would stay in memory for ever. */
const keptText = 2 * 1024 * 1024;

export function createFeed(parts: {
  store: Store;
  log: Log;
  sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** The cache of documents for views; it is updated before the followers are notified. */
  recent?: RecentDocs | undefined;
  /** Called with each change that this process committed. */
  committed?: (change: Change) => void;
}): Feed {
  const { store } = parts;
  const recent: Entry[] = [];
  const listeners = new Set<(seq: number) => void>();
  const followings = new Set<Following>();
  let newest = 0;
  let text = 0;

  function publish(entries: readonly Entry[]) {
    for (const entry of entries) {
      // Entries in memory are contiguous: after a gap (another process appended, or commits arrive out of order) followers read the store.
      const last = recent.at(-1);
      if (last !== undefined && entry.seq !== last.seq + 1) forget(recent.length);
      recent.push(entry);
      text += entry.bytes.length;
      newest = Math.max(newest, entry.seq);
    }
    if (recent.length > kept * 2) forget(recent.length - kept);
    if (text > keptText * 2) forget(recent.length - newestWithin(keptText));
    for (const listener of listeners) listener(newest);
  }

  function forget(count: number) {
    for (const entry of recent.splice(0, count)) text -= entry.bytes.length;
  }

  function newestWithin(most: number): number {
    let sum = 0;
    for (let count = 0; count < recent.length; count++) {
      sum += recent.at(-1 - count)?.bytes.length ?? 0;
      if (sum > most) return count;
    }
    return recent.length;
  }

  async function read({ after, limit, kinds }: Wanted): Promise<Found> {
    const first = recent[0];
    const inMemory =
      first === undefined || first.seq > after + 1
        ? []
        : recent.slice(after + 1 - first.seq, after + 1 - first.seq + limit);
    const last = inMemory.at(-1);
    if (last !== undefined) {
      const entries = kinds === undefined ? inMemory : inMemory.filter(entry => kinds.includes(entry.fact.kind));
      return { entries, upTo: last.seq };
    }
    // A follower that has the newest entry reads nothing; the next append wakes it. Before the first append the newest is not known.
    if (newest > 0 && after >= newest) return { entries: [], upTo: after };
    // Everything up to `known` was committed before this read, so an entry that does not come does not exist.
    const known = newest;
    const entries = await store.journal({ after, limit, ...(kinds !== undefined && { kinds }) });
    const reached = entries.at(-1)?.seq ?? after;
    return { entries, upTo: kinds !== undefined && entries.length < limit ? Math.max(known, reached) : reached };
  }

  // Other processes append too: their entries are read from the store.
  const unsubscribe = store.onAppend?.(news => {
    newest = Math.max(newest, news.seq);
    for (const listener of listeners) listener(newest);
  });

  return {
    async commit(change) {
      const end = parts.recent?.begin(change);
      const committed = await store.commit(change).catch(error => {
        end?.(false);
        throw error;
      });
      end?.(true);
      parts.committed?.(change);
      publish(committed.entries);
      return committed;
    },
    follow(follower) {
      const following = startFollowing(follower, {
        read,
        log: parts.log,
        sleep: parts.sleep,
        newest: () => newest,
        listeners,
      });
      followings.add(following);
      return following;
    },
    onCommit(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      unsubscribe?.();
      await Promise.all([...followings].map(following => following.stop()));
    },
  };
}

interface Wanted {
  after: number;
  limit: number;
  kinds: readonly FactKind[] | undefined;
}

interface Found {
  entries: readonly Entry[];
  /** There are no other wanted entries up to this sequence. */
  upTo: number;
}

interface FollowParts {
  read(wanted: Wanted): Promise<Found>;
  log: Log;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  newest(): number;
  listeners: Set<(seq: number) => void>;
}

function startFollowing(follower: Follower, parts: FollowParts): Following {
  let cursor = follower.after;
  let stopped = false;
  let wake: (() => void) | null = null;
  let waiters: { seq: number; resolve: () => void }[] = [];
  let dirty = false;
  const failing = createPause(parts.sleep);
  const again = 'a follower of the journal failed and will try again';
  const onceLogger = createOnceLogger(parts.log, { follower: follower.name }, again);
  const resting = createPause(parts.sleep);
  const listener = () => {
    dirty = true;
    wake?.();
  };
  parts.listeners.add(listener);

  async function turn(): Promise<{ taken: number; moved: boolean }> {
    const { entries, upTo } = await parts.read({ after: cursor, limit: follower.batch, kinds: follower.kinds });
    const moved = upTo > cursor;
    if (moved) await follower.handle(entries, upTo);
    cursor = Math.max(cursor, upTo);
    return { taken: entries.length, moved };
  }

  /** Left out while somebody waits for this follower, or stops it. */
  async function rest(taken: number) {
    // A follower that is behind does not rest.
    const isLate = taken >= follower.batch;
    if (follower.rest === undefined || taken < follower.rest.after || isLate || waiters.length > 0 || stopped) return;
    await resting.take(follower.rest.ms);
  }

  async function loop() {
    let failures = 0;
    while (!stopped) {
      try {
        dirty = false;
        const { taken, moved } = await turn();
        failures = 0;
        onceLogger.well();
        waiters = waiters.filter(waiter => waiter.seq > cursor || waiter.resolve());
        if (!moved && !dirty && !stopped) {
          await new Promise<void>(resolve => {
            wake = resolve;
          });
          wake = null;
        }
        // Requests that arrived meanwhile go first: a follower may lag, the door may not.
        await new Promise(resolve => setImmediate(resolve));
        await rest(taken);
      } catch (error) {
        failures++;
        onceLogger.failed(error, { after: cursor });
        if (!stopped) await failing.take(Math.min(10_000, 100 * 2 ** failures));
      }
    }
  }

  const ended = loop();
  return {
    caughtUp() {
      const seq = parts.newest();
      if (cursor >= seq) return Promise.resolve();
      const caughtUp = new Promise<void>(resolve => waiters.push({ seq, resolve }));
      resting.end();
      return caughtUp;
    },
    async stop() {
      stopped = true;
      failing.end();
      resting.end();
      parts.listeners.delete(listener);
      wake?.();
      await ended;
    },
  };
}

/** A pause that can be ended early. */
function createPause(sleep: FollowParts['sleep']) {
  let end: AbortController | null = null;
  return {
    async take(ms: number): Promise<void> {
      const controller = new AbortController();
      end = controller;
      await sleep(ms, controller.signal).catch(error => {
        if (!controller.signal.aborted) throw error;
      });
      end = null;
    },
    end: () => end?.abort(),
  };
}
