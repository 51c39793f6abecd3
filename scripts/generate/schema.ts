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
    ...migrations.map(describe),
    '',
    ...objects,
    '',
  ].join('\n');
}
