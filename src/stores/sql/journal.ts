import { sha256 } from '../../kernel/canonical.ts';
import { TocsinError } from '../../kernel/errors.ts';
import { type Entry, parseEntry } from '../../model/journal.ts';
import type { JournalRow, Store } from '../../ports/store.ts';
import { explainParse, readDoc } from './docs.ts';
import type { Sql } from './query.ts';
import { limitOf, optional } from './reads.ts';
import { fromColumn, toColumn } from './text.ts';

type Reads = Pick<Store, 'journal' | 'journalRows' | 'stream' | 'head' | 'blob' | 'cursor' | 'halted' | 'output'>;

export function createJournalReads(sql: Sql): Reads {
  const { tables } = sql;
  const after = sql.read<{ after: number; limit: number }>()(v =>
    tables.selectFrom('journal').selectAll().where('seq', '>', v.after).orderBy('seq').limit(v.limit),
  );
  const ofKinds = sql.read<{ after: number; limit: number; kinds: string }>()(v =>
    tables
      .selectFrom('journal')
      .selectAll()
      .where('seq', '>', v.after)
      .where('kind', 'in', sql.words(v.kinds))
      .orderBy('seq')
      .limit(v.limit),
  );
  const ofStream = sql.read<{ stream: string }>()(v =>
    tables.selectFrom('journal').selectAll().where('stream', '=', v.stream).orderBy('seq'),
  );
  const head = sql.read()(() => tables.selectFrom('head').select(['seq', 'hash']));
  const blob = sql.read<{ digest: string }>()(v =>
    tables.selectFrom('blob').select('bytes').where('digest', '=', v.digest),
  );
  const rest = createSmallReads(sql);

  return {
    ...rest,
    async journal(query) {
      const place = { after: query.after, limit: limitOf(query.limit) };
      const rows = await (query.kinds === undefined
        ? after.all(place)
        : ofKinds.all({ ...place, kinds: JSON.stringify(query.kinds) }));
      return rows.map(toEntry);
    },
    async journalRows(query): Promise<JournalRow[]> {
      const rows = await after.all({ after: query.after, limit: limitOf(query.limit) });
      return rows.map(({ pos, stream, ...row }) => ({ ...row, stream: fromColumn(stream), position: pos }));
    },
    async stream(name) {
      return (await ofStream.all({ stream: toColumn(name) })).map(toEntry);
    },
    async head() {
      const row = await head.first({});
      if (row === undefined) throw new TocsinError('journal-broken', { message: 'The head row is gone.' });
      return row;
    },
    async blob(digest) {
      const row = await blob.first({ digest });
      if (row === undefined) return null;
      const found = sha256(row.bytes);
      if (found !== digest)
        throw new TocsinError('journal-broken', { at: `blob ${digest}`, given: `bytes of ${found}` });
      return row.bytes;
    },
  };
}

function createSmallReads(sql: Sql): Pick<Store, 'cursor' | 'halted' | 'output'> {
  const { tables } = sql;
  const cursor = sql.read<{ name: string }>()(v =>
    tables.selectFrom('cursor').select('value').where('name', '=', v.name),
  );
  const halted = sql.read()(() => tables.selectFrom('halt').select('doc'));
  const output = sql.readFiltered<{ run: string; step: string; after: number; limit: number }>()((v, has) => {
    const query = tables.selectFrom('output').select('doc').where('run', '=', v.run).where('seq', '>', v.after);
    return (has('step') ? query.where('step', '=', v.step) : query).orderBy('seq').limit(v.limit);
  });
  return {
    async cursor(name) {
      return (await cursor.first({ name: toColumn(name) }))?.value ?? 0;
    },
    async halted() {
      const row = await halted.first({});
      return row === undefined ? null : readDoc('halt', row);
    },
    async output(query) {
      const values = {
        run: toColumn(query.run),
        step: optional(query.step),
        after: query.after,
        limit: limitOf(query.limit),
      };
      return (await output(values)).map(row => readDoc('output', row));
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
