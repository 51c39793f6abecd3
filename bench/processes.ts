import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LoadOrder, LoadReport } from './load.ts';

export const root = join(import.meta.dirname, '..');
const limit = 60_000;

/** A process of the benchmark; `close` ends it and waits for its end. */
export interface Running {
  port: number;
  pid: number;
  /** Milliseconds from its start until it was ready. */
  readyAfter: number;
  close(): Promise<void>;
}

/** Starts a program of this folder that prints its port when it is ready. */
export async function startProgram(name: string, ...words: readonly string[]): Promise<Running> {
  const began = performance.now();
  const child = spawn(process.execPath, [join(import.meta.dirname, name), ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(child.stdout, 'data');
  return {
    port: Number(String(line).trim()),
    pid: pidOf(child),
    readyAfter: performance.now() - began,
    close: () => end(child),
  };
}

/**
 * Starts Tocsin with these files, or in the `folder` of an earlier one with its files and data; with `command` as people do (`npm start`),
 * else node itself.
 */
export async function startTocsin(options: {
  files?: Record<string, string>;
  folder?: string;
  command?: readonly string[];
  nodeOptions?: readonly string[];
  env?: Record<string, string>;
}): Promise<Running & { folder: string; stop(): Promise<void>; crash(): Promise<void> }> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'tocsin-bench-')));
  for (const [path, text] of Object.entries(options.files ?? {})) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  const port = await freePort();
  const [program = '', ...args] = options.command ?? [process.execPath, ...(options.nodeOptions ?? []), 'src/main.ts'];
  const began = performance.now();
  const child = spawn(program, args, {
    cwd: root,
    // npm forwards signals late, so npm and its children are a process group that is signalled as a whole.
    detached: true,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      ...((options.files ?? options.folder) && { TOCSIN_CONFIG: join(folder, 'tocsin.yaml') }),
      TOCSIN_DATA: join(folder, 'data'),
      TOCSIN_LISTEN: `127.0.0.1:${port}`,
      TOCSIN_LOG: 'warn',
      ...options.env,
    },
  });
  await untilReady(port, child);
  const readyAfter = performance.now() - began;
  // Leaves the files, for a look at them.
  const stop = () => end(child);
  const close = async () => {
    await stop();
    await rm(folder, { recursive: true, force: true });
  };
  const pid = await listenerOf(pidOf(child));
  const crash = async () => {
    const ended = once(child, 'exit');
    process.kill(pid, 'SIGKILL');
    await ended;
  };
  return { port, pid, readyAfter, folder, stop, close, crash };
}

async function untilReady(port: number, child: ChildProcess): Promise<void> {
  const until = performance.now() + limit;
  while (performance.now() < until) {
    if (child.exitCode !== null) throw new Error(`Tocsin ended with ${child.exitCode} before it was ready`);
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => null);
    if (answer?.status === 200) return;
    await sleep(5);
  }
  throw new Error('Tocsin was not ready within a minute');
}

/** The pid of Tocsin itself: below npm and its shell it is the last descendant. */
async function listenerOf(pid: number): Promise<number> {
  const [first] = await childrenOf(pid);
  return first === undefined ? pid : await listenerOf(first);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  const pid = pidOf(child);
  try {
    process.kill(-pid, 'SIGTERM');
  } catch {
    child.kill('SIGTERM');
  }
  await Promise.race([ended, sleep(20_000, undefined, { ref: false }).then(() => child.kill('SIGKILL'))]);
}

function pidOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error('the process did not start');
  return child.pid;
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

export function load(order: LoadOrder): Promise<LoadReport> {
  return runAside(join(import.meta.dirname, 'load.ts'), order);
}

/** Runs a file in a process of its own with the order as its argument. Resolves to the JSON that it prints. */
export async function runAside<T>(file: string, order: object): Promise<T> {
  const child = spawn(process.execPath, [file, JSON.stringify(order)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', chunk => {
    text += chunk;
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`the load ended with ${code}`);
  return JSON.parse(text);
}

/** Resident memory, MB. */
export async function memoryOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
}

/** Processor time of all threads since the process began, microseconds. Other load on the machine does not change it. */
export async function processorTimeOf(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? [];
  // utime and stime, in ticks of which Linux shows 100 a second.
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

/** The processor time of a process and its living descendants, microseconds. */
export async function processorTimeOfAll(pid: number): Promise<number> {
  const times = await Promise.all((await childrenOf(pid)).map(child => processorTimeOf(child).catch(() => 0)));
  return times.reduce((sum, time) => sum + time, await processorTimeOf(pid));
}

/** The memory of a process and its living descendants, MB; a page that several of them share is counted once (PSS). */
export async function pssOf(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '');
  const own = Number(/^Pss:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0) / 1024;
  const others = await Promise.all((await childrenOf(pid)).map(pssOf));
  return others.reduce((sum, size) => sum + size, own);
}

async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  return text.trim().split(' ').filter(Boolean).map(Number);
}
