import type { DatabaseSync } from 'node:sqlite';
import { isCode } from '../../kernel/errors.ts';
import type { Store } from '../../ports/store.ts';
import { createBases } from '../sql/bases.ts';
import { createDeliveryReads } from '../sql/deliveries.ts';
import { createJournalReads } from '../sql/journal.ts';
import { createPostReads } from '../sql/posts.ts';
import {
  createAlertReads,
  createApprovalReads,
  createDocumentReads,
  createLetterReads,
  createRunReads,
} from '../sql/reads.ts';
import { createTallyReads } from '../sql/records.ts';
import { createSearches } from '../sql/searches.ts';
import { createApply } from './apply.ts';
import { createGuards } from './guards.ts';
import { createLeases, prepareLeases } from './leases.ts';
import { createLogSync } from './log-sync.ts';
import { createReadSql, prepare, tables } from './query.ts';
import { createWriter } from './writer.ts';

/** The store over a database that is open, locked and migrated. It owns the connection and closes it. */
export function createStore(db: DatabaseSync, now: () => number, onDamage: (error: Error) => void = () => {}): Store {
  const writer = createWriter(db, createLogSync(`${db.location()}-wal`), onDamage);
  const leases = prepareLeases(db, now);
  const guards = createGuards(db, leases, now);
  const bases = createBases();
  const prepareChange = createApply(db, guards, now, bases);
  const reads = createReadSql(db);
  const probe = prepare<{ at: number }>(db)(v => tables.updateTable('probe').set({ at: v.at }));
  return {
    id: 'sqlite',
    async commit(change) {
      const { work, size, keep } = prepareChange(change);
      return keep(await writer.write(work, size));
    },
    ...createLeases(db, writer, leases, now),
    ...createAlertReads(reads, bases),
    ...createSearches(reads, bases),
    ...createRunReads(reads),
    ...createApprovalReads(reads),
    ...createDeliveryReads(reads),
    ...createLetterReads(reads),
    ...createDocumentReads(reads),
    ...createPostReads(reads, bases),
    ...createJournalReads(reads, bases),
    ...createTallyReads(reads),
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
      const told = writer.close();
      if (db.isOpen) db.close();
      await told;
    },
  };
}
