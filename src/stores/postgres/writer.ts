import { setImmediate as nextTurn } from 'node:timers/promises';
import { TocsinError } from '../../kernel/errors.ts';
import type { Member } from './change.ts';
import { createCommitter } from './committer.ts';
import type { Connect } from './session.ts';
import type { Waiting } from './transact.ts';

export interface Writer {
  /** Runs the member in the next transaction, in the order of the calls. Resolves when it is durable. */
  write<T>(member: Member<T>): Promise<T>;
  /** The pid of the server process behind the writer's connection; null while there is none. */
  pid(): number | null;
  /** Writes what is queued, then refuses further calls with `store-failed`. */
  close(): Promise<void>;
}

/** The bounds of a transaction, in members and in bytes. A member that is larger goes alone. */
const mostMembers = 512;
const mostBytes = 4 * 1024 * 1024;

/**
 * Group commit: members that arrive while a transaction is under way share the next one. Each transaction locks the head row first, so the
 * transactions of all nodes are serialised. A member whose guard fails is rejected alone.
 */
export function createWriter(connect: Connect): Writer {
  const committer = createCommitter(connect);
  let queue: Waiting[] = [];
  let working: Promise<void> | null = null;
  let closed: TocsinError | null = null;

  async function work(): Promise<void> {
    // All calls in one turn of the event loop share a transaction.
    await nextTurn();
    while (queue.length > 0) await committer.commit(takeNext([]), takeNext);
    working = null;
  }

  function takeNext(batch: readonly Waiting[]): Waiting[] {
    const next = take(queue, batch);
    queue = queue.slice(next.length);
    return next;
  }

  return {
    write(member) {
      const refusal = closed ?? committer.overtaken();
      if (refusal !== null) return Promise.reject(refusal);
      return new Promise((resolve, reject) => {
        queue.push({ member, since: performance.now(), resolve, reject });
        working ??= work();
      });
    },
    pid: () => committer.pid(),
    async close() {
      closed ??= new TocsinError('store-failed', { message: 'The store is closed.' });
      while (working !== null) await working;
      await committer.close();
    },
  };
}

/** The queued members that fit into a transaction together with a batch. With an empty batch the first always fits. */
function take(queue: readonly Waiting[], batch: readonly Waiting[]): Waiting[] {
  let bytes = batch.reduce((sum, { member }) => sum + member.size, 0);
  const end = queue.findIndex(({ member }, index) => {
    const members = batch.length + index;
    bytes += member.size;
    return members > 0 && (members >= mostMembers || bytes > mostBytes);
  });
  return queue.slice(0, end < 0 ? queue.length : end);
}
