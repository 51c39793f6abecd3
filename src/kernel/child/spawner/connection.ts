import { type ChildProcess, spawn } from 'node:child_process';
import { Socket } from 'node:net';
import { constants } from 'node:os';
import { messageOf } from '../../errors.ts';
import type { HelperKind } from './kinds.ts';
import { createOrders, systemError } from './orders.ts';
import { decodeReport, encodeOrder, type Order, type Report, type Spawned } from './wire.ts';

/** The connection to one spawn helper. */
export interface Helper {
  readonly kind: HelperKind;
  /** As Spawner.spawn. */
  spawn(order: Order): Promise<Spawned>;
  /** Orders that have not begun. */
  pending(): number;
  alive(): boolean;
  close(): void;
}

/**
 * Milliseconds that a helper has for its first word, and for the beginning of a program: beyond that it is given up. They are real ones, by
 * no clock that is passed in, because the helper is a process of its own.
 */
const patience = 30_000;

/** Starts a helper. Resolves to the reason in words when it cannot run. */
export async function startHelper(kind: HelperKind, onEnd: (helper: Helper) => void): Promise<Helper | string> {
  const launched = launch(kind);
  if (typeof launched === 'string') return launched;
  const child: ChildProcess = launched;
  const { stdin, stdout } = child;
  const orders = createOrders(() => performance.now());
  const ready = Promise.withResolvers<string | null>();
  // One look for all orders: a timer for each would cost more than its message.
  const guarding = setInterval(() => orders.late(patience) && end('a spawn helper did not answer'), patience / 4);
  let alive = true;

  function end(because: string) {
    if (!alive) return;
    alive = false;
    clearInterval(guarding);
    child.kill('SIGKILL');
    ready.resolve(because);
    orders.lose(because);
    onEnd(helper);
  }
  function hear(report: Report | null) {
    if (report === null) return end('a spawn helper said what nobody understands');
    if (report.kind === 'ready') return ready.resolve(null);
    orders.hear(report);
    if (orders.open() === 0) keep(child, false);
  }
  const helper: Helper = {
    kind,
    pending: orders.pending,
    alive: () => alive,
    close: () => stdin?.end(),
    async spawn(order) {
      if (isTooLong(order)) throw systemError(constants.errno.E2BIG);
      if (orders.open() === 0) keep(child, true);
      const { id, began } = orders.add();
      if (stdin !== null) writeTogether(stdin, encodeOrder(id, order));
      return await began;
    },
  };
  guarding.unref();
  onLines(stdout, line => hear(decodeReport(line)));
  stdin?.on('error', error => end(messageOf(error)));
  child.on('error', error => end(messageOf(error)));
  // One that closes its output without ending can be asked for nothing any more.
  stdout?.on('close', () => child.kill('SIGKILL'));
  child.on('exit', (code, signal) => end(`a spawn helper ended with ${signal ?? code}`));
  const late = setTimeout(() => end('a spawn helper did not begin'), patience);
  const because = await ready.promise;
  clearTimeout(late);
  if (because === null) keep(child, false);
  return because ?? helper;
}

/** In a session of its own: Ctrl-C in a terminal is for this process, which tells its steps first. Secrets go through the pipe only. */
function launch({ argv: [file = '', ...args] }: HelperKind): ChildProcess | string {
  try {
    return spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'], env: {}, cwd: '/', detached: true });
  } catch (error) {
    return messageOf(error);
  }
}

/** Only a program that runs keeps this process alive, not a helper that has nothing to do. */
function keep(child: ChildProcess, needed: boolean) {
  for (const part of [child, child.stdin, child.stdout]) {
    if (part !== child && !(part instanceof Socket)) continue;
    if (needed) part.ref();
    else part.unref();
  }
}

/** What is written in one turn of the loop goes out together. */
function writeTogether(stdin: NonNullable<ChildProcess['stdin']>, order: Buffer) {
  if (stdin.writableCorked === 0) {
    stdin.cork();
    setImmediate(() => stdin.uncork());
  }
  stdin.write(order);
}

function onLines(stream: NodeJS.ReadableStream | null, take: (line: string) => void) {
  let rest = '';
  stream?.setEncoding('latin1');
  stream?.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) take(line);
  });
}

/** Bytes of arguments and environment beyond which Linux starts nothing, whatever its limits (execve(2): 6 MB). They are not sent. */
const mostBytes = 6 * 1024 * 1024;

function isTooLong({ args, env }: Order): boolean {
  let size = 0;
  for (const text of args) size += Buffer.byteLength(text) + 1;
  for (const name of Object.keys(env)) size += name.length + Buffer.byteLength(env[name] ?? '') + 2;
  return size > mostBytes;
}
