import { readdirSync, readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { limitTest } from './limit-mark.ts';

/** One living process, from /proc. */
export interface Seen {
  pid: number;
  parent: number;
  group: number;
  session: number;
  /** When it started, in clock ticks since boot: pid and start together identify a process although pids are reused. */
  start: string;
  /** What it calls itself, at most 15 bytes. */
  name: string;
  /** True when its environment has the marker, or its limits have the mark. */
  marked: boolean;
}

/** The environment variable of every child of a step; descendants inherit it. */
export const markerName = 'TOCSIN_STEP';

export interface Round {
  found: Seen[];
  /** False when a process ended during the look: it may have left a child that is not in the list. */
  sure: boolean;
}

/**
 * Finds the processes of a step: those with the marker in their environment, those with its mark in their limits (limit-mark.ts), those of
 * the root's group and session, those that were known before by pid and start, and the descendants and sessions of all of them. /proc shows
 * the environment a process was started with, so a process that called setsid or forked twice still has the marker; one that overwrote it
 * (nginx, sshd, the master of a shared ssh connection) still has its limits. Not found, where there is no prlimit to set limits: a process
 * that cleared or overwrote its environment, left the session and lost its parent before the first look.
 */
export interface Scanner {
  /** Reads all processes, without blocking for long. Null where there is no /proc (macOS). */
  survey(): Promise<Round | null>;
  /**
   * Reads, synchronously, the processes that belong to the step or are new since the last look. Calls `onSight` for each one at once,
   * before it can fork again.
   */
  glance(onSight?: (one: Seen) => void): Round;
}

interface Memory {
  root: number | null;
  self: number;
  matches: (environ: Buffer) => boolean;
  isLimited: (limits: string) => boolean;
  /** Start by pid of the step's processes: once found, they still count when their parent has ended. */
  ours: Map<number, string>;
  unrelated: Set<number>;
  zombies: Set<number>;
}

/** `known`: start by pid of processes that were seen as descendants of the root. */
export function createScanner(
  marker: string,
  root: number | null,
  known: ReadonlyMap<number, string> = new Map(),
): Scanner {
  const memory: Memory = {
    root,
    self: process.pid,
    matches: markerTest(marker),
    isLimited: limitTest(marker),
    ours: new Map(known),
    unrelated: new Set(),
    zombies: new Set(),
  };
  return { survey: () => survey(memory), glance: onSight => glance(memory, onSight) };
}

async function survey(memory: Memory): Promise<Round | null> {
  const names = await readdir('/proc').catch(() => null);
  if (names === null || !names.includes('self')) return null;
  const pids = names.filter(isPid);
  const all: Seen[] = [];
  let sure = true;
  // In slices: thousands of files open at once would use up the descriptors that children need.
  for (let i = 0; i < pids.length; i += 64) {
    for (const one of await Promise.all(pids.slice(i, i + 64).map(pid => readProcess(pid, memory)))) {
      if (one === 'gone') sure = false;
      else if (one !== 'zombie') all.push(one);
    }
  }
  const found = belongTo(all, memory);
  memory.ours = new Map(found.map(one => [one.pid, one.start]));
  memory.unrelated = new Set(all.flatMap(one => (memory.ours.has(one.pid) ? [] : [one.pid])));
  return { found, sure };
}

function glance(memory: Memory, onSight?: (one: Seen) => void): Round {
  const round: Round = { found: [], sure: true };
  for (const name of readdirSync('/proc')) {
    if (!isPid(name) || memory.unrelated.has(Number(name))) continue;
    const one = readProcessNow(name, memory);
    if (one === 'gone') round.sure = false;
    else if (one !== 'zombie' && isOurs(one, memory)) {
      onSight?.(one);
      memory.ours.set(one.pid, one.start);
      round.found.push(one);
    } else memory.unrelated.add(Number(name));
  }
  return round;
}

function isPid(name: string): boolean {
  const first = name.charCodeAt(0);
  return first >= 0x31 && first <= 0x39;
}

function isOurs(one: Seen, memory: Memory): boolean {
  const { ours } = memory;
  if (one.marked || ours.get(one.pid) === one.start || ours.has(one.parent) || ours.has(one.session)) return true;
  return memory.root !== null && (one.pid === memory.root || one.group === memory.root || one.session === memory.root);
}

/**
 * The step's processes with all their descendants. This process and its ancestors are excluded: a Tocsin that was started by a step of
 * another Tocsin has that step's marker itself.
 */
function belongTo(all: readonly Seen[], memory: Memory): Seen[] {
  const excluded = lineOf(all, memory.self);
  const seen = all.filter(one => !excluded.has(one.pid));
  const starts = new Map(all.map(one => [one.pid, one.start]));
  for (const [pid, start] of memory.ours) if (starts.get(pid) !== start) memory.ours.delete(pid);
  const chosen = new Set(seen.filter(one => isOurs(one, memory)).map(one => one.pid));
  for (let size = -1; size !== chosen.size; ) {
    size = chosen.size;
    for (const one of seen) if (chosen.has(one.parent) || chosen.has(one.session)) chosen.add(one.pid);
  }
  return seen.filter(one => chosen.has(one.pid));
}

/** The process and its ancestors. */
function lineOf(all: readonly Seen[], pid: number): Set<number> {
  const byPid = new Map(all.map(one => [one.pid, one]));
  const line = new Set<number>();
  for (let at = byPid.get(pid); at !== undefined && !line.has(at.pid); at = byPid.get(at.parent)) line.add(at.pid);
  return line;
}

type Look = Seen | 'gone' | 'zombie';

async function readProcess(pid: string, memory: Memory): Promise<Look> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => null);
  if (stat === null) return 'gone';
  const one = parseProcess(pid, stat, await readFile(`/proc/${pid}/environ`).catch(() => null), memory);
  if (typeof one === 'object' && !one.marked)
    one.marked = memory.isLimited(await readFile(`/proc/${pid}/limits`, 'latin1').catch(() => ''));
  return one;
}

