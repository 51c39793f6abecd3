import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { App } from '../app.ts';
import { systemClock } from '../kernel/clock.ts';
import { explainError, TocsinError } from '../kernel/errors.ts';
import { createIds } from '../kernel/ids.ts';
import type { Log } from '../kernel/log.ts';
import { boundYoungGeneration } from '../kernel/small-heap.ts';
import { type CliCommand, optionOf } from './command.ts';
import { parseRole, readSettings } from './environment.ts';
import { makeHelper } from './helper.ts';
import { giveBackMemory } from './idle-memory.ts';
import { createLog } from './log.ts';
import { readVersion } from './process.ts';
import { exitCode, type Terminal } from './terminal.ts';

export const start: CliCommand = {
  name: 'start',
  about: 'Starts Tocsin and runs until it is told to stop (Ctrl-C or SIGTERM).',
  usage: '[--role <role>]',
  options: [
    {
      name: 'role',
      about:
        'What this process takes on: all (everything), intake (deliveries, API, console), worker (runs) or chat (platforms).',
      value: 'role',
    },
  ],
  words: { least: 0, most: 0 },
  examples: [
    'tocsin start',
    'tocsin start --role worker',
    'TOCSIN_LISTEN=127.0.0.1:9000 TOCSIN_DATA=/var/lib/tocsin tocsin start',
  ],
  run: (input, terminal) => startTocsin(terminal, optionOf(input, 'role')),
};

/**
 * Runs the process until it stops, in the given role, else in that of TOCSIN_ROLE. Resolves to the exit code. A failed start is explained
 * on standard error, without a stack.
 */
export async function startTocsin(terminal: Terminal, role: string | null = null): Promise<number> {
  let opened: Opened;
  try {
    opened = await open(terminal, role);
  } catch (error) {
    if (error instanceof StoppedEarly) return exitCode.ok;
    const refusal = asListenFailure(error);
    if (!(refusal instanceof TocsinError)) throw error;
    terminal.err(explainError(refusal));
    return exitCode.failed;
  }
  if (opened.stopper.asked() === null) greet(opened.app, terminal);
  giveBackMemory();
  boundYoungGeneration();
  return await stopInOrder(opened);
}

interface Opened {
  app: App;
  log: Log;
  stopper: Stopper;
}

async function open(terminal: Terminal, role: string | null): Promise<Opened> {
  const { logLevel, ...settings } = readSettings(terminal.env, terminal.cwd);
  const log = createLog(logLevel, terminal);
  const stopper = createStopper(log);
  const [{ createApp }] = await Promise.all([import('../app.ts'), makeHelper(terminal)]);
  const app = await createApp({
    env: terminal.env,
    clock: systemClock,
    ids: createIds(systemClock),
    log,
    version: readVersion(),
    at: `${hostname()} pid ${process.pid}`,
    // Kept in memory only: the processes of steps could read a file, and they must not approve.
    localKey: randomBytes(24).toString('base64url'),
    signal: stopper.signal,
    onFatal: endSoon(log),
    ...settings,
    ...(role === null ? {} : { role: parseRole('--role', role) }),
  });
  return { app, log, stopper };
}

/**
 * Ends the process soon after a disk failure, because only opening the file afresh shows what it holds. A supervisor starts Tocsin again.
 * The delay lets waiting requests get their 503 first.
 */
function endSoon(log: Log): (error: Error) => void {
  return error => {
    log.error(
      { reason: explainError(error) },
      'the database takes nothing more before a new start, so the process ends',
    );
    setTimeout(() => process.exit(exitCode.failed), 1000);
  };
}

/** The process was asked to stop while it still waited for its database, so nothing has to be stopped. */
class StoppedEarly extends Error {}

/** Converts the system's refusals of a listen address to errors with a remedy; returns any other error as it is. */
function asListenFailure(error: unknown): unknown {
  const { syscall, code, address, port } = error as NodeJS.ErrnoException & { address?: string; port?: number };
  if (syscall !== 'listen' && syscall !== 'getaddrinfo') return error;
  return new TocsinError('listen-failed', { given: `${address ?? ''}:${port ?? ''} (${code})`, cause: error });
}

async function stopInOrder({ app, log, stopper }: Opened): Promise<number> {
  const because = await stopper.requested;
  log.info({ because }, 'stopping: intake is closed, running steps may finish');
  try {
    await app.stop(because);
    log.info({}, 'stopped');
    return exitCode.ok;
  } catch (error) {
    log.error({ err: error }, 'did not stop in order');
    return exitCode.failed;
  }
}

function greet(app: App, terminal: Terminal): void {
  terminal.out(`Tocsin is ready: ${app.localLink ?? app.url}`);
  if (app.localLink !== null)
    terminal.err('This link lets its holder act as you, on this machine only. Ctrl-C stops Tocsin.');
}

interface Stopper {
  /** Resolves to the reason when the process is asked to stop. */
  requested: Promise<string>;
  asked(): string | null;
  /** Aborted with StoppedEarly when the process is asked to stop; only the start uses it. */
  signal: AbortSignal;
}

/**
 * Milliseconds within which two signals count as one. Ctrl-C below `npm start` arrives twice: the terminal sends it to npm and to this
 * process, and npm forwards it.
 */
const oneCtrlC = 1000;

/** The first signal starts an orderly stop, a later one ends the process at once. So does an uncaught error, as the state is journalled. */
function createStopper(log: Log): Stopper {
  const { promise, resolve } = Promise.withResolvers<string>();
  const early = new AbortController();
  let asked: string | null = null;
  let askedAt = 0;
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(signal, () => {
      const now = systemClock.now();
      if (asked !== null && Math.abs(now - askedAt) < oneCtrlC) return;
      if (asked !== null) process.exit(exitCode.interrupted);
      askedAt = now;
      asked = signal;
      early.abort(new StoppedEarly());
      resolve(signal);
    });
  }
  const die = (error: unknown, origin: string) => {
    log.error(
      { err: error, origin },
      'something failed that nobody caught; the process ends and what was running is recovered at the next start',
    );
    process.exit(1);
  };
  process.on('uncaughtException', die);
  process.on('unhandledRejection', error => die(error, 'unhandledRejection'));
  return { requested: promise, asked: () => asked, signal: early.signal };
}
