import type { DatabaseSync } from 'node:sqlite';
import { verifyJournal } from '../flow/journal/audit.ts';
import { TocsinError } from '../kernel/errors.ts';
import { parseAddress } from '../stores/postgres/address.ts';
import { type BulkRow, type BulkTable, columnsOf, insertRows } from '../stores/postgres/bulk.ts';
import { migrate as migratePostgres } from '../stores/postgres/migrate.ts';
import { toOpenFailure } from '../stores/postgres/opening.ts';
import { sqlOf } from '../stores/postgres/reads.ts';
import { createConnect, loadLibrary, type Session } from '../stores/postgres/session.ts';
import { createBases } from '../stores/sql/bases.ts';
import { createJournalReads } from '../stores/sql/journal.ts';
import { migrate as migrateSqlite } from '../stores/sqlite/migrations.ts';
import { openDatabase } from '../stores/sqlite/open.ts';
import { createProgress } from './progress.ts';
import type { Terminal } from './terminal.ts';

interface Copied {
  head: { seq: number; hash: string };
  /** Rows of all tables together. */
  rows: number;
  /** The address without its password. */
  to: string;
}

/** The bounds of one insert, in rows and in bytes. */
const mostRows = 1000;
const mostBytes = 4 * 1024 * 1024;

/**
 * Copies everything in one transaction of the target. It is committed after the copied journal has verified and ends with the same entry as
 * the source's. Rejects with `store-locked` while a process has the source open, `store-not-empty`, `journal-broken`, or the errors of
 * opening either store; then the target is unchanged.
 */
export async function copyStore(folder: string, url: string, terminal: Terminal): Promise<Copied> {
  const address = parseAddress(url);
  const connect = createConnect(await loadLibrary(), address);
  const source = await openDatabase(folder);
  try {
    migrateSqlite(source, Date.now());
    const target = await connect({ patient: true }).catch(error => {
      throw toOpenFailure(error, address);
    });
    try {
      await migratePostgres(target);
      const { head, rows } = await copyAll(source, target, terminal);
      return { head, rows, to: address.shown };
    } catch (error) {
      throw toOpenFailure(error, address);
    } finally {
      await target.close();
    }
  } finally {
    source.close();
  }
}

async function copyAll(source: DatabaseSync, target: Session, terminal: Terminal) {
  await target.send([{ text: 'begin' }, { text: 'select seq from head where id = 1 for update' }]);
  await refuseFull(target);
  let rows = 0;
  for (const table of Object.keys(columnsOf) as BulkTable[]) {
    const count = await copyTable(source, target, table, terminal);
    rows += count;
    if (count > 0) terminal.err(`${table}: ${count}`);
    terminal.signal.throwIfAborted();
  }
  const head = await copySingles(source, target);
  await verify(target, head);
  const answers = await target.send([{ text: 'commit' }]);
  if (answers[0]?.command !== 'COMMIT') throw new TocsinError('store-failed', { given: 'the copy was rolled back' });
  await target.send([{ text: 'analyze' }]);
  return { head, rows };
}

/** Refuses a target in which anything was ever stored, even if its journal was truncated to nothing. */
async function refuseFull(target: Session): Promise<void> {
  for (const table of [...Object.keys(columnsOf), 'halt']) {
    const [answer] = await target.send([{ text: `select 1 from "${table}" limit 1` }]);
    if (answer?.count === 0) continue;
    throw new TocsinError('store-not-empty', { given: `rows in ${table}` });
  }
}

/** The order of the rows, where it matters: posts of equal rank keep the order of their creation. */
const orders: Partial<Record<BulkTable, string>> = { journal: 'seq', post: 'id' };

async function copyTable(source: DatabaseSync, target: Session, table: BulkTable, terminal: Terminal): Promise<number> {
  const total = Number(source.prepare(`select count(*) as n from "${table}"`).get()?.['n'] ?? 0);
  const progress = createProgress(terminal, table, { total, unit: 'rows' });
  const names = Object.keys(columnsOf[table]).map(name => `"${name}"`);
  const order = orders[table] === undefined ? '' : ` order by ${orders[table]}`;
  let [chunk, bytes, count]: [BulkRow<BulkTable>[], number, number] = [[], 0, 0];
  const flush = async () => {
    if (chunk.length > 0) await target.send([insertRows(table, chunk)]);
    count += chunk.length;
    progress.at(count);
    [chunk, bytes] = [[], 0];
  };
  try {
    for (const row of source.prepare(`select ${names.join()} from "${table}"${order}`).iterate()) {
      // Leases are freed. Their fencing tokens stay, so that the next ones are greater.
      chunk.push((table === 'lease' ? { ...row, holder: null } : row) as BulkRow<BulkTable>);
      bytes += sizeOf(row);
      if (chunk.length >= mostRows || bytes >= mostBytes) await flush();
    }
    await flush();
  } finally {
    progress.done();
  }
  return count;
}

function sizeOf(row: object): number {
  const sizes = Object.values(row).map(value =>
    typeof value === 'string' ? value.length : value instanceof Uint8Array ? value.byteLength : 8,
  );
  return sizes.reduce((total, size) => total + size, 0);
}

/** Copies the tables with one row. Resolves to the head. */
async function copySingles(source: DatabaseSync, target: Session): Promise<{ seq: number; hash: string }> {
  const head = source.prepare('select seq, hash, stamp from head where id = 1').get();
  if (head === undefined) throw new TocsinError('journal-broken', { message: 'The head row is gone.' });
  const found = { seq: Number(head['seq']), hash: String(head['hash']) };
  await target.send([
    {
      text: 'update head set seq = $1, hash = $2, stamp = $3 where id = 1',
      values: [found.seq, found.hash, head['stamp']],
    },
  ]);
  const halt = source.prepare('select doc from halt').get();
  if (halt !== undefined) await target.send([{ text: 'insert into halt values (1, $1)', values: [halt['doc']] }]);
  return found;
}

/** Verifies the copied journal, within the transaction. */
async function verify(target: Session, head: { seq: number; hash: string }): Promise<void> {
  const ask = async (text: string, values: readonly unknown[]) =>
    (await target.send([{ text, values: [...values] }]))[0]?.rows ?? [];
  const reads = createJournalReads(
    sqlOf(text => ({
      all: values => ask(text, values),
      first: async values => (await ask(text, values))[0],
    })),
    createBases(),
  );
  const check = await verifyJournal(reads);
  if (check.broken !== null) throw check.broken;
  if (check.at.seq !== head.seq || check.at.hash !== head.hash)
    throw new TocsinError('journal-broken', { message: 'The copy does not end as the source does.' });
}
