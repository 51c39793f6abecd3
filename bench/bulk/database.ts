import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import sqlite from '../../src/stores/sqlite/index.ts';
import { grow, onceOf } from './grow.ts';
import type { Row, Specimen } from './specimen.ts';

/** What follows the journal and has done with all of it: the pipeline and the threads. */
const followers = ['road', 'threads'];

/** Writes a database with about so many entries into the folder, and all that belongs to them. Resolves to its last ids. */
export async function writeDatabase(
  folder: string,
  specimen: Specimen,
  entries: number,
): Promise<{ alert: string; run: string; head: number }> {
  await (await sqlite.open({ folder, url: null, now: Date.now })).close();
  const db = new DatabaseSync(join(folder, 'tocsin.db'));
  // Nothing of it must outlive a crash.
  db.exec('pragma journal_mode = memory; pragma synchronous = off; pragma cache_size = -4000000; begin');
  const inserts = new Map<string, StatementSync>();
  const last: Record<string, Row> = {};
  const insert = (table: string, row: Row) => {
    const made =
      inserts.get(table) ??
      db.prepare(`insert into ${table} (${Object.keys(row)}) values (${Object.keys(row).map(() => '?')})`);
    inserts.set(table, made);
    made.run(...Object.values(row));
    last[table] = row;
  };
  for (const { table, row } of onceOf(specimen)) insert(table, row);
  for (const { table, row } of grow(specimen, entries)) insert(table, row);
  const { seq, hash } = last['journal'] ?? {};
  db.prepare('update head set seq = ?, hash = ?, stamp = ?').run(seq ?? 0, hash ?? '', last['post']?.['changed'] ?? 0);
  const cursor = db.prepare('insert into cursor (name, value) values (?, ?)');
  for (const name of followers) cursor.run(name, seq ?? 0);
  db.exec('commit; pragma journal_mode = wal');
  db.close();
  return { alert: String(last['alert']?.['id']), run: String(last['run']?.['id']), head: Number(seq) };
}
