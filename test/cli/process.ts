import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '../..');
const node = join(root, 'node_modules/.bin/node');

const children: ChildProcess[] = [];

export interface Started {
  child: ChildProcess;
  out(): string;
  err(): string;
  /** Resolves to what the process has printed so far when it holds the text; rejects when the process ends before. */
  prints(text: string): Promise<string>;
  ended: Promise<number | null>;
}

/** Starts the real process on a folder of its own, at a free port. Every process that was started here is ended by endAll. */
export function start(folder: string, options: { command?: string[]; env?: Record<string, string> } = {}): Started {
  const [program = '', ...args] = options.command ?? [node, join(root, 'src/main.ts')];
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
    TOCSIN_CONFIG: join(folder, 'tocsin.yaml'),
    TOCSIN_DATA: join(folder, 'data'),
    TOCSIN_LISTEN: '127.0.0.1:0',
    ...options.env,
  };
  const child = spawn(program, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  let out = '';
  let err = '';
  const waiting: { text: string; resolve: (all: string) => void }[] = [];
  const tell = () => {
    for (const one of waiting) if ((out + err).includes(one.text)) one.resolve(out + err);
  };
  child.stdout?.on('data', chunk => {
    out += chunk;
    tell();
  });
  child.stderr?.on('data', chunk => {
    err += chunk;
    tell();
  });
  const ended = once(child, 'close').then(([code]) => code as number | null);
  return {
    child,
    out: () => out,
    err: () => err,
    prints: text =>
      new Promise((resolve, reject) => {
        waiting.push({ text, resolve });
        tell();
        void ended.then(code => reject(new Error(`ended with ${code} before it printed ${text}: ${out}${err}`)));
      }),
    ended,
  };
}

/** Waits for the link that start prints. */
export async function ready(process: Started): Promise<{ url: string; key: string }> {
  const text = await process.prints('Tocsin is ready: ');
  const link = /Tocsin is ready: (\S+)/.exec(text)?.[1] ?? '';
  const { origin, searchParams } = new URL(link);
  return { url: origin, key: searchParams.get('key') ?? '' };
}

export function endAll(): void {
  for (const child of children.splice(0)) if (child.exitCode === null) child.kill('SIGKILL');
}

/** Waits for a state that must come; the test's own time limit ends a wait for one that does not. */
export async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise(resolve => setTimeout(resolve, 20));
}

/** One firing alert as Alertmanager delivers it. */
export const delivery = JSON.stringify({
  version: '4',
  receiver: 'tocsin',
  status: 'firing',
  groupKey: '{}',
  alerts: [
    {
      status: 'firing',
      labels: { alertname: 'Test' },
      annotations: {},
      startsAt: '2026-01-01T00:00:00Z',
      endsAt: '0001-01-01T00:00:00Z',
      fingerprint: 'f1',
    },
  ],
});
