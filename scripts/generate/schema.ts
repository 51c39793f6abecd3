import { DatabaseSync } from 'node:sqlite';
import { migrate, migrations } from '../../src/stores/sqlite/migrations.ts';

/** docs/schema.sql: what all migrations of the sqlite store together make. */
export default function generateSchema(): Record<string, string> {
  const db = new DatabaseSync(':memory:');
  migrate(db, 0);
  const objects = db
    .prepare(`select sql from sqlite_schema where sql is not null order by tbl_name, type desc, name`)
    .all()
    .map(row => `${row['sql']};`);
  db.close();
  const text = [
    '-- The tables of the sqlite store, generated from src/stores/sqlite/migrations.ts.',
    '-- `doc` columns are JSON text and the truth of their row; the columns beside them are copies for look-ups.',
    ...migrations.map(
      ({ number, name, breaks }) => `-- ${number}: ${name}${breaks ? ' (older processes refuse it)' : ''}`,
    ),
    '',
    ...objects,
    '',
  ].join('\n');
  return { 'docs/schema.sql': text };
}
