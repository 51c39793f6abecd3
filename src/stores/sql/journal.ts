import { sha256 } from '../../kernel/canonical.ts';
import { TocsinError } from '../../kernel/errors.ts';
import { type Entry, parseEntry } from '../../model/journal.ts';
import type { JournalRow, Store } from '../../ports/store.ts';
import type { Bases } from './bases.ts';
import { explainParse, readDoc } from './docs.ts';
import { joinedEntry, type PackedColumns, readBlob, readText } from './packed.ts';
import type { Sql } from './query.ts';
import { limitOf, optional, parseAll } from './reads.ts';
import { fromColumn, toColumn } from './text.ts';

type Reads = Pick<
  Store,
  'journal' | 'journalRows' | 'stream' | 'head' | 'blob' | 'cursor' | 'memo' | 'halted' | 'output'
>;

export function createJournalReads(sql: Sql, bases: Bases): Reads {
  const { tables } = sql;
  const entries = tables
    .selectFrom('journal')
    .select(['seq', 'stream', 'pos', 'kind', 'bytes as text', 'codec', 'size', 'packed', 'prev', 'hash']);
  const after = sql.read<{ after: number; limit: number }>()(v =>
    entries.where('seq', '>', v.after).orderBy('seq').limit(v.limit),
  );
  const ofKinds = sql.read<{ after: number; limit: number; kinds: string }>()(v =>
    entries.where('seq', '>', v.after).where('kind', 'in', sql.words(v.kinds)).orderBy('seq').limit(v.limit),
  );
  const ofStream = sql.read<{ stream: string }>()(v => entries.where('stream', '=', v.stream).orderBy('seq'));
  const head = sql.read()(() => tables.selectFrom('head').select(['seq', 'hash']));
  const blob = sql.read<{ digest: string }>()(v =>
    tables
      .selectFrom('blob')
      .leftJoin('journal as entry', 'entry.seq', 'blob.base')
      .select(['blob.bytes', 'blob.codec', 'blob.size', 'base', ...joinedEntry])
      .where('digest', '=', v.digest),
  );
  const rest = createSmallReads(sql);

  return {
    ...rest,
    async journal(query) {
      const place = { after: query.after, limit: limitOf(query.limit) };
      const rows = await (query.kinds === undefined
        ? after.all(place)
        : ofKinds.all({ ...place, kinds: JSON.stringify(query.kinds) }));
      return await parseAll(rows, toEntry);
    },
    async journalRows(query): Promise<JournalRow[]> {
      const rows = await after.all({ after: query.after, limit: limitOf(query.limit) });
      // Exports have had this order of the keys from the first build on.
      return rows.map(({ seq, kind, prev, hash, stream, pos, ...row }) => {
        return { seq, kind, bytes: readEvidence(row), prev, hash, stream: fromColumn(stream), position: pos };
      });
    },
    async stream(name) {
      return await parseAll(await ofStream.all({ stream: toColumn(name) }), toEntry);
    },
    async head() {
      const row = await head.first({});
      if (row === undefined) throw new TocsinError('journal-broken', { message: 'The head row is gone.' });
      return row;
    },
    async blob(digest) {
      const row = await blob.first({ digest });
      if (row === undefined) return null;
      const bytes = readBlob(row, bases, `blob ${digest}`);
      const found = sha256(bytes);
      if (found !== digest)
        throw new TocsinError('journal-broken', { at: `blob ${digest}`, given: `bytes of ${found}` });
      return bytes;
    },
  };
}

function createSmallReads(sql: Sql): Pick<Store, 'cursor' | 'memo' | 'halted' | 'output'> {
  const { tables } = sql;
  const cursor = sql.read<{ name: string }>()(v =>
    tables.selectFrom('cursor').select('value').where('name', '=', v.name),
  );
  const memo = sql.read<{ name: string }>()(v => tables.selectFrom('memo').select('value').where('name', '=', v.name));
  const halted = sql.read()(() => tables.selectFrom('halt').select('doc'));
  const output = sql.readFiltered<{ run: string; step: string; after: number; limit: number }>()((v, has) => {
    const query = tables
      .selectFrom('output')
      .select(['doc as text', 'codec', 'size', 'packed'])
      .where('run', '=', v.run)
      .where('seq', '>', v.after);
    return (has('step') ? query.where('step', '=', v.step) : query).orderBy('seq').limit(v.limit);
  });
  return {
    async cursor(name) {
      return (await cursor.first({ name: toColumn(name) }))?.value ?? 0;
    },
    async memo(name) {
      const row = await memo.first({ name: toColumn(name) });
      return row === undefined ? null : fromColumn(row.value);
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
      return (await output(values)).map(row => readDoc('output', { doc: readText(row, 'table output') }));
    },
  };
}

type EntryRow = PackedColumns & { text: string; seq: number; prev: string; hash: string };

function toEntry(row: EntryRow): Entry {
  const { seq, prev, hash } = row;
  try {
    return parseEntry({ seq, bytes: readText(row, `entry ${seq}`), prev, hash });
  } catch (error) {
    throw new TocsinError('journal-broken', {
      message: 'A journal entry does not parse.',
      at: `entry ${seq}`,
      given: explainParse(error),
      cause: error,
    });
  }
}

/** The text of an entry for who verifies or exports it: empty, which has no entry's hash, when it cannot be unpacked. */
function readEvidence(row: PackedColumns & { text: string }): string {
  try {
    return readText(row, 'journal');
  } catch {
    return '';
  }
}
