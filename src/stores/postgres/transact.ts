import { isCode, TocsinError } from '../../kernel/errors.ts';
import { createBatch } from './batch.ts';
import type { Member } from './change.ts';
import { kindOf, toStoreFailed } from './failure.ts';
import type { Doubtful } from './outcome.ts';
import type { Answer, Session, Statement } from './session.ts';
import { createNeeds, openLock, openView, type View } from './view.ts';

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

/** How a node gets along with the others, from one transaction to the next. */
export interface Contention {
  /** The last transaction waited for the lock of another node: then it is waited for first, and whoever comes meanwhile is taken along. */
  contended: boolean;
}

/** Milliseconds that a lock takes when another node has it; a round trip without is shorter. */
const contendedAfter = 10;
const freeBelow = 3;

/**
 * One transaction in two round trips: the first locks the head row and reads what the members need, the second writes and commits. Where
 * nodes wait for each other the lock has a round trip of its own, and `more` adds to the batch whoever came until it was had: fewer and
 * larger transactions, which is what a crowd needs. Rejects with InDoubt when its commit was sent and no answer came.
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
  let doubtful: Doubtful;
  try {
    const view = await openFor(session, batch, contention, more);
    const before = { ...view.head };
    settle = batch.map(one => decide(one, () => one.member.decide(view, writes)));
    statements = writes.statements(before, view.head);
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
