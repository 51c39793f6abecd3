import { isCode, TocsinError } from '../../kernel/errors.ts';
import { createBatch } from './batch.ts';
import type { Member } from './change.ts';
import { kindOf, toStoreFailed } from './failure.ts';
import type { UnansweredCommit } from './outcome.ts';
import type { Answer, Session, Statement } from './session.ts';
import { createNeeds, openLock, openView, type View } from './view.ts';

/** A member of a transaction, and the promise that its caller waits for. */
export interface Waiting {
  member: Member<unknown>;
  /** When it was queued, milliseconds on the monotonic clock. */
  since: number;
  resolve(value: never): void;
  reject(error: unknown): void;
}

/** Settles the promise of one member. */
export type Settle = () => void;

/** The transaction may have been committed: the connection was lost before the server answered. */
export class InDoubt extends Error {
  readonly unanswered: UnansweredCommit;
  readonly settle: readonly Settle[];
  constructor(unanswered: UnansweredCommit, settle: readonly Settle[], cause: unknown) {
    super('the outcome is in doubt', { cause });
    this.unanswered = unanswered;
    this.settle = settle;
  }
}

/** Lock contention between nodes, remembered from one transaction to the next. */
export interface Contention {
  /** The last transaction waited for another node's lock. Then the next locks first, and takes members that arrive meanwhile. */
  contended: boolean;
}

/** Milliseconds: a lock that takes longer than this was held by another node, and below `freeBelow` it was free. */
const contendedAfter = 10;
const freeBelow = 3;

/**
 * Runs one transaction in two round trips: the first locks the head row and reads what the members need, the second writes and commits.
 * Under contention the lock has a round trip of its own, and `more` adds the members that arrived until it was acquired: many nodes then
 * commit in fewer and larger transactions. Rejects with InDoubt when the commit was sent and no answer came.
 */
export async function transact(
  session: Session,
  batch: Waiting[],
  contention: Contention,
  more: (batch: readonly Waiting[]) => readonly Waiting[],
): Promise<readonly Settle[]> {
  const writes = createBatch();
  let statements: Statement[];
  let settle: readonly Settle[];
  let unanswered: UnansweredCommit;
  try {
    const view = await openFor(session, batch, contention, more);
    const before = { ...view.head };
    settle = batch.map(one => decide(one, () => one.member.decide(view, writes)));
    statements = writes.statements(before, view.head);
    unanswered = { xid: view.xid, head: view.head.seq === before.seq ? null : view.head };
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
    throw kindOf(error) === 'lost' ? new InDoubt(unanswered, settle, error) : error;
  }
}

async function openFor(
  session: Session,
  batch: Waiting[],
  contention: Contention,
  more: (batch: readonly Waiting[]) => readonly Waiting[],
): Promise<View> {
  const began = performance.now();
  const locked = contention.contended ? await session.send(openLock()) : [];
  if (contention.contended) {
    contention.contended = performance.now() - began > freeBelow;
    batch.push(...more(batch));
  }
  const needs = createNeeds();
  for (const { member } of batch) member.need(needs);
  const opening = openView(needs, locked);
  const answers = await session.send(opening.statements);
  if (locked.length === 0) contention.contended = performance.now() - began > contendedAfter;
  return opening.read(answers);
}

/** Does one member's work. Its promise is settled only after the commit. */
function decide(one: Waiting, work: () => unknown): Settle {
  try {
    const value = work() as never;
    return () => one.resolve(value);
  } catch (error) {
    if (!isCode(error, 'guard-failed')) throw toStoreFailed(error);
    return () => one.reject(error);
  }
}

/** PostgreSQL answers the commit of a failed transaction with ROLLBACK. */
function checkCommitted(answers: readonly Answer[]): void {
  const command = answers.at(-1)?.command;
  if (command !== 'COMMIT') throw new TocsinError('store-failed', { given: `commit was answered with ${command}` });
}

async function rollBack(session: Session): Promise<void> {
  if (!session.alive()) return;
  // A session that cannot roll back is unusable.
  await session.send([{ text: 'rollback' }]).catch(() => session.close());
}
