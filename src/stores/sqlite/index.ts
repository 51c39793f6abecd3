import type { DatabaseSync } from 'node:sqlite';
import { isCode } from '../../kernel/errors.ts';
import { defineStore, type Store, type StoreOptions } from '../../ports/store.ts';
import { createApply } from './apply.ts';
import { toStoreFailed } from './failure.ts';
import { createGuards } from './guards.ts';
import { createJournalReads } from './journal.ts';
import { createLeases, freeAllLeases } from './leases.ts';
import { migrate } from './migrations.ts';
import { openDatabase } from './open.ts';
import { createPostReads } from './posts.ts';
import { prepare, tables } from './query.ts';
import { createAlertReads, createApprovalReads, createRunReads } from './reads.ts';
import { createWriter } from './writer.ts';

export default defineStore({
  id: 'sqlite',
  about: 'Keeps everything in one SQLite file under the data folder; for one process, with nothing to install.',
  open: openStore,
});

async function openStore(options: StoreOptions): Promise<Store> {
  const db = await openDatabase(options.folder);
  try {
    migrate(db, options.now());
    freeAllLeases(db);
    return createStore(db, options.now);
  } catch (error) {
    db.close();
    throw toStoreFailed(error);
  }
}

function createStore(db: DatabaseSync, now: () => number): Store {
  const writer = createWriter(db);
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
