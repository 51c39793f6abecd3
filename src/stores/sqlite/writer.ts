import type { DatabaseSync } from 'node:sqlite';
import { isCode, TocsinError } from '../../kernel/errors.ts';
import { isDamage, toStoreFailed } from './failure.ts';
import type { LogSync } from './log-sync.ts';
import { prepare, tables } from './query.ts';

/** The journal's head while a transaction is open; members move it on. */
export interface Head {
  seq: number;
  hash: string;
  /** The last `changed` stamp given to a post. */
  stamp: number;
  /** Entries by stream, of the streams that this transaction has looked at or grown. */
  lengths: Map<string, number>;
}

/** A row that is ready to be written. */
export interface Write {
  /** About how many bytes. */
  size: number;
  write(head: Head): void;
}

/** One part of a shared transaction. It checks first and changes afterwards: a `guard-failed` it throws must leave nothing behind. */
export type Work<T> = (head: Head) => T;

interface Member {
  work: Work<unknown>;
  size: number;
  resolve(value: never): void;
  reject(error: unknown): void;
}

export interface Writer {
  /** Does the work in the next transaction, in the order of the calls, and resolves when it is durable. `size` is roughly its bytes. */
  write<T>(work: Work<T>, size: number): Promise<T>;
  /** Flushes and syncs what waits before it returns, and refuses from then on. Resolves when every member is settled. */
  close(): Promise<void>;
}

/** One flush blocks the loop, so it is bounded: in members, and in bytes (a member that is larger goes alone). */
const mostMembers = 256;
const mostBytes = 4 * 1024 * 1024;

/**
 * Group commit. All calls that arrive while the log is being synced share the next transaction and its sync, so a page that several of
 * them change is written once. A promise is settled only after a sync that began after its commit. A member whose guard fails is rejected
 * alone. When the database refuses a transaction, its members are retried one by one, so that a bad one does not fail the others.
 */
export function createWriter(db: DatabaseSync, log: LogSync, onDamage: (error: Error) => void = () => {}): Writer {
  const transact = createTransact(db);
  const settling = createSettling(log, { onFailure: shutFor, onEnd: schedule });
  let queue: Member[] = [];
  let scheduled = false;
  /** Why nothing more is written: closed, or the file is damaged and only a restart reads it afresh. */
  let shut: TocsinError | null = null;

  function shutFor(error: unknown): void {
    if (shut !== null) return;
    shut = toStoreFailed(error);
    onDamage(shut);
  }

  function flush(members: readonly Member[]): void {
    try {
      if (shut !== null) throw shut;
      settling.add(members, transact(members));
    } catch (error) {
      if (isDamage(error)) shutFor(error);
      if (members.length > 1) for (const member of members) flush([member]);
      else refuse(members, shut ?? toStoreFailed(error));
    }
  }

  function schedule(): void {
    if (scheduled || queue.length === 0) return;
    scheduled = true;
    setImmediate(flushNext);
  }

  function flushNext(): void {
    scheduled = false;
    // The end of the sync schedules what waits.
    if (settling.busy()) return;
    const members = take(queue);
    queue = queue.slice(members.length);
    flush(members);
    schedule();
  }

  return {
    write(work, size) {
      if (shut !== null) return Promise.reject(shut);
      return new Promise((resolve, reject) => {
        queue.push({ work, size, resolve, reject });
        schedule();
      });
    },
    close() {
      while (queue.length > 0) {
        const members = take(queue);
        queue = queue.slice(members.length);
        flush(members);
      }
      const told = settling.now();
      shut ??= new TocsinError('store-failed', { message: 'The store is closed.' });
      log.close();
      return told;
    },
  };
}

/** Runs members in one transaction. Returns functions that settle their promises, to be called once the commit is durable. */
function createTransact(db: DatabaseSync): (members: readonly Member[]) => (() => void)[] {
  const readHead = prepare(db)(() => tables.selectFrom('head').select(['seq', 'hash', 'stamp']).where('id', '=', 1));
  const writeHead = prepare<{ seq: number; hash: string; stamp: number }>(db)(v =>
    tables.updateTable('head').set({ seq: v.seq, hash: v.hash, stamp: v.stamp }).where('id', '=', 1),
  );
  const begin = db.prepare('begin immediate');
  const commit = db.prepare('commit');
  return members => {
    begin.run();
    try {
      const before = readHead.first({});
      if (before === undefined) throw new TocsinError('journal-broken', { message: 'The head row is gone.' });
      const head: Head = { ...before, lengths: new Map() };
      const settle = members.map(member => attempt(member, head));
      if (head.seq !== before.seq || head.stamp !== before.stamp)
        writeHead.run({ seq: head.seq, hash: head.hash, stamp: head.stamp });
      commit.run();
      return settle;
    } catch (error) {
      if (db.isTransaction) db.exec('rollback');
      throw error;
    }
  };
}

interface Settling {
  /** Members whose transaction is committed and waits for the disk. */
  add(members: readonly Member[], settle: readonly (() => void)[]): void;
  /** While the log is being synced. */
  busy(): boolean;
  /** Syncs before it returns. Resolves when every member is settled, which may wait for the end of a sync under way. */
  now(): Promise<void>;
}

/** One sync at a time; what is committed meanwhile waits for the next one. */
function createSettling(
  log: LogSync,
  { onFailure, onEnd }: { onFailure(error: unknown): void; onEnd(): void },
): Settling {
  let waiting: { members: readonly Member[]; settle: readonly (() => void)[] }[] = [];
  let under: typeof waiting = [];
  let running = false;
  let ended = Promise.resolve();

  const settleAll = (error: unknown) => {
    const all = under;
    under = [];
    if (error === null) for (const { settle } of all) for (const one of settle) one();
    else for (const { members } of all) refuse(members, toStoreFailed(error));
  };
  const begin = () => {
    under = [...under, ...waiting];
    waiting = [];
  };

  async function run(): Promise<void> {
    running = true;
    while (waiting.length > 0) {
      begin();
      try {
        await log.sync();
        settleAll(null);
      } catch (error) {
        // After a failed sync the kernel forgets what was not written: what came later is not durable either.
        onFailure(error);
        begin();
        settleAll(error);
      }
    }
    running = false;
    onEnd();
  }

  return {
    busy: () => running,
    add(members, settle) {
      waiting.push({ members, settle });
      if (!running) ended = run();
    },
    now() {
      begin();
      if (under.length === 0) return ended;
      try {
        log.syncNow();
        // The kernel reports a failure once, perhaps to the sync under way only. So both must succeed.
        if (!running) settleAll(null);
      } catch (error) {
        onFailure(error);
        settleAll(error);
      }
      return ended;
    },
  };
}

/** Does one member's work. Its promise is settled only after the commit. */
function attempt(member: Member, head: Head): () => void {
  try {
    const value = member.work(head) as never;
    return () => member.resolve(value);
  } catch (error) {
    if (!isCode(error, 'guard-failed')) throw error;
    return () => member.reject(error);
  }
}

function take(queue: readonly Member[]): Member[] {
  let bytes = 0;
  const end = queue.findIndex((member, index) => {
    bytes += member.size;
    return index > 0 && (index >= mostMembers || bytes > mostBytes);
  });
  return queue.slice(0, end < 0 ? queue.length : end);
}

function refuse(members: readonly Member[], error: TocsinError): void {
  for (const member of members) member.reject(error);
}
