import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { isCode, TocsinError } from '../../kernel/errors.ts';
import { createBatch } from './batch.ts';
import type { Member } from './change.ts';
import { kindOf, toStoreFailed } from './failure.ts';
import { askOutcome, type Doubtful } from './outcome.ts';
import type { Answer, Connect, Session, Statement } from './session.ts';
import { createNeeds, openView } from './view.ts';

interface Waiting {
  member: Member<unknown>;
  /** On the monotonic clock. */
  since: number;
  resolve(value: never): void;
  reject(error: unknown): void;
}

/** Tells one who waits what came of the work. */
type Settle = () => void;

export interface Writer {
  /** Does the work in the next transaction, in the order of the calls, and resolves when it is durable. */
  write<T>(member: Member<T>): Promise<T>;
  /** The server's process that writes for us; null while there is none. */
  pid(): number | null;
  /** Writes what waits, then refuses. */
  close(): Promise<void>;
}

/** A transaction is bounded in members and in bytes (a member that is larger goes alone). */
const mostMembers = 512;
const mostBytes = 4 * 1024 * 1024;

/** How long a change waits for a server that does not take it, milliseconds; then it is rejected, and its sender may come again. */
const patience = 10_000;
const shortestPause = 50;
const longestPause = 1000;

/** The transaction may have been committed: the connection went before the server's word came. */
class InDoubt extends Error {
  readonly doubtful: Doubtful;
  readonly settle: readonly Settle[];
  constructor(doubtful: Doubtful, settle: readonly Settle[], cause: unknown) {
    super('the outcome is in doubt', { cause });
    this.doubtful = doubtful;
    this.settle = settle;
  }
}

/**
 * Group commit over one connection. Whatever arrives while a transaction is under way makes the next one. The head row is locked
 * first, so the transactions of all nodes follow each other; two round trips do the rest. A member whose guard fails is rejected
 * alone; when the server refuses a transaction it is halved until the bad member stands alone. When the connection is lost, what
 * became of the transaction is asked before anything is tried again.
 */
export function createWriter(connect: Connect): Writer {
  let queue: Waiting[] = [];
  let session: Session | null = null;
  let working: Promise<void> | null = null;
  /** Why nothing more is taken. */
  let shut: TocsinError | null = null;
  /** Why nothing more is written: a newer Tocsin changed the database so that this one must not use it. */
  let overtaken: TocsinError | null = null;

  async function reach(): Promise<Session> {
    if (session?.alive()) return session;
    await session?.close();
    session = null;
    session = await connect();
    return session;
  }

  async function attempt(waiting: readonly Waiting[]): Promise<readonly Settle[]> {
    try {
      return await transact(await reach(), waiting);
    } catch (error) {
      if (!(error instanceof InDoubt)) throw error;
      const outcome = await askOutcome(connect, error.doubtful);
      if (outcome === 'committed') return error.settle;
      if (outcome === 'not') throw error.cause;
      const unknown = inDoubt(error.cause);
      return waiting.map(one => () => one.reject(unknown));
    }
  }

  async function flush(all: readonly Waiting[]): Promise<void> {
    let waiting = all;
    for (let pause = shortestPause; ; pause = Math.min(longestPause, pause * 2)) {
      try {
        for (const settle of await attempt(waiting)) settle();
        return;
      } catch (error) {
        if (isCode(error, 'store-too-new')) shut = overtaken = error;
        const kind = kindOf(error);
        if (kind === 'refused' && waiting.length > 1 && overtaken === null) return await halve(waiting);
        waiting = refuse(waiting, error, kind === 'lost' || kind === 'busy' ? patience : 0);
        if (waiting.length === 0) return;
        await sleep(pause);
      }
    }
  }

  async function halve(waiting: readonly Waiting[]): Promise<void> {
    const middle = waiting.length >> 1;
    await flush(waiting.slice(0, middle));
    await flush(waiting.slice(middle));
  }

  async function work(): Promise<void> {
    // All calls of one turn of the loop share a transaction.
    await nextTurn();
    while (queue.length > 0) {
      const waiting = take(queue);
      queue = queue.slice(waiting.length);
      if (overtaken !== null) refuse(waiting, overtaken, 0);
      else await flush(waiting);
    }
    working = null;
  }

  return {
    write(member) {
      if (shut !== null) return Promise.reject(shut);
      return new Promise((resolve, reject) => {
        queue.push({ member, since: performance.now(), resolve, reject });
        working ??= work();
      });
    },
    pid: () => session?.pid ?? null,
    async close() {
      shut ??= new TocsinError('store-failed', { message: 'The store is closed.' });
      while (working !== null) await working;
      await session?.close();
      session = null;
    },
  };
}

/** One transaction. Rejects with InDoubt when its commit was sent and no answer came. */
async function transact(session: Session, waiting: readonly Waiting[]): Promise<readonly Settle[]> {
  const needs = createNeeds();
  for (const { member } of waiting) member.need(needs);
  const opening = openView(needs);
  const batch = createBatch();
  let statements: Statement[];
  let settle: readonly Settle[];
  let doubtful: Doubtful;
  try {
    const view = opening.read(await session.send(opening.statements));
    const before = { ...view.head };
    settle = waiting.map(one => decide(one, () => one.member.decide(view, batch)));
    statements = batch.statements(before, view.head);
    doubtful = { xid: view.xid, head: view.head.seq === before.seq ? null : view.head };
  } catch (error) {
    await rollBack(session);
    throw error;
  }
  if (statements.length === 0) {
    await session.send([{ text: 'rollback' }]);
    return settle;
  }
  try {
    checkCommitted(await session.send([...statements, { text: 'commit' }]));
    return settle;
  } catch (error) {
    throw kindOf(error) === 'lost' ? new InDoubt(doubtful, settle, error) : error;
  }
}

/** Does one member's work; what comes of it is told only after the commit. */
function decide(one: Waiting, work: () => unknown): Settle {
  try {
    const value = work() as never;
    return () => one.resolve(value);
  } catch (error) {
    if (!isCode(error, 'guard-failed')) throw toStoreFailed(error);
    return () => one.reject(error);
  }
}

/** A commit of a transaction that failed is answered as a rollback. */
function checkCommitted(answers: readonly Answer[]): void {
  const command = answers.at(-1)?.command;
  if (command !== 'COMMIT') throw new TocsinError('store-failed', { given: `commit was answered with ${command}` });
}

async function rollBack(session: Session): Promise<void> {
  if (!session.alive()) return;
  // A session that cannot even do this is of no use any more.
  await session.send([{ text: 'rollback' }]).catch(() => session.close());
}

function take(queue: readonly Waiting[]): Waiting[] {
  let bytes = 0;
  const end = queue.findIndex(({ member }, index) => {
    bytes += member.size;
    return index > 0 && (index >= mostMembers || bytes > mostBytes);
  });
  return queue.slice(0, end < 0 ? queue.length : end);
}

/** Rejects those who have waited for longer than `limit` milliseconds, and returns the others. */
function refuse(waiting: readonly Waiting[], error: unknown, limit: number): Waiting[] {
  const now = performance.now();
  const isLate = (one: Waiting) => now - one.since >= limit;
  for (const one of waiting.filter(isLate)) one.reject(toStoreFailed(error));
  return waiting.filter(one => !isLate(one));
}

function inDoubt(cause: unknown): TocsinError {
  return new TocsinError('store-failed', {
    message:
      'The connection to the database was lost during a commit, and it could not be learned whether it was stored.',
    remedy: 'Look at the present state, then decide again.',
    cause,
  });
}