function readProcessNow(pid: string, memory: Memory): Look {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const one = parseProcess(pid, stat, readOrNull(`/proc/${pid}/environ`), memory);
    if (typeof one === 'object' && !one.marked)
      one.marked = memory.isLimited(readOrNull(`/proc/${pid}/limits`)?.toString('latin1') ?? '');
    return one;
  } catch {
    return 'gone';
  }
}

/** True while the same process, and no later one with its pid, is there. */
export function isAlive({ pid, start }: Pick<Seen, 'pid' | 'start'>): boolean {
  const stat = readOrNull(`/proc/${pid}/stat`)?.toString('latin1') ?? '';
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[19] === start && fields[0] !== 'Z' && fields[0] !== 'X';
}

export interface RunningProgram {
  argv: readonly string[];
  env: Readonly<Record<string, string>>;
}

/** The arguments and the environment of a process, 4 KiB and 32 KiB at most; empty when it is gone, or another user's. */
export function readProgram(pid: number): RunningProgram {
  const texts = (file: string, most: number) =>
    (readOrNull(`/proc/${pid}/${file}`) ?? Buffer.alloc(0)).subarray(0, most).toString().split('\0');
  const env = texts('environ', 32_768).map(one => [one.slice(0, one.indexOf('=')), one.slice(one.indexOf('=') + 1)]);
  return { argv: texts('cmdline', 4096), env: Object.fromEntries(env) };
}

/** Null when it belongs to another user or is gone by now. */
function readOrNull(file: string): Buffer | null {
  try {
    return readFileSync(file);
  } catch {
    return null;
  }
}

function parseProcess(pid: string, stat: string, environ: Buffer | null, memory: Memory): Look {
  // The name in parentheses may hold spaces and parentheses, so fields are counted after the last one (proc_pid_stat(5), from field 3).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, parent, group, session] = fields;
  if (state === 'Z' || state === 'X') {
    if (memory.zombies.has(Number(pid))) return 'zombie';
    memory.zombies.add(Number(pid));
    return 'gone';
  }
  return {
    pid: Number(pid),
    parent: Number(parent),
    group: Number(group),
    session: Number(session),
    start: fields[19] ?? '',
    name: stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')')),
    marked: environ !== null && memory.matches(environ),
  };
}

/** A test for the exact value, or for any value with this prefix when the marker ends in '/'. */
function markerTest(marker: string): (environ: Buffer) => boolean {
  const start = Buffer.from(`${markerName}=${marker}`);
  const whole = !marker.endsWith('/');
  return environ => {
    for (let at = environ.indexOf(start); at >= 0; at = environ.indexOf(start, at + 1)) {
      const end = at + start.length;
      const begins = at === 0 || environ[at - 1] === 0;
      if (begins && (!whole || end === environ.length || environ[end] === 0)) return true;
    }
    return false;
  };
}
