import { DatabaseSync } from 'node:sqlite';
import { migrations as ofPostgres } from '../../src/stores/postgres/migrations.ts';
import type { Migration } from '../../src/stores/sql/migration.ts';
import { migrate, migrations } from '../../src/stores/sqlite/migrations.ts';

/** docs/schema.sql: the result of all migrations of the SQLite store. docs/schema-postgres.sql: the migrations of the PostgreSQL store. */
export default function generateSchema(): Record<string, string> {
  return { 'docs/schema.sql': sqliteSchema(), 'docs/schema-postgres.sql': postgresSchema() };
}

function postgresSchema(): string {
  return [
    '-- The tables of the postgres store, generated from src/stores/postgres/migrations.ts, in the order in which they were added.',
    '-- `doc` columns are JSON text and the truth of their row; the columns beside them are copies for look-ups.',
    '-- A long text is empty in its own column, and packed in `packed` (a body: in `bytes`). `codec` says how: 0 plain, 1 zstd, 2 what it does',
    '-- not share with the text of journal entry `base` (src/stores/sql/delta.ts). `size` is its bytes before that. Hashes are over the text.',
    ...ofPostgres.flatMap(migration => ['', describe(migration), migration.up.trim()]),
    '',
  ].join('\n');
}

function describe({ number, name, breaks }: Migration): string {
  return `-- ${number}: ${name}${breaks ? ' (older processes refuse it)' : ''}`;
}

function sqliteSchema(): string {
  const db = new DatabaseSync(':memory:');
  migrate(db, 0);
  const objects = db
    .prepare(`select sql from sqlite_schema where sql is not null order by tbl_name, type desc, name`)
    .all()
    .map(row => `${row['sql']};`);
  db.close();
  return [
    '-- The tables of the sqlite store, generated from src/stores/sqlite/migrations.ts.',
    '-- `doc` columns are JSON text and the truth of their row; the columns beside them are copies for look-ups.',
    '-- A long text is empty in its own column, and packed in `packed` (a body: in `bytes`). `codec` says how: 0 plain, 1 zstd, 2 what it does',
    '-- not share with the text of journal entry `base` (src/stores/sql/delta.ts). `size` is its bytes before that. Hashes are over the text.',
    ...migrations.map(describe),
    '',
    ...objects,
    '',
  ].join('\n');
}
