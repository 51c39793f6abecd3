import { type ChildProcess, spawn } from 'node:child_process';
import { Socket } from 'node:net';
import { TocsinError } from '../../errors.ts';
import type { Order, Spawned } from './wire.ts';

type Here = Omit<Order, 'mark'>;

/** Starts a program from this process, as a helper would. It blocks the loop for milliseconds, the more the more memory is in use. */
export async function spawnHere(order: Here): Promise<Spawned> {
  return await begun(start(order, [order.stdin ?? 'ignore', order.stdout ?? 'ignore', order.stderr ?? 'ignore']));
}

/** The same with Node's own connections for the outputs, which /dev/stderr cannot open. */
export async function spawnWithSockets(order: Omit<Here, 'stdout' | 'stderr'>) {
  const child = start(order, [order.stdin ?? 'ignore', 'pipe', 'pipe']);
  const spawned = await begun(child);
  const { stdout, stderr } = child;
  if (!(stdout instanceof Socket) || !(stderr instanceof Socket)) throw new TocsinError('spawn-failed');
  return { ...spawned, stdout, stderr };
}

function start(order: Omit<Here, 'stdout' | 'stderr'>, stdio: (number | 'ignore' | 'pipe')[]): ChildProcess {
  return spawn(order.file, order.args, { cwd: order.cwd, env: order.env, detached: true, stdio });
}

async function begun(child: ChildProcess): Promise<Spawned> {
  const exited = new Promise<Awaited<Spawned['exited']>>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (exitCode, signal) => resolve({ exitCode, signal }));
  });
  // A caller that awaits it later still sees the rejection; without this it would count as unhandled until then.
  exited.catch(() => {});
  if (child.pid === undefined) {
    await exited;
    throw new TocsinError('spawn-failed');
  }
  return { pid: child.pid, exited };
}
