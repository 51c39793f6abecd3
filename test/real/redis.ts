import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.ts';

/** A Redis of its own on a free port of loopback; nothing of it is kept on a disk. */
export interface RealRedis {
  url: string;
  port: number;
  pid(): number;
  /** What redis-cli answers. */
  cli(...words: string[]): string;
  /** Ends it as a crash does. */
  kill(): Promise<void>;
  /** Starts it again on the same port, empty. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

export const hasRedis = spawnSync('redis-server', ['--version']).status === 0;

export async function startRedis(settings: Record<string, string> = {}): Promise<RealRedis> {
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), 'tocsin-redis-'));
  const all = {
    port: `${port}`,
    bind: '127.0.0.1',
    save: '',
    appendonly: 'no',
    'maxmemory-policy': 'noeviction',
    dir: folder,
    ...settings,
  };
  const args = Object.entries(all).flatMap(([name, value]) => [`--${name}`, value]);
  let child: ChildProcess | null = null;

  async function start() {
    const made = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] });
    child = made;
    await new Promise<void>((resolve, reject) => {
      let text = '';
      made.stdout?.on('data', chunk => {
        text += chunk;
        if (text.includes('Ready to accept connections')) resolve();
      });
      made.once('error', reject);
      made.once('exit', code => reject(new Error(`redis-server ended with ${code}: ${text}`)));
    });
  }

  async function kill() {
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  await start();
  return {
    url: `redis://127.0.0.1:${port}/0`,
    port,
    pid: () => child?.pid ?? 0,
    cli(...words) {
      const password = settings['requirepass'];
      const auth = password === undefined ? [] : ['-a', password, '--no-auth-warning'];
      const made = spawnSync('redis-cli', ['-p', `${port}`, ...auth, ...words], { encoding: 'utf8' });
      return made.stdout.trim();
    },
    kill,
    start,
    async stop() {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
