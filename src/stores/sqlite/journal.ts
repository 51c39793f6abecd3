import type { DatabaseSync } from 'node:sqlite';
import { sha256 } from '../../kernel/canonical.ts';
import { TocsinError } from '../../kernel/errors.ts';
import { type Entry, parseEntry } from '../../model/journal.ts';
import type { JournalRow, Store } from '../../ports/store.ts';
import { explainParse, readDoc } from '../sql/docs.ts';
import { fromColumn, toColumn } from '../sql/text.ts';
import { prepare, prepareFiltered, tables } from './query.ts';
import { limitOf, optional } from './reads.ts';

type Reads = Pick<Store, 'journal' | 'journalRows' | 'stream' | 'head' | 'blob' | 'cursor' | 'halted' | 'output'>;

export function createJournalReads(db: DatabaseSync): Reads {
  const after = prepare<{ after: number; limit: number }>(db)(v =>
    tables.selectFrom('journal').selectAll().where('seq', '>', v.after).orderBy('seq').limit(v.limit),
  );
  const ofStream = prepare<{ stream: string }>(db)(v =>
    tables.selectFrom('journal').selectAll().where('stream', '=', v.stream).orderBy('seq'),
  );
  const head = prepare(db)(() => tables.selectFrom('head').select(['seq', 'hash']));
  const blob = prepare<{ digest: string }>(db)(v =>
    tables.selectFrom('blob').select('bytes').where('digest', '=', v.digest),
  );
  const rest = createSmallReads(db);

  return {
    ...rest,
    async journal(query) {
      return after.all({ after: query.after, limit: limitOf(query.limit) }).map(toEntry);
    },
    async journalRows(query): Promise<JournalRow[]> {
      const rows = after.all({ after: query.after, limit: limitOf(query.limit) });
      return rows.map(({ pos, stream, ...row }) => ({ ...row, stream: fromColumn(stream), position: pos }));
    },
    async stream(name) {
      return ofStream.all({ stream: toColumn(name) }).map(toEntry);
    },
    async head() {
      const row = head.first({});
      if (row === undefined) throw new TocsinError('journal-broken', { message: 'The head row is gone.' });
      return row;
    },
    async blob(digest) {
      const row = blob.first({ digest });
      if (row === undefined) return null;
      const found = sha256(row.bytes);
      if (found !== digest)
        throw new TocsinError('journal-broken', { at: `blob ${digest}`, given: `bytes of ${found}` });
      return row.bytes;
    },
  };
}

function createSmallReads(db: DatabaseSync): Pick<Store, 'cursor' | 'halted' | 'output'> {
  const cursor = prepare<{ name: string }>(db)(v =>
    tables.selectFrom('cursor').select('value').where('name', '=', v.name),
  );
  const halted = prepare(db)(() => tables.selectFrom('halt').select('doc'));
  const output = prepareFiltered<{ run: string; step: string; after: number; limit: number }>(db)((v, has) => {
    const query = tables.selectFrom('output').select('doc').where('run', '=', v.run).where('seq', '>', v.after);
    return (has('step') ? query.where('step', '=', v.step) : query).orderBy('seq').limit(v.limit);
  });
  return {
    async cursor(name) {
      return cursor.first({ name: toColumn(name) })?.value ?? 0;
    },
    async halted() {
      const row = halted.first({});
      return row === undefined ? null : readDoc('halt', row);
    },
    async output(query) {
      const values = {
        run: toColumn(query.run),
        step: optional(query.step),
        after: query.after,
        limit: limitOf(query.limit),
      };
      return output(values).map(row => readDoc('output', row));
    },
  };
}

function toEntry(row: { seq: number; bytes: string; prev: string; hash: string }): Entry {
  try {
    return parseEntry(row);
  } catch (error) {
    throw new TocsinError('journal-broken', {
      message: 'A journal entry does not parse.',
      at: `entry ${row.seq}`,
      given: explainParse(error),
      cause: error,
    });
  }
}
