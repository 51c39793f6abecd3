import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';

/** A column of a row that Tocsin wrote for an event: its value there, and whether each row has one of its own. */
export interface Column {
  name: string;
  /** Bytes stand as base64. */
  value: { type: 'null' } | { type: 'number'; number: number } | { type: 'text' | 'bytes'; text: string };
  unique: boolean;
}

/** The rows of one table that each event adds. */
export interface TableRows {
  table: string;
  rows: Column[][];
}

type Row = Record<string, unknown>;

/** Reads rows from the database of a Tocsin that has ended. */
interface Reader {
  tables: string[];
  count(table: string): Promise<number>;
  /** Rows in the middle of the table, in the order in which they were written. */
  sample(table: string, from: number, count: number): Promise<Row[]>;
  /** The columns of each unique index. */
  uniques(table: string): Promise<string[][]>;
}

/** What each of `events` added to the tables: tables that grew by less than a row for each are left out. */
async function rowsOf(reader: Reader, events: number): Promise<TableRows[]> {
  const found: TableRows[] = [];
  for (const table of reader.tables) {
    const size = await reader.count(table);
    const each = Math.round(size / events);
    if (each === 0) continue;
    const rows = await reader.sample(table, Math.floor(size / 2), each);
    const uniques = await reader.uniques(table);
    found.push({ table, rows: rows.map(row => columnsOf(row, uniques)) });
  }
  return found;
}

function columnsOf(row: Row, uniques: readonly string[][]): Column[] {
  const own = new Set(uniques.map(names => ownColumn(row, names)));
  return Object.entries(row).map(([name, value]) => ({ name, unique: own.has(name), value: describe(value) }));
}

/** The column that tells the rows of an index apart: its longest one. */
function ownColumn(row: Row, names: readonly string[]): string {
  const length = (name: string) => (typeof row[name] === 'number' ? 0 : String(row[name]).length);
  return names.reduce((best, name) => (length(name) >= length(best) ? name : best));
}

function describe(value: unknown): Column['value'] {
  if (value === null || value === undefined) return { type: 'null' };
  if (value instanceof Uint8Array) return { type: 'bytes', text: Buffer.from(value).toString('base64') };
  return typeof value === 'number' ? { type: 'number', number: value } : { type: 'text', text: String(value) };
}

/** The rows in SQLite, and the statements that make the same tables. */
export async function sqliteRows(data: string, events: number): Promise<{ tables: TableRows[]; schema: string[] }> {
  const db = new DatabaseSync(join(data, 'tocsin.db'));
  const all = (statement: string) => db.prepare(statement).all() as Row[];
  const reader: Reader = {
    tables: all(`select name from sqlite_master where type = 'table' and name not like 'sqlite%'`).map(row =>
      String(row['name']),
    ),
    count: async table => Number(all(`select count(*) as n from ${table}`)[0]?.['n']),
    sample: async (table, from, count) => all(`select * from ${table} limit ${count} offset ${from}`),
    async uniques(table) {
      const indexes = all(`select name from pragma_index_list('${table}') where "unique" = 1`);
      const key = all(`select name from pragma_table_info('${table}') where pk > 0`);
      const columns = indexes.map(index => all(`select name from pragma_index_info('${index['name']}')`));
      return [key, ...columns].filter(rows => rows.length > 0).map(rows => rows.map(row => String(row['name'])));
    },
  };
  const tables = await rowsOf(reader, events);
  const names = tables.map(({ table }) => `'${table}'`).join();
  const schema = all(
    `select sql from sqlite_master where tbl_name in (${names}) and sql is not null order by rootpage`,
  );
  db.close();
  return { tables, schema: schema.map(row => String(row['sql'])) };
}

/** The rows in PostgreSQL. */
export async function postgresRows(database: string, events: number): Promise<TableRows[]> {
  // The driver gives bigint as text.
  const getTypeParser: typeof pg.types.getTypeParser = (oid: number, format?: 'text' | 'binary') =>
    oid === 20 ? Number : pg.types.getTypeParser(oid, format as 'text');
  const client = new pg.Client({ connectionString: database, types: { getTypeParser } });
  await client.connect();
  const all = async (statement: string): Promise<Row[]> => (await client.query(statement)).rows;
  try {
    const names = await all(`select tablename as name from pg_tables where schemaname = current_schema()`);
    const reader: Reader = {
      tables: names.map(row => String(row['name'])),
      count: async table => Number((await all(`select count(*) as n from ${table}`))[0]?.['n']),
      sample: (table, from, count) => all(`select * from ${table} order by ctid limit ${count} offset ${from}`),
      uniques: async table =>
        (
          await all(
            `select array_agg(a.attname::text order by a.attnum) as names from pg_index i
             join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)
             where i.indrelid = '${table}'::regclass and i.indisunique group by i.indexrelid`,
          )
        ).map(row => row['names'] as string[]),
    };
    return await rowsOf(reader, events);
  } finally {
    await client.end();
  }
}

/** Bytes of one event's rows, without what a database adds. */
export function bytesOf(tables: readonly TableRows[]): number {
  return tables
    .flatMap(({ rows }) => rows.flat())
    .reduce((sum, { value }) => sum + (value.type === 'number' ? 8 : value.type === 'null' ? 0 : sizeOf(value)), 0);
}

function sizeOf({ type, text }: { type: string; text: string }): number {
  return Buffer.byteLength(text, type === 'bytes' ? 'base64' : 'utf8');
}
