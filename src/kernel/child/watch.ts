import { readdir, readFile } from 'node:fs/promises';
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

/** The living processes among those that are known, and their descendants. */
async function readTree(root: number, known: ReadonlyMap<number, string>): Promise<Map<number, string>> {
  const seen = new Map<number, string>();
  const waiting = [root, ...known.keys()];
  for (let pid = waiting.pop(); pid !== undefined && seen.size < mostProcesses; pid = waiting.pop()) {
    if (seen.has(pid)) continue;
    const start = await startOf(pid);
    // Pids are used again: one that started at another time is somebody else's.
    if (start === null || (known.get(pid) ?? start) !== start) continue;
    seen.set(pid, start);
    waiting.push(...(await childrenOf(pid)));
  }
  return seen;
}

async function startOf(pid: number): Promise<string | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => null);
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
}

/** Each thread has children of its own. Empty where the kernel does not list them. */
async function childrenOf(pid: number): Promise<number[]> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
  const lists = await Promise.all(
    threads.map(thread => readFile(`/proc/${pid}/task/${thread}/children`, 'latin1').catch(() => '')),
  );
  return lists.flatMap(list => list.split(' ').filter(Boolean).map(Number));
}
