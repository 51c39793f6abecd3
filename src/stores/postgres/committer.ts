import { setTimeout as sleep } from 'node:timers/promises';
import { isCode, TocsinError } from '../../kernel/errors.ts';
import { kindOf, toStoreFailed } from './failure.ts';
import { askOutcome } from './outcome.ts';
import type { Connect, Session } from './session.ts';
import { type Contention, InDoubt, type Settle, transact, type Waiting } from './transact.ts';

/** How long a change waits for a server that does not answer or is busy, milliseconds. Then it is rejected, and its caller may retry. */
const patience = 10_000;
const shortestPause = 50;
const longestPause = 1000;

/** Runs transactions over one connection. A lost connection is opened again. */
export interface Committer {
  /** Settles all waiting members, in one transaction or several. One call at a time. `more` takes later ones that still fit. */
  commit(waiting: readonly Waiting[], more: (batch: readonly Waiting[]) => readonly Waiting[]): Promise<void>;
  /** Why this process must not write any more (`store-too-new`): a newer Tocsin has changed the database. Null while it may. */
  overtaken(): TocsinError | null;
  /** The pid of the server process behind the connection; null while there is none. */
  pid(): number | null;
  close(): Promise<void>;
}

type More = Parameters<Committer['commit']>[1];

export function createCommitter(connect: Connect): Committer {
  let session: Session | null = null;
  let overtaken: TocsinError | null = null;
  const contention: Contention = { contended: false };

  async function reach(): Promise<Session> {
    if (session?.alive()) return session;
    await drop();
    session = await connect();
    return session;
  }

  async function drop(): Promise<void> {
    const gone = session;
    session = null;
    await gone?.close();
  }

  /** When the connection is lost during a commit, the outcome is looked up before anything is tried again. */
  async function attempt(waiting: Waiting[], more: More): Promise<readonly Settle[]> {
    try {
      return await transact(await reach(), waiting, contention, more);
    } catch (error) {
      // The server may report the end of the session before the socket closes.
      if (kindOf(error) === 'lost') await drop();
      if (!(error instanceof InDoubt)) throw error;
      const outcome = await askOutcome(connect, error.unanswered);
      if (outcome === 'committed') return error.settle;
      if (outcome === 'not') throw error.cause;
      const unknown = inDoubt(error.cause);
      return waiting.map(one => () => one.reject(unknown));
    }
  }

  async function commit(all: readonly Waiting[], more: More = () => []): Promise<void> {
    let waiting = overtaken === null ? [...all] : refuse(all, overtaken, 0);
    for (let pause = shortestPause; waiting.length > 0; pause = Math.min(longestPause, pause * 2)) {
      try {
        for (const settle of await attempt(waiting, more)) settle();
        return;
      } catch (error) {
        if (isCode(error, 'store-too-new')) overtaken = error;
        const kind = kindOf(error);
        // Without a live connection the server refused the session, not a member.
        if (kind === 'refused' && waiting.length > 1 && session?.alive() === true) return await halve(waiting);
        waiting = refuse(waiting, error, kind === 'lost' || kind === 'busy' ? patience : 0);
        if (waiting.length > 0) await sleep(pause);
      }
    }
  }

  /** Commits the two halves one after the other, until a member that the server refuses is alone and fails no other. */
  async function halve(waiting: readonly Waiting[]): Promise<void> {
    const middle = waiting.length >> 1;
    await commit(waiting.slice(0, middle));
    await commit(waiting.slice(middle));
  }

  return {
    commit,
    overtaken: () => overtaken,
    pid: () => session?.pid ?? null,
    close: drop,
  };
}

/** Rejects the members that have waited for at least `limit` milliseconds, and returns the others. */
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
