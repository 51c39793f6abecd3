import { readdirSync, readFileSync } from 'node:fs';
import type { Clock } from '../clock.ts';
import { over } from '../over.ts';

/**
 * Looks at the descendants of a running child, so that one that loses its parent, its session and its environment later is still known by
 * pid and start. A look reads only the child's own tree, and looks become rare.
 */
export interface Watch {
  /** Start by pid, in clock ticks since boot, of the living processes that were seen. */
  known(): ReadonlyMap<number, string>;
  /** One look, now. */
  look(): Promise<void>;
  stop(): void;
}

/** Milliseconds before the first look; each pause is twice the one before, up to the longest. */
const firstPause = 20;
const longestPause = 10_000;
/** The most processes that one look reads. */
const mostProcesses = 2000;

/** `seen`: start by pid of what is known from before. */
export function createWatch(clock: Clock, root: number, seen: ReadonlyMap<number, string> = new Map()): Watch {
  const end = new AbortController();
  let known = seen;
  const look = async () => {
    known = await readTree(root, known);
  };
  const loop = async () => {
    for (let pause = firstPause; ; pause = Math.min(pause * 2, longestPause)) {
      await clock.sleep(pause, end.signal);
      await look();
    }
  };
  loop().catch(() => {});
  return { known: () => known, look, stop: () => end.abort(over) };
}

/** Processes that are read before the loop turns. Few files of /proc are read faster than they are asked for elsewhere. */
const slice = 16;

/** The living processes among those that are known, and their descendants. */
async function readTree(root: number, known: ReadonlyMap<number, string>): Promise<Map<number, string>> {
  const seen = new Map<number, string>();
  const waiting = [root, ...known.keys()];
  let read = 0;
  for (let pid = waiting.pop(); pid !== undefined && seen.size < mostProcesses; pid = waiting.pop()) {
    if (seen.has(pid)) continue;
    if (++read % slice === 0) await new Promise(resolve => setImmediate(resolve));
    const start = startOf(pid);
    // Pids are used again: one that started at another time is somebody else's.
    if (start === null || (known.get(pid) ?? start) !== start) continue;
    seen.set(pid, start);
    waiting.push(...childrenOf(pid));
  }
  return seen;
}

function startOf(pid: number): string | null {
  const stat = textOf(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
}

/** Each thread has children of its own. Empty where the kernel does not list them. */
function childrenOf(pid: number): number[] {
  const lists = threadsOf(pid).map(thread => textOf(`/proc/${pid}/task/${thread}/children`));
  return lists.flatMap(list => list.split(' ').filter(Boolean).map(Number));
}

function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

/** Empty for a process that is gone. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
