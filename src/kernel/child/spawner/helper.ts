/** The program of a spawn helper where there is no Perl: it starts what its parent orders, says how each ended, and ends with its parent. */

// Node forks the whole process to start a program, which blocks the loop for the longer the more memory there is. This one has little.

import { spawn } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { constants as system } from 'node:os';
import { createOrderReader, decodeOrder, encodeReport, type Order, type Report } from './wire.ts';

const parent = Number(process.argv[2]);

function report(what: Report) {
  process.stdout.write(encodeReport(what));
}

/** The descriptors of the program. Our copies are closed after the start. Opening waits for nobody: the parent holds both ends. */
function openAll({ stdin, stdout, stderr }: Order, opened: number[]): (number | 'ignore')[] {
  const open = (fd: number | null, flags: number) => {
    if (fd === null) return 'ignore' as const;
    const ours = openSync(`/proc/${parent}/fd/${fd}`, flags);
    opened.push(ours);
    return ours;
  };
  return [open(stdin, constants.O_RDONLY), open(stdout, constants.O_WRONLY), open(stderr, constants.O_WRONLY)];
}

function start(id: number, order: Order) {
  const opened: number[] = [];
  try {
    const stdio = openAll(order, opened);
    // A new session and process group, so that a signal to the group reaches only the child and its descendants.
    const child = spawn(order.file, order.args, { cwd: order.cwd, env: order.env, detached: true, stdio });
    child.once('error', error => report({ kind: 'failed', id, errno: errnoOf(error) }));
    child.once('exit', (exitCode, signal) =>
      report({ kind: 'exited', id, exitCode, signal: signal && system.signals[signal] }),
    );
    if (child.pid !== undefined) report({ kind: 'started', id, pid: child.pid });
  } finally {
    for (const fd of opened) closeSync(fd);
  }
}

function errnoOf(error: unknown): number {
  const errno = error instanceof Error && 'errno' in error ? Math.abs(Number(error.errno)) : 0;
  return errno > 0 ? errno : system.errno.EPERM;
}

const read = createOrderReader(text => {
  const { id, order } = decodeOrder(text);
  try {
    start(id, order);
  } catch (error) {
    report({ kind: 'failed', id, errno: errnoOf(error) });
  }
});
process.stdin.on('data', read);
process.stdin.on('end', () => process.exit(0));
// A stop is for the parent to carry out: steps are told first. The parent's end closes the input.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => {});
report({ kind: 'ready' });
