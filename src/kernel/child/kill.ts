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
  /** The pid of the main child, which leads its own process group and session; null when only the marker is known. */
  root: number | null;
}

/** Milliseconds after which processes that survive KILL are given up. */
const killTimeout = 30_000;

/**
 * Sends TERM to all processes of the target and KILL after `grace` milliseconds, repeated until none is found. Resolves to the number of
 * processes found. Rejects with `children-left` when some survive KILL for 30 s (they wait inside the kernel). A process of another user
 * (started with sudo) cannot be signalled: it is logged and left.
 */
export async function killAll(parts: KillParts, target: KillTarget, grace: number): Promise<number> {
  const scanner = createScanner(target.marker, target.root);
  // Survey before the first signal: once a parent is dead, its children can no longer be found through it.
  const first = await scanner.survey();
  if (first === null) return killGroup(parts, target.root, grace);
  const reaper: Reaper = { ...parts, scanner, seen: new Set(), denied: new Set() };
  for (const one of first.found) signal(reaper, one, 'SIGTERM');
  // A stopped process receives TERM only after CONT.
  for (const one of first.found) signal(reaper, one, 'SIGCONT');
  if (!(await goneWithin(reaper, first.found.length === 0 ? 0 : grace))) await killUntilNone(reaper);
  if (reaper.denied.size > 0) {
    parts.log.warn(
      { marker: target.marker, pids: [...reaper.denied] },
      'processes of a step belong to another user and were left',
    );
  }
  return reaper.seen.size;
}

interface Reaper extends KillParts {
  scanner: Scanner;
  /** Pids of all processes that were ever found. */
  seen: Set<number>;
  /** Pids that may not be signalled (EPERM). */
  denied: Set<number>;
}

async function goneWithin(reaper: Reaper, grace: number): Promise<boolean> {
  const end = reaper.clock.monotonic() + grace;
  for (let pause = 5; reaper.clock.monotonic() < end; pause = Math.min(pause * 2, 200)) {
    await reaper.clock.sleep(Math.min(pause, Math.max(0, end - reaper.clock.monotonic())));
    if (left(reaper, reaper.scanner.glance()).length === 0 && (await isOver(reaper))) return true;
  }
  return false;
}

/** Kills whole process groups first: the kernel does that in one call, during which a fork bomb cannot fork. */
async function killUntilNone(reaper: Reaper): Promise<void> {
  const end = reaper.clock.monotonic() + killTimeout;
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

/** Killing the group is safe: each process with the marker is in a session that a step began, so its group holds no other process. */
function killOnSight(reaper: Reaper, one: Seen): void {
  signalGroup(one.group, 'SIGKILL');
  signal(reaper, one, 'SIGKILL');
}

function left(reaper: Reaper, round: Round): Seen[] {
  for (const one of round.found) reaper.seen.add(one.pid);
  return round.found.filter(one => !reaper.denied.has(one.pid));
}

/** How many empty looks in a row count as none when each is unsure: on a busy machine some process always ends during a look. */
const enoughLooks = 20;

/**
 * True when no process is left. Pids are reused, so a pid that was unrelated a moment ago may be one of ours now: a full survey follows the
 * quick looks. The survey is slow and a process that forks fast escapes it, so the quick looks are repeated after it.
 */
async function isOver(reaper: Reaper): Promise<boolean> {
  if (!seesNone(reaper)) return false;
  const all = await reaper.scanner.survey();
  if (all !== null && left(reaper, all).length > 0) return false;
  return seesNone(reaper);
}

/** One empty look proves nothing when a process ended during it: that process may have left a child. It takes a sure look, or many. */
function seesNone(reaper: Reaper): boolean {
  for (let looks = 0; looks < enoughLooks; looks++) {
    const round = reaper.scanner.glance();
    if (left(reaper, round).length > 0) return false;
    if (round.sure) return true;
  }
  return true;
}

/** Without /proc (macOS) only the process group is known: a process that left it by setsid is not found. */
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

/** True when the signal was sent. Never sends to group 0 (our own) or 1 (`kill(-1)` means all processes). */
function signalGroup(group: number | null, name: NodeJS.Signals | 0): boolean {
  if (group === null || group <= 1) return false;
  return send(-group, name) === 'sent';
}

function signal(reaper: Reaper, one: Seen, name: NodeJS.Signals): void {
  reaper.seen.add(one.pid);
  if (send(one.pid, name) === 'denied') reaper.denied.add(one.pid);
}

function send(pid: number, name: NodeJS.Signals | 0): 'sent' | 'gone' | 'denied' {
  try {
    process.kill(pid, name);
    return 'sent';
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM' ? 'denied' : 'gone';
  }
}
