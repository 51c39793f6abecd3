/** The journal as all of flow reads and writes it: commits, streams, followers and cursors, audit, figures, wake-ups. */

import type { Log } from '../../kernel/log.ts';
import type { Entry, FactKind } from '../../model/journal.ts';
import type { Change, Committed, Store } from '../../ports/store.ts';
import { createOnceLogger } from './log-once.ts';
import type { RecentDocs } from './recent-docs.ts';

/**
 * The journal as it grows. Everything that reacts to what happened follows it with a cursor: the pipeline from event to decision, the
 * threads. Entries that this process committed come from memory; whatever was missed is read from the store.
 */
export interface Feed {
  /** Commits, and tells the followers. Errors are the store's. */
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
  /** Only entries of these kinds are handed over; of others nothing is even read. All, when left out. */
  kinds?: readonly FactKind[];
  /** The most entries in one batch. */
  batch: number;
  /**
   * After a batch of at least so many entries, and fewer than the most, this many milliseconds pass before the next: under load what
   * changes again and again is looked at less often. Left out, the next batch follows at once.
   */
  rest?: { after: number; ms: number };
  /** `upTo` is where it stands afterwards: later than the last entry when others follow that are not wanted. Then there may be none at all. */
  handle(entries: readonly Entry[], upTo: number): Promise<void>;
}

export interface Following {
  /** Resolves when all that was committed before the call has been handled. */
  caughtUp(): Promise<void>;
  stop(): Promise<void>;
}

/** How many of the newest entries stay in memory, so that followers that keep up never read. */
const kept = 2048;

export function createFeed(parts: {
  store: Store;
  log: Log;
  sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** What views are given without a look into the store; it hears of a commit before the followers do. */
  recent?: RecentDocs | undefined;
  /** Told of each change that this process committed. */
  committed?: (change: Change) => void;
}): Feed {
  const { store } = parts;
  const recent: Entry[] = [];
  const listeners = new Set<(seq: number) => void>();
  const followings = new Set<Following>();
  let newest = 0;

  function publish(entries: readonly Entry[]) {
    for (const entry of entries) {
      // What is in memory has no holes: after one (another process appended, or news overtook older news) followers read the store.
      const last = recent.at(-1);
      if (last !== undefined && entry.seq !== last.seq + 1) recent.length = 0;
      recent.push(entry);
      newest = Math.max(newest, entry.seq);
    }
    if (recent.length > kept * 2) recent.splice(0, recent.length - kept);
    for (const listener of listeners) listener(newest);
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
    // Who has heard of everything asks for nothing; news of more wakes it. Before the first news nobody knows.
    if (newest > 0 && after >= newest) return { entries: [], upTo: after };
    // Everything up to here was committed before the question, so what does not come is not there.
    const known = newest;
    const entries = await store.journal({ after, limit, ...(kinds !== undefined && { kinds }) });
    const reached = entries.at(-1)?.seq ?? after;
    return { entries, upTo: kinds !== undefined && entries.length < limit ? Math.max(known, reached) : reached };
  }

  // Other processes append too: their entries are read from the store.
  const deafen = store.onAppend?.(news => {
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
      deafen?.();
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
  /** Up to this sequence there is nothing else. */
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
  const teller = createOnceLogger(parts.log, { follower: follower.name }, again);
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

  /** Whoever waits for this follower, or stops it, is not kept waiting. */
  async function rest(taken: number) {
    // Whoever is behind does not rest.
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
        teller.well();
        waiters = waiters.filter(waiter => waiter.seq > cursor || waiter.resolve());
        if (!moved && !dirty && !stopped) {
          await new Promise<void>(resolve => {
            wake = resolve;
          });
          wake = null;
        }
        // Requests that arrived meanwhile go first: what follows the journal may lag, the door may not.
        await new Promise(resolve => setImmediate(resolve));
        await rest(taken);
      } catch (error) {
        failures++;
        teller.failed(error, { after: cursor });
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
      const mine = new AbortController();
      end = mine;
      await sleep(ms, mine.signal).catch(error => {
        if (!mine.signal.aborted) throw error;
      });
      end = null;
    },
    end: () => end?.abort(),
  };
}
