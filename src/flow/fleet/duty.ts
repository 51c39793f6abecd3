/** What the nodes of a fleet agree on: who holds which lease, which nodes are up, and whether their files are the same. */

import type { Clock } from '../../kernel/clock.ts';
import { isCode, summaryOf } from '../../kernel/errors.ts';
import type { Log } from '../../kernel/log.ts';
import type { Guard, Store } from '../../ports/store.ts';
import type { Feed } from '../journal/feed.ts';

/** A singleton task, which one node of the fleet does at a time: the pipeline, the threads, the posts of a platform, the sweeper. */
export interface Duty {
  /** The lease is `duty/<name>`. */
  name: string;
  /** Begins the job. Every commit of it carries `fence`, the fencing token, so that a node that was paused and wakes up changes nothing. */
  start(fence: readonly Guard[]): Promise<Job>;
}

export interface Job {
  /** Ends it; `lost` when the lease may be another node's already. */
  stop(lost: boolean): Promise<void>;
}

export interface DutyParts {
  store: Store;
  clock: Clock;
  log: Log;
  /** Names this process in leases. */
  holder: string;
  /** True for a store that other processes share; else the duty is done without a lease. */
  shared: boolean;
}

export interface Turn {
  /** True while this node does the job. */
  held(): boolean;
  /** Ends the job and lets another node have it. */
  stop(): Promise<void>;
}

/** The lease's time to live, and the time between renewals and tries, milliseconds: after their sum another node has a dead one's duty. */
const ttl = 6000;
const pause = 2000;

/** Leader election: does the duty while this node holds its lease. Resolves when it was begun, or was not to be had at the first try. */
export async function takeTurns(duty: Duty, parts: DutyParts): Promise<Turn> {
  if (!parts.shared) {
    const job = await duty.start([]);
    return { held: () => true, stop: () => job.stop(false) };
  }
  const { store, clock, log } = parts;
  const lease = { name: `duty/${duty.name}`, holder: parts.holder, ttl };
  const end = new AbortController();
  const tried = Promise.withResolvers<void>();
  let held = false;
  /** Causes that were logged since the last try without a failure. */
  const logged = new Set<string>();

  /** Renews until the lease is lost or the node stops; true for the latter. */
  async function hold(token: number): Promise<boolean> {
    while (!end.signal.aborted) {
      await clock.sleep(pause, end.signal).catch(() => {});
      if (!end.signal.aborted && !(await store.renew({ ...lease, token }))) return false;
    }
    return true;
  }

  async function turn(): Promise<void> {
    const token = await store.acquire(lease);
    if (token === null) return;
    const job = await duty.start([{ kind: 'lease', name: lease.name, token }]);
    held = true;
    tried.resolve();
    log.info({ duty: duty.name }, 'this node does it from now on');
    const kept = await hold(token).catch(error => {
      log.warn(
        { duty: duty.name, because: summaryOf(error) },
        'its lease could not be renewed, so another node may do it',
      );
      return null;
    });
    held = false;
    if (kept === false) log.warn({ duty: duty.name }, 'this node lost the duty: another one does it');
    await job.stop(kept !== true);
    await store.release({ ...lease, token });
  }

  /** Logs each cause once. That the database does not answer is logged by the node's heartbeat (nodes.ts), once for all duties. */
  function logFailure(error: unknown): void {
    const because = summaryOf(error);
    if (isCode(error, 'store-failed') || logged.has(because)) return;
    logged.add(because);
    log.warn({ duty: duty.name, because }, 'a duty is tried again');
  }

  async function loop(): Promise<void> {
    while (!end.signal.aborted) {
      await turn().then(() => logged.clear(), logFailure);
      tried.resolve();
      await clock.sleep(pause, end.signal).catch(() => {});
    }
  }

  const ended = loop();
  await tried.promise;
  return {
    held: () => held,
    async stop() {
      end.abort(new Error('stopped'));
      await ended;
    },
  };
}

/** The feed with the fencing token in every commit. */
export function fencedFeed(feed: Feed, fence: readonly Guard[]): Feed {
  if (fence.length === 0) return feed;
  return { ...feed, commit: change => feed.commit({ ...change, guards: [...fence, ...(change.guards ?? [])] }) };
}
