import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Something that takes a POST and runs a program for it. */
export interface Peer {
  name: string;
  version: string;
  send: { port: number; path: string; headers: Record<string, string>; status: number };
  close(): Promise<void>;
}

/** Opens a peer with its files in a folder of its own, which runs `sh -c command` for each request. Null where it is not installed. */
export type OpenPeer = (folder: string, command: string, port: number) => Promise<Peer | null>;

/** A package below the folder that BENCH_PEERS names, or null. */
export function findPackage(name: string): { folder: string; version: string } | null {
  const folder = join(process.env['BENCH_PEERS'] ?? '', 'node_modules', name);
  const file = join(folder, 'package.json');
  if (!process.env['BENCH_PEERS'] || !existsSync(file)) return null;
  return { folder, version: String(JSON.parse(readFileSync(file, 'utf8')).version) };
}

/** Starts a peer, waits until it answers, and resolves to what ends it. Throws when it does not answer within 30 s. */
export async function startPeer(
  argv: readonly string[],
  options: { cwd: string; port: number; env?: Record<string, string> },
): Promise<() => Promise<void>> {
  const [program = '', ...args] = argv;
  const child = spawn(program, args, {
    cwd: options.cwd,
    stdio: 'ignore',
    env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', HOME: options.cwd, ...options.env },
  });
  const ended = once(child, 'exit');
  const close = async () => {
    child.kill();
    await Promise.race([ended, sleep(5000, undefined, { ref: false }).then(() => child.kill('SIGKILL'))]);
  };
  for (let tries = 0; tries < 600 && child.exitCode === null; tries++) {
    const answer = await fetch(`http://127.0.0.1:${options.port}/`).catch(() => null);
    if (answer !== null) return close;
    await sleep(50);
  }
  await close();
  throw new Error(`${program} ${args.join(' ')} did not answer`);
}
