import { isCode, messageOf } from '../../kernel/errors.ts';
import { entryHash, genesis } from '../../model/journal.ts';
import type { Store } from '../../ports/store.ts';

/** Verifies the journal as it grows: each entry once in the life of the process. */
export interface JournalWatch {
  /** Checks the entries since the last call, 5,000 at most. `checked` is the sequence up to which everything is verified. */
  state(): Promise<{ ok: boolean; head: number; checked: number; because: string | null }>;
}

/** The most entries that one call checks: every scrape of /metrics is a call. */
const most = 5000;

export function createJournalWatch(store: Pick<Store, 'journalRows' | 'head'>): JournalWatch {
  let checked = 0;
  let hash = genesis;
  let broken: string | null = null;
  let running: Promise<void> | null = null;

  async function go() {
    for (let done = 0; broken === null && done < most; ) {
      // As rows: to parse them takes three times as long as to verify them, and the hash covers the text.
      const entries = await store.journalRows({ after: checked, limit: 500 });
      for (const entry of entries) {
        if (
          entry.seq !== checked + 1 ||
          entry.prev !== hash ||
          entryHash(entry.prev, entry.seq, entry.bytes) !== entry.hash
        ) {
          broken = `entry ${entry.seq} does not follow from entry ${checked}`;
          return;
        }
        checked = entry.seq;
        hash = entry.hash;
      }
      if (entries.length === 0) return;
      done += entries.length;
    }
  }

  return {
    async state() {
      running ??= go()
        .catch(error => {
          // A database that does not answer says nothing about the journal: the next call goes on where this one stopped.
          if (isCode(error, 'store-failed')) throw error;
          broken = `entry ${checked + 1} cannot be read: ${messageOf(error)}`;
        })
        .finally(() => {
          running = null;
        });
      await running;
      const head = await store.head();
      return { ok: broken === null, head: head.seq, checked, because: broken };
    },
  };
}
