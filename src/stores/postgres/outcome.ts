import { setTimeout as sleep } from 'node:timers/promises';
import { sqlState } from './failure.ts';
import type { Connect, Session } from './session.ts';
import type { Head } from './view.ts';

/** A transaction whose commit was sent and not answered. */
export interface UnansweredCommit {
  xid: string;
  /** The journal's head after this transaction; null when it appended nothing. */
  head: Head | null;
}

/** How long the server is asked, and the pause between two attempts; milliseconds. */
const patience = 20_000;
const pause = 200;

/**
 * Finds out whether a transaction was committed, by its xid (which the server knows also after a crash) and by the hash of its last journal
 * entry (which holds after a failover too). `unknown` when no server answered in time, or when the server has forgotten the xid.
 */
export async function askOutcome(connect: Connect, commit: UnansweredCommit): Promise<'committed' | 'not' | 'unknown'> {
  const until = performance.now() + patience;
  while (performance.now() < until) {
    const outcome = await ask(connect, commit);
    if (outcome !== 'later') return outcome;
    await sleep(pause);
  }
  return 'unknown';
}

async function ask(connect: Connect, commit: UnansweredCommit): Promise<'committed' | 'not' | 'unknown' | 'later'> {
  let session: Session | null = null;
  try {
    session = await connect();
    // A standby may not have replayed it yet. Its content counts once it was promoted.
    if (await isStandby(session)) return 'later';
    const status = await statusOf(session, commit.xid);
    if (status === 'in progress') return 'later';
    // The entry is the better evidence: after a failover the xid may belong to another transaction.
    if (commit.head !== null) return (await hasEntry(session, commit.head)) ? 'committed' : 'not';
    return status === 'committed' ? 'committed' : status === null ? 'unknown' : 'not';
  } catch {
    // Not reachable yet. It is asked again after a pause; when the time is over, the outcome is `unknown`, which the writer reports.
    return 'later';
  } finally {
    await session?.close();
  }
}

async function isStandby(session: Session): Promise<boolean> {
  const [answer] = await session.send([{ text: 'select pg_is_in_recovery() as standby' }]);
  return answer?.rows[0]?.standby === true;
}

/** `committed`, `aborted` or `in progress`; `future` when the server has not assigned this xid yet, null when it has forgotten it. */
async function statusOf(session: Session, xid: string): Promise<string | null> {
  try {
    const [answer] = await session.send([{ text: 'select pg_xact_status($1::xid8) as status', values: [xid] }]);
    return answer?.rows[0]?.status ?? null;
  } catch (error) {
    if (sqlState(error) === '22023') return 'future';
    throw error;
  }
}

async function hasEntry(session: Session, head: Head): Promise<boolean> {
  const [answer] = await session.send([
    { text: 'select 1 from journal where seq = $1 and hash = $2', values: [head.seq, head.hash] },
  ]);
  return answer?.count === 1;
}
