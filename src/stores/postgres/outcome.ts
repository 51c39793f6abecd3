import { setTimeout as sleep } from 'node:timers/promises';
import { sqlState } from './failure.ts';
import type { Connect, Session } from './session.ts';
import type { Head } from './view.ts';

/** A transaction whose commit was sent and whose answer never came. */
export interface Doubtful {
  xid: string;
  /** The journal's head that it would have left; null when it appended nothing. */
  head: Head | null;
}

/** How long the server is asked, milliseconds, and how often. */
const patience = 20_000;
const pause = 200;

/**
 * What became of the transaction: asked by its number, which the server knows also after a crash, and by the hash of its last entry, which
 * holds on another server too (one that took over). `unknown` when nobody answered in time, or the number is forgotten.
 */
export async function askOutcome(connect: Connect, doubtful: Doubtful): Promise<'committed' | 'not' | 'unknown'> {
  const until = performance.now() + patience;
  while (performance.now() < until) {
    const outcome = await ask(connect, doubtful);
    if (outcome !== 'later') return outcome;
    await sleep(pause);
  }
  return 'unknown';
}

async function ask(connect: Connect, doubtful: Doubtful): Promise<'committed' | 'not' | 'unknown' | 'later'> {
  let session: Session | null = null;
  try {
    session = await connect();
    // A standby may not have got to it yet; what it holds counts once it has taken over.
    if (await isStandby(session)) return 'later';
    const status = await statusOf(session, doubtful.xid);
    if (status === 'in progress') return 'later';
    // An entry says more than a number does: a server that took over may have given the number to another transaction.
    if (doubtful.head !== null) return (await hasEntry(session, doubtful.head)) ? 'committed' : 'not';
    return status === 'committed' ? 'committed' : status === null ? 'unknown' : 'not';
  } catch {
    // Not reachable yet: the next question comes after a pause, and the last one ends as `unknown`, which the writer tells.
    return 'later';
  } finally {
    await session?.close();
  }
}

async function isStandby(session: Session): Promise<boolean> {
  const [answer] = await session.send([{ text: 'select pg_is_in_recovery() as standby' }]);
  return answer?.rows[0]?.standby === true;
}

/** `committed`, `aborted`, `in progress`, `future` when the server has not given this number yet, null when it forgot it. */
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
