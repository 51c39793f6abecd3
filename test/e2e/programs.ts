import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { createServer } from 'node:net';
import { delimiter, join } from 'node:path';

/** What the end-to-end tests drive. Debian's names come first. */
const names = {
  prometheus: ['prometheus'],
  alertmanager: ['prometheus-alertmanager', 'alertmanager'],
  chromium: ['chromium', 'chromium-browser', 'google-chrome'],
} as const;

export type Programs = Record<keyof typeof names, string>;

/**
 * The programs by name, or what is missing, which is printed: tests that did not run must be seen. With CI=true it is a failure.
 * `npm test` and scripts/setup-test.sh install them where they can.
 */
export function findPrograms(): { programs: Programs; missing: null } | { programs: null; missing: string } {
  const found = Object.entries(names).map(([what, candidates]) => [what, findProgram(candidates)] as const);
  const missing = found.filter(([, path]) => path === null).map(([what]) => what);
  if (missing.length === 0) return { programs: Object.fromEntries(found) as Programs, missing: null };
  const reason = `end-to-end tests did not run: ${missing.join(', ')} not in PATH; run scripts/setup-test.sh as root`;
  if (process.env['CI'] === 'true') throw new Error(reason);
  console.warn(reason);
  return { programs: null, missing: reason };
}

function findProgram(candidates: readonly string[]): string | null {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    for (const candidate of candidates) {
      const path = join(folder, candidate);
      if (isExecutable(path)) return path;
    }
  }
  return null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export interface Program {
  pid: number;
  /** All that it wrote so far, both streams. */
  output(): string;
  /** Resolves when the output matches; rejects with the output when the program ends before. */
  says(pattern: RegExp): Promise<RegExpExecArray>;
  /** TERM, then KILL after ten seconds. Resolves to the exit code, or the signal's name. */
  stop(): Promise<number | string>;
  /** KILL, so that it writes nothing more. */
  kill(): Promise<number | string>;
  ended: Promise<number | string>;
}

/** Starts a program with exactly this environment. The test that starts it stops it, by its process id. */
export function startProgram(
  command: string,
  args: readonly string[],
  options: { env: Record<string, string>; cwd: string },
): Program {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  const listeners = new Set<() => void>();
  const take = (chunk: Buffer) => {
    text = (text + chunk.toString()).slice(-400_000);
    for (const listener of listeners) listener();
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  const ended = exitOf(child);
  const says = (pattern: RegExp) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      const look = () => {
        const found = pattern.exec(text);
        if (found === null) return;
        listeners.delete(look);
        resolve(found);
      };
      listeners.add(look);
      look();
      ended.then(
        code => reject(new Error(`${command} ended with ${code} before it said ${pattern}:\n${text}`)),
        error => reject(error),
      );
    });
  const kill = () => {
    child.kill('SIGKILL');
    return ended;
  };
  return { pid: child.pid ?? 0, output: () => text, says, ended, kill, stop: () => stopChild(child, ended) };
}

function exitOf(child: ChildProcess): Promise<number | string> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown'));
  });
}

async function stopChild(child: ChildProcess, ended: Promise<number | string>): Promise<number | string> {
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
  try {
    return await ended;
  } finally {
    clearTimeout(timer);
  }
}

/** A port that nobody listens on now, below the range from which connections take theirs, so that it is free a moment later too. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 200; tries++) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (await canListen(port)) return port;
  }
  throw new Error('no free port between 20000 and 32000');
}

function canListen(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** Asks again and again until the answer is not null. Says what was waited for when it never comes. */
export async function eventually<T>(what: string, ask: () => Promise<T | null>, within = 60_000): Promise<T> {
  const end = Date.now() + within;
  let last: unknown = null;
  while (Date.now() < end) {
    try {
      const found = await ask();
      if (found !== null) return found;
    } catch (error) {
      last = error;
    }
    await new Promise(resolve => setTimeout(resolve, 100));
  }
  throw new Error(`waited ${within / 1000} s in vain: ${what}`, { cause: last });
}
