import type { Clock } from '../clock.ts';
import { TocsinError } from '../errors.ts';
import type { Log } from '../log.ts';
import { visibleLine } from '../text.ts';
import {
  createScanner,
  isAlive,
  type Round,
  type RunningProgram,
  readProgram,
  type Scanner,
  type Seen,
} from './scan.ts';

export interface KillParts {
  clock: Clock;
  log: Log;
}

export interface KillTarget {
  /** The marker's exact value, or a prefix that ends in '/'. */
  marker: string;
  /** The pid of the main child, which leads its own process group and session; null when only the marker is known. */
  root: number | null;
  /** Start by pid of processes that were seen as its descendants; see watch.ts. */
  known?: ReadonlyMap<number, string>;
  /** The first signal; TERM when left out. */
  signal?: NodeJS.Signals;
}

/** A process of a step that could not be ended. */
export interface Remaining {
  pid: number;
  name: string;
  because: 'it belongs to another user' | 'it does not end after KILL';
}

export interface KillReport {
  /** The number of processes that were found. */
  count: number;
  /** What those ran that were found before the first signal; null where there is no /proc. */
  programs: readonly RunningProgram[] | null;
  /** True when the first signal did not end all of them, or when none was found any more. */
  killed: boolean;
  left: readonly Remaining[];
}

/** Milliseconds after which processes that survive KILL are given up. */
const killTimeout = 10_000;
/** The most processes whose arguments are read. */
const mostPrograms = 200;

/** As stopAll. Resolves to the number of processes found; rejects with `children-left` when some survive KILL. */
export async function killAll(parts: KillParts, target: KillTarget, grace: number): Promise<number> {
  const report = await stopAll(parts, target, grace);
  const stuck = report.left.filter(one => one.because === 'it does not end after KILL');
  if (stuck.length > 0) throw new TocsinError('children-left', { given: showRemaining(stuck) });
  return report.count;
}

/** `pid 12 (sleep), pid 13 (tail)`. */
export function showRemaining(left: readonly Remaining[]): string {
  return left.map(({ pid, name }) => `pid ${pid} (${visibleLine(name)})`).join(', ');
}

/**
 * Sends the first signal to all processes of the target and KILL after `grace` milliseconds, repeated until none is found. What is left
 * then survives KILL for 10 s (it waits inside the kernel), or belongs to another user (started with sudo) and cannot be signalled.
 */
export async function stopAll(parts: KillParts, target: KillTarget, grace: number): Promise<KillReport> {
  const first = target.signal ?? 'SIGTERM';
  const scanner = createScanner(target.marker, target.root, target.known);
  // Survey before the first signal: once a parent is dead, its children can no longer be found through it.
  const all = await scanner.survey();
  if (all === null) return await killGroup(parts, target.root, first, grace);
  const programs = all.found.slice(0, mostPrograms).map(one => readProgram(one.pid));
  const reaper: Reaper = { ...parts, scanner, seen: new Set(), denied: new Map() };
  // A shell whose program handles INT and ends well goes on with its next line, so it is ended before its program is.
  const shells = first === 'SIGTERM' ? [] : all.found.filter(one => shellNames.has(one.name));
  for (const one of shells) signal(reaper, one, 'SIGTERM');
  for (const one of all.found) if (!shells.includes(one)) signal(reaper, one, first);
  // A stopped process receives a signal only after CONT.
  for (const one of all.found) signal(reaper, one, 'SIGCONT');
  const ended = await goneWithin(reaper, all.found.length === 0 ? 0 : grace);
  const stuck = ended ? [] : await killUntilNone(reaper);
  const denied = [...reaper.denied.values()].filter(isAlive);
  if (denied.length > 0) {
    const pids = denied.map(one => one.pid);
    parts.log.warn({ marker: target.marker, pids }, 'processes of a step belong to another user and were left');
  }
  if (stuck.length > 0)
    parts.log.error({ marker: target.marker, pids: stuck.map(one => one.pid) }, 'processes of a step survive KILL');
  return {
    count: reaper.seen.size,
    programs,
    killed: !ended,
    left: [
      ...denied.map(one => ({ pid: one.pid, name: one.name, because: 'it belongs to another user' as const })),
      ...stuck.map(one => ({ pid: one.pid, name: one.name, because: 'it does not end after KILL' as const })),
    ],
  };
}

const shellNames: ReadonlySet<string> = new Set(['sh', 'ash', 'bash', 'busybox', 'dash', 'ksh', 'mksh', 'zsh']);

interface Reaper extends KillParts {
  scanner: Scanner;
  /** Pids of all processes that were ever found. */
  seen: Set<number>;
  /** Those that may not be signalled (EPERM), by pid. */
  denied: Map<number, Seen>;
}

async function goneWithin(reaper: Reaper, grace: number): Promise<boolean> {
  const end = reaper.clock.monotonic() + grace;
  for (let pause = 5; reaper.clock.monotonic() < end; pause = Math.min(pause * 2, 200)) {
    await reaper.clock.sleep(Math.min(pause, Math.max(0, end - reaper.clock.monotonic())));
    if (left(reaper, reaper.scanner.glance()).length === 0 && (await isOver(reaper))) return true;
  }
  return false;
}

/**
 * Kills whole process groups first: the kernel does that in one call, during which a fork bomb cannot fork. Resolves to those that are
 * still there after the time.
 */
async function killUntilNone(reaper: Reaper): Promise<readonly Seen[]> {
  const end = reaper.clock.monotonic() + killTimeout;
  let last: Seen[] = [];
  do {
    last = left(
      reaper,
      reaper.scanner.glance(one => killOnSight(reaper, one)),
    );
    if (last.length === 0 && (await isOver(reaper))) return [];
    await reaper.clock.sleep(last.length === 0 ? 0 : 2);
  } while (reaper.clock.monotonic() < end);
  return last;
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
async function killGroup(
  parts: KillParts,
  root: number | null,
  first: NodeJS.Signals,
  grace: number,
): Promise<KillReport> {
  const report = { programs: null, killed: false, left: [] };
  if (root === null) {
    parts.log.warn({}, 'this system has no /proc: processes that a stopped Tocsin left behind cannot be found');
    return { ...report, count: 0 };
  }
  parts.log.debug({ group: root }, 'this system has no /proc: only the process group is stopped');
  const end = parts.clock.monotonic() + grace;
  signalGroup(root, first);
  while (signalGroup(root, 0) && parts.clock.monotonic() < end) await parts.clock.sleep(25);
  return { ...report, count: 1, killed: signalGroup(root, 'SIGKILL') };
}

/** True when the signal was sent. Never sends to group 0 (our own) or 1 (`kill(-1)` means all processes). */
function signalGroup(group: number | null, name: NodeJS.Signals | 0): boolean {
  if (group === null || group <= 1) return false;
  return send(-group, name) === 'sent';
}

function signal(reaper: Reaper, one: Seen, name: NodeJS.Signals): void {
  reaper.seen.add(one.pid);
  if (send(one.pid, name) === 'denied') reaper.denied.set(one.pid, one);
}

function send(pid: number, name: NodeJS.Signals | 0): 'sent' | 'gone' | 'denied' {
  try {
    process.kill(pid, name);
    return 'sent';
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM' ? 'denied' : 'gone';
  }
}
