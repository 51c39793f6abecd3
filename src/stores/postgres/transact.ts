import { isCode, TocsinError } from '../../kernel/errors.ts';
import { createBatch } from './batch.ts';
import type { Member } from './change.ts';
import { kindOf, toStoreFailed } from './failure.ts';
import type { Doubtful } from './outcome.ts';
import type { Answer, Session, Statement } from './session.ts';
import { createNeeds, openView } from './view.ts';

/** A member, and who waits for what comes of it. */
export interface Waiting {
  member: Member<unknown>;
  /** On the monotonic clock. */
  since: number;
  resolve(value: never): void;
  reject(error: unknown): void;
}

/** Tells one who waits what came of the work. */
export type Settle = () => void;

/** The transaction may have been committed: the connection went before the server's word came. */
export class InDoubt extends Error {
  readonly doubtful: Doubtful;
  readonly settle: readonly Settle[];
  constructor(doubtful: Doubtful, settle: readonly Settle[], cause: unknown) {
    super('the outcome is in doubt', { cause });
    this.doubtful = doubtful;
    this.settle = settle;
  }
}

/**
 * One transaction in two round trips: the first locks the head row and reads what the members need, the second writes and commits. Rejects with InDoubt when its commit was sent and no answer came.
 */
export async function transact(session: Session, waiting: readonly Waiting[]): Promise<readonly Settle[]> {
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
