import { closeSync, fdatasync, fdatasyncSync, openSync } from 'node:fs';
import { promisify } from 'node:util';
import { diskFailed } from './failure.ts';

/** Makes durable what was committed before the call. Rejects with `store-failed` when the disk refuses. */
export interface LogSync {
  sync(): Promise<void>;
  syncNow(): void;
  close(): void;
}

const syncData = promisify(fdatasync);

/**
 * The fsync of SQLite's write-ahead log, off the loop's thread. With synchronous=NORMAL a commit writes its checksummed frames and does
 * not wait for the disk; SQLite itself syncs the log's header, the log before each checkpoint and the database after it (sqlite.org/wal.html).
 * A commit is durable once an fsync of the log that began after it has ended: this is what synchronous=FULL does, except that the loop goes
 * on meanwhile. No lock of SQLite is on this file, so that closing it drops none (sqlite.org/howtocorrupt.html, 2.2).
 */
export function createLogSync(path: string): LogSync {
  let file: number | null = null;
  let busy = 0;
  let closed = false;
  // The first commit makes the file, and it stays the same one until the database is closed.
  const open = () => {
    file ??= openSync(path, 'r');
    return file;
  };
  const release = () => {
    // Not under a sync that is still going on: its number could belong to another file by then.
    if (!closed || busy > 0 || file === null) return;
    closeSync(file);
    file = null;
  };
  return {
    async sync() {
      busy += 1;
      try {
        await syncData(open());
      } catch (error) {
        throw diskFailed(error);
      } finally {
        busy -= 1;
        release();
      }
    },
    syncNow() {
      try {
        fdatasyncSync(open());
      } catch (error) {
        throw diskFailed(error);
      }
    },
    close() {
      closed = true;
      release();
    },
  };
}
