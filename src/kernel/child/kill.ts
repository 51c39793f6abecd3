import type { Clock } from '../clock.ts';
import { TocsinError } from '../errors.ts';
import type { Log } from '../log.ts';
import { createScanner, type Round, type Scanner, type Seen } from './scan.ts';

export interface KillParts {
  clock: Clock;
  log: Log;
}

export interface KillTarget {
  /** The marker's exact value, or a prefix that ends in '/'. */
  marker: string;
  /** The main child, which leads its own group and session; null when only the marker is known. */
  root: number | null;
}

/** Milliseconds after which what KILL did not end is given up on. */
const patience = 30_000;

/**
 * TERM to all, KILL after `grace` milliseconds, again and again until none is found. Resolves to how many there were.
 * Rejects with `children-left` when some outlive KILL (they wait inside the kernel). A process of another user, reached through sudo,
 * cannot be signalled: it is named in the log and left.
 */
export async function killAll(parts: KillParts, target: KillTarget, grace: number): Promise<number> {
  const scanner = createScanner(target.marker, target.root);
  // Looked at before the first signal: when a parent dies, what it started can no longer be told by it.
  const first = await scanner.survey();
  if (first === null) return killGroup(parts, target.root, grace);
  const reaper: Reaper = { ...parts, scanner, met: new Set(), foreign: new Set() };
  for (const one of first.found) signal(reaper, one, 'SIGTERM');
  // A stopped process takes TERM only when it goes on.
  for (const one of first.found) signal(reaper, one, 'SIGCONT');
  if (!(await goneWithin(reaper, first.found.length === 0 ? 0 : grace))) await killUntilNone(reaper);
  if (reaper.foreign.size > 0) {
    parts.log.warn(
      { marker: target.marker, pids: [...reaper.foreign] },
      'processes of a step belong to another user and were left',
    );
  }
  return reaper.met.size;
}

interface Reaper extends KillParts {
  scanner: Scanner;
  /** All that were ever found. */
  met: Set<number>;
  foreign: Set<number>;
}

async function goneWithin(reaper: Reaper, grace: number): Promise<boolean> {
  const end = reaper.clock.monotonic() + grace;
  for (let pause = 5; reaper.clock.monotonic() < end; pause = Math.min(pause * 2, 200)) {
    await reaper.clock.sleep(Math.min(pause, Math.max(0, end - reaper.clock.monotonic())));
    if (left(reaper, reaper.scanner.glance()).length === 0 && (await isOver(reaper))) return true;
  }
  return false;
}

/** Whole groups first: that is one act for the kernel, in which a fork bomb cannot go on. */
async function killUntilNone(reaper: Reaper): Promise<void> {
  const end = reaper.clock.monotonic() + patience;
  let last: Seen[] = [];
  do {
    last = left(
      reaper,
      reaper.scanner.glance(one => killOnSight(reaper, one)),
    );
    if (last.length === 0 && (await isOver(reaper))) return;
    await reaper.clock.sleep(last.length === 0 ? 0 : 2);
  } while (reaper.clock.monotonic() < end);
  throw new TocsinError('children-left', { given: `pids ${last.map(one => one.pid).join(', ')}` });
}

/** Every group in reach of a marker lies in a session that a step began, so nobody else is in it. */
function killOnSight(reaper: Reaper, one: Seen): void {
  signalGroup(one.group, 'SIGKILL');
  signal(reaper, one, 'SIGKILL');
}

function left(reaper: Reaper, round: Round): Seen[] {
  for (const one of round.found) reaper.met.add(one.pid);
  return round.found.filter(one => !reaper.foreign.has(one.pid));
}

/** How many empty but unsure looks in a row count as none: on a busy machine some process always ends meanwhile. */
const enoughLooks = 20;

/**
 * Because pids are used again, everything is looked at afresh in between: what was somebody else's a moment ago may be the number of one of
 * ours now. That look takes its time, and whoever forks fast slips through it, so the quick ones follow once more.
 */
async function isOver(reaper: Reaper): Promise<boolean> {
  if (!seesNone(reaper)) return false;
  const all = await reaper.scanner.survey();
  if (all !== null && left(reaper, all).length > 0) return false;
  return seesNone(reaper);
}

/** One empty look proves nothing while processes end under it: each may have left a child behind. So it takes a sure one, or many. */
function seesNone(reaper: Reaper): boolean {
  for (let looks = 0; looks < enoughLooks; looks++) {
    const round = reaper.scanner.glance();
    if (left(reaper, round).length > 0) return false;
    if (round.sure) return true;
  }
  return true;
}

/** Without /proc (macOS) only the process group is known: what left it by setsid is not found. */
async function killGroup(parts: KillParts, root: number | null, grace: number): Promise<number> {
  if (root === null) {
    parts.log.warn({}, 'this system has no /proc: processes that a stopped Tocsin left behind cannot be found');
    return 0;
  }
  parts.log.debug({ group: root }, 'this system has no /proc: only the process group is stopped');
  const end = parts.clock.monotonic() + grace;
  signalGroup(root, 'SIGTERM');
  while (signalGroup(root, 0) && parts.clock.monotonic() < end) await parts.clock.sleep(25);
  signalGroup(root, 'SIGKILL');
  return 1;
}

/** True when there was something to signal. Never group 0 or 1: those would be our own and everything. */
function signalGroup(group: number | null, name: NodeJS.Signals | 0): boolean {
  if (group === null || group <= 1) return false;
  return send(-group, name) === 'sent';
}

function signal(reaper: Reaper, one: Seen, name: NodeJS.Signals): void {
  reaper.met.add(one.pid);
  if (send(one.pid, name) === 'foreign') reaper.foreign.add(one.pid);
}

function send(pid: number, name: NodeJS.Signals | 0): 'sent' | 'gone' | 'foreign' {
  try {
    process.kill(pid, name);
    return 'sent';
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM' ? 'foreign' : 'gone';
  }
}
