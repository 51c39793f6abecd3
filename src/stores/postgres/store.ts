import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { isCode } from '../../kernel/errors.ts';
import type { Store } from '../../ports/store.ts';
import { createBases } from '../sql/bases.ts';
import { createDeliveryReads } from '../sql/deliveries.ts';
import { createJournalReads } from '../sql/journal.ts';
import { createPostReads } from '../sql/posts.ts';
import type { Sql } from '../sql/query.ts';
import {
  createAlertReads,
  createApprovalReads,
  createDocumentReads,
  createLetterReads,
  createRunReads,
} from '../sql/reads.ts';
import { createTallyReads } from '../sql/records.ts';
import { createSearches } from '../sql/searches.ts';
import { toColumn } from '../sql/text.ts';
import { createChanges, type Member } from './change.ts';
import { createLeases } from './leases.ts';
import type { Listening } from './listen.ts';
import type { Reads } from './reads.ts';
import type { Writer } from './writer.ts';

/** A server that takes longer than this for a trivial write counts as unhealthy, milliseconds. */
const healthyWithin = 5000;

/** The store over connections to a migrated database. It owns the connections and closes them. */
export function createStore(parts: { writer: Writer; reads: Reads; listening: Listening }): Store {
  const { writer, reads, listening } = parts;
  const bases = createBases();
  const prepareChange = createChanges(bases);
  return {
    id: 'postgres',
    async commit(change) {
      const prepared = prepareChange(change);
      return prepared.keep(await writer.write(prepared));
    },
    ...createLeases(writer),
    holders: createHolders(reads.sql),
    ...createAlertReads(reads.sql, bases),
    ...createSearches(reads.sql, bases),
    ...createRunReads(reads.sql),
    ...createApprovalReads(reads.sql),
    ...createDeliveryReads(reads.sql),
    ...createLetterReads(reads.sql),
    ...createDocumentReads(reads.sql),
    ...createPostReads(reads.sql, bases),
    ...createJournalReads(reads.sql, bases),
    ...createTallyReads(reads.sql),
    claimed: createClaimed(reads.sql),
    onAppend: listener => listening.listen(listener),
    async healthy() {
      const late = new AbortController();
      const written = writer.write(probe).then(
        () => true,
        error => {
          if (isCode(error, 'store-failed')) return false;
          throw error;
        },
      );
      const waited = sleep(healthyWithin, false, { signal: late.signal, ref: false }).catch(() => false);
      return await Promise.race([written, waited]).finally(() => late.abort());
    },
    async close() {
      await listening.close();
      await writer.close();
      await reads.close();
    },
  };
}

/** A trivial write on the same path as every change, with the lock of the head row. */
export const probe: Member<void> = {
  size: 16,
  need() {},
  decide(view, batch) {
    batch.also({ name: 'probe', text: 'update probe set at = $1', values: [view.now] });
  },
};

function createHolders({ tables, read, words }: Sql): Store['holders'] {
  const held = read<{ names: string }>()(v =>
    tables
      .selectFrom('lease')
      .select(['name', 'holder'])
      .where('name', 'in', words(v.names))
      .where('until', '>', sql<number>`tocsin_now()`),
  );
  return async names => {
    const rows = await held.all({ names: JSON.stringify(names.map(toColumn)) });
    return rows.flatMap(({ name, holder }) => (holder === null ? [] : [{ name, holder }]));
  };
}

function createClaimed({ tables, read }: Sql): Store['claimed'] {
  const find = read<{ space: string; key: string }>()(v =>
    tables
      .selectFrom('claim')
      .select('at')
      .where('space', '=', v.space)
      .where('key', '=', v.key)
      .where(e => e.or([e('until', 'is', null), e('until', '>', sql<number>`tocsin_now()`)])),
  );
  return async claim => (await find.first({ space: toColumn(claim.space), key: toColumn(claim.key) })) !== undefined;
}
