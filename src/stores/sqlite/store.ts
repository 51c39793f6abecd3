import type { DatabaseSync } from 'node:sqlite';
import { isCode } from '../../kernel/errors.ts';
import type { Store } from '../../ports/store.ts';
import { createApply } from './apply.ts';
import { createGuards } from './guards.ts';
import { createJournalReads } from './journal.ts';
import { createLeases } from './leases.ts';
import { createLogSync } from './log-sync.ts';
import { createPostReads } from './posts.ts';
import { prepare, tables } from './query.ts';
import { createAlertReads, createApprovalReads, createRunReads } from './reads.ts';
import { createWriter } from './writer.ts';

/** The store over a database that is open, locked and migrated. It owns the connection and closes it. */
export function createStore(db: DatabaseSync, now: () => number): Store {
  const writer = createWriter(db, createLogSync(`${db.location()}-wal`));
  const guards = createGuards(db, now);
  const prepareChange = createApply(db, guards, now);
  const probe = prepare<{ at: number }>(db)(v => tables.updateTable('probe').set({ at: v.at }));
  return {
    id: 'sqlite',
    async commit(change) {
      const { work, size } = prepareChange(change);
      return writer.write(work, size);
    },
    ...createLeases(db, writer, now),
    ...createAlertReads(db),
    ...createRunReads(db),
    ...createApprovalReads(db),
    ...createPostReads(db),
    ...createJournalReads(db),
    async claimed(claim) {
      return guards.claimed(claim);
    },
    async healthy() {
      try {
        await writer.write(() => probe.run({ at: now() }), 16);
        return true;
      } catch (error) {
        if (isCode(error, 'store-failed')) return false;
        throw error;
      }
    },
    async close() {
      writer.close();
      if (db.isOpen) db.close();
    },
  };
}
