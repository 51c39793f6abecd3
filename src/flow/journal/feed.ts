/** The journal as all of flow reads and writes it: commits, streams, followers and cursors, audit, figures, wake-ups. */

import type { Log } from '../../kernel/log.ts';
import type { Entry } from '../../model/journal.ts';
import type { Change, Committed, Store } from '../../ports/store.ts';
import {
  type Follow,
  type Follower,
  type Following,
  type Found,
  type News,
  startFollowing,
  type Wanted,
} from './following.ts';
import type { RecentDocs } from './recent-docs.ts';
import { createWindow, kept } from './window.ts';

export type { Follower, Following } from './following.ts';

/**
 * The journal as a feed. Everything that reacts to entries follows it with a cursor: the pipeline from event to decision, the threads.
 * Entries that this process committed come from memory; those of others are read from the store, once for all followers of all kinds. One
 * that wants few kinds is not even woken by what holds none of them.
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
  const window = createWindow(query => store.journal(query));
  const listeners = new Set<(seq: number) => void>();
  const followings = new Set<Follow>();
  let newest = 0;

  function hear(news: News) {
    newest = Math.max(newest, news.last);
    for (const following of followings) following.hear(news);
    for (const listener of listeners) listener(newest);
  }

  function publish(entries: readonly Entry[]) {
    window.add(entries);
    const [first, last] = [entries[0]?.seq ?? 0, entries.at(-1)?.seq ?? 0];
    // With one process, a commit that is not told is looked for at the next one; with several, others tell what lies before.
    const isWhole = last - first === entries.length - 1 && entries.length > 0;
    hear({ first, last, kinds: isWhole ? kindsOf(entries) : null, inOrder: store.onAppend !== undefined });
  }

  /** What all followers have handled: an entry that lives on costs more in each collection of garbage than one that is read again. */
  function forgetHandled() {
    let handled = Number.POSITIVE_INFINITY;
    for (const following of followings) handled = Math.min(handled, following.cursor());
    if (Number.isFinite(handled)) window.forgetBefore(handled + 1);
  }

  async function read({ after, limit, kinds }: Wanted): Promise<Found> {
    const isWanted = (entry: Entry) => kinds === undefined || kinds.includes(entry.fact.kind);
    for (;;) {
      const inMemory = window.from(after, limit);
      const last = inMemory.at(-1);
      if (last !== undefined) return { entries: inMemory.filter(isWanted), upTo: last.seq };
      // A follower that has the newest entry reads nothing; the next append wakes it. Before the first append the newest is not known.
      if (newest > 0 && after >= newest) return { entries: [], upTo: after };
      // One that wants few kinds reads those alone; so does one that is far behind, or comes to what was forgotten already.
      if (kinds !== undefined || newest - after > kept || newest === 0 || !(await window.fill(after))) break;
    }
    // Everything up to `known` was committed before this read, so an entry that does not come does not exist.
    const known = newest;
    const entries = await store.journal({ after, limit, ...(kinds !== undefined && { kinds }) });
    const reached = entries.at(-1)?.seq ?? after;
    return { entries, upTo: kinds !== undefined && entries.length < limit ? Math.max(known, reached) : reached };
  }

  // Other processes append too: their entries are read from the store.
  const unsubscribe = store.onAppend?.(({ seq, first, kinds }) =>
    hear({ first: first ?? seq, last: seq, kinds: first === undefined ? null : (kinds ?? null), inOrder: true }),
  );

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
        handled: forgetHandled,
        log: parts.log,
        sleep: parts.sleep,
        newest: () => newest,
      });
      followings.add(following);
      return {
        caughtUp: following.caughtUp,
        stop() {
          followings.delete(following);
          return following.stop();
        },
      };
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

function kindsOf(entries: readonly Entry[]): string[] {
  return [...new Set(entries.map(entry => entry.fact.kind))];
}
