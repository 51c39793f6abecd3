import { chmod, mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { TocsinError } from '../../kernel/errors.ts';
import { isBusy, toStoreFailed } from './failure.ts';

/** The first release without the WAL-reset fault, which can corrupt a database (sqlite.org/wal.html). */
export const oldestSqlite = '3.51.3';

/** How long a starting process waits for one that is just stopping: tries, and milliseconds between them. */
const tries = 10;
const pause = 100;

/**
 * Opens `<folder>/tocsin.db` for this process alone. The lock is the operating system's lock on the file (locking_mode=EXCLUSIVE), so
 * it dies with the process, kill -9 included, and no other program can write the database meanwhile, whatever its SQLite.
 */
export async function openDatabase(folder: string): Promise<DatabaseSync> {
  const path = join(folder, 'tocsin.db');
  refuseOldSqlite();
  await makePrivate(folder, path);
  let db: DatabaseSync | null = null;
  try {
    db = new DatabaseSync(path, { timeout: 0 });
    await lock(db, folder);
    configure(db);
  } catch (error) {
    db?.close();
    throw toStoreFailed(error);
  }
  await writeFile(join(folder, 'tocsin.pid'), `${process.pid}\n`).catch(ignorePid);
  return db;
}

/** Both files are made readable by this user only; the write-ahead log takes its mode from the database. */
async function makePrivate(folder: string, path: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await (await open(path, 'a', 0o600)).close();
    await chmod(path, 0o600);
  } catch (error) {
    throw new TocsinError('store-failed', {
      message: 'The data folder cannot be used.',
      at: folder,
      given: String(error),
      remedy: 'Give this user write access to it, or set TOCSIN_DATA to another folder.',
      cause: error,
    });
  }
}

/** Asks a database in memory: a locked file answers nothing, not even this. */
function refuseOldSqlite(): void {
  const memory = new DatabaseSync(':memory:');
  const version = String(memory.prepare('select sqlite_version() as version').get()?.['version']);
  memory.close();
  if (!isAtLeast(version, oldestSqlite))
    throw new TocsinError('store-too-old', { allowed: `SQLite ${oldestSqlite} or later`, given: version });
}

/** Compares versions such as 3.53.4 part by part. */
export function isAtLeast(version: string, least: string): boolean {
  const [have, want] = [version, least].map(text => text.split('.').map(Number));
  for (const [index, part] of (want ?? []).entries()) {
    const mine = have?.[index] ?? 0;
    if (mine !== part) return mine > part;
  }
  return true;
}

async function lock(db: DatabaseSync, folder: string): Promise<void> {
  // For a new file only. Rows of 1.5 to 4 KB fill pages of 8 KB better than SQLite's 4 KB: half as many writes for each event.
  db.exec('pragma page_size = 8192');
  // Before the first access in WAL mode: then the index of the log is in memory and the lock is held until close.
  db.exec('pragma locking_mode = exclusive');
  for (let attempt = 1; ; attempt++) {
    try {
      db.exec('pragma journal_mode = wal; begin immediate; commit');
      return;
    } catch (error) {
      if (!isBusy(error)) throw error;
      if (attempt === tries) throw await locked(folder, error);
      await sleep(pause);
    }
  }
}

async function locked(folder: string, cause: unknown): Promise<TocsinError> {
  const pid = await readFile(join(folder, 'tocsin.pid'), 'utf8').catch(() => 'unknown');
  return new TocsinError('store-locked', { at: folder, given: `held by process ${pid.trim()}`, cause });
}

/**
 * A checkpoint copies each page once, however often it changed, so rare ones are cheaper. But it blocks the loop for as long as it takes:
 * 12 MB for some 25 ms, 64 MB for more than 100 ms, which a large group of alerts alone fills.
 */
function configure(db: DatabaseSync): void {
  db.exec(`
    pragma synchronous = normal;
    pragma foreign_keys = on;
    pragma busy_timeout = 5000;
    pragma trusted_schema = off;
    pragma cell_size_check = on;
    pragma temp_store = memory;
    pragma cache_size = -16000;
    pragma journal_size_limit = 134217728;
    pragma wal_autocheckpoint = 1500;
  `);
}

/** The file only serves the message of `store-locked`; the lock does not depend on it. */
function ignorePid(): void {}
