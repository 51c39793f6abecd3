/** Child processes: starting them, reading their output, and killing them with all their descendants. */

import { closeSync } from 'node:fs';
import type { Socket } from 'node:net';
import type { Clock } from '../clock.ts';
import { isCode, messageOf, TocsinError } from '../errors.ts';
import { cancelsByInterrupt, distinct, type Far, farSides } from '../far/far.ts';
import type { Log } from '../log.ts';
import { over } from '../over.ts';
import { checkArgv, checkFolder, findProgram } from './argv.ts';
import { createDrain } from './drain.ts';
import { type KillParts, type KillReport, type KillTarget, killAll, type Remaining, stopAll } from './kill.ts';
import { limitMarkOf } from './limit-mark.ts';
import { createPipePool, openInput, type PipeMaker } from './pipes.ts';
import { markerName } from './scan.ts';
import type { StopSignal } from './signals.ts';
import { spawnWithSockets } from './spawner/here.ts';
import type { HelperKind } from './spawner/kinds.ts';
import { createSpawner, type Spawner } from './spawner/spawner.ts';
import type { Order } from './spawner/wire.ts';
import { createWatch, type Watch } from './watch.ts';
import { createWrappers, type Wrappers } from './wrappers.ts';

export interface ChildCommand {
  /** The program and its arguments. No shell reads them. */
  argv: readonly string[];
  /** The home folder when left out. */
  cwd?: string;
  /** Variables added to a clean environment, which has PATH, HOME, LANG, TZ, TMPDIR and the marker. */
  env?: Readonly<Record<string, string>>;
  /** The text that the program reads; /dev/null when left out. */
  stdin?: string;
  /** Runs it in a private PID namespace, so that no descendant outlives the program, not even a daemon that it started on purpose. */
  isolate?: boolean;
  /** Milliseconds after which it is stopped, in addition to the step's own time-out. */
  timeout?: number;
  /** The first signal of an abort or time-out; TERM when left out. */
  stopSignal?: StopSignal;
}

/** What a child that was stopped leaves behind. */
export interface StoppedChild {
  /** Where its work may go on: what ssh, a client of a database or the like had started there. */
  far: readonly Far[];
  /** Processes that could not be ended. */
  left: readonly Remaining[];
}

export interface ChildIo {
  /** `<run>/<step>/<attempt>`: an environment variable of the child, inherited by its descendants. */
  marker: string;
  /** Abort stops the child and all its descendants: the stop signal first, KILL after `grace`, repeated until none is left. */
  signal: AbortSignal;
  /** Milliseconds between TERM and KILL. */
  grace: number;
  /** Called before `spawn` resolves, when the child was stopped. */
  onStopped?(stopped: StoppedChild): void;
  /** Back-pressure: the stream is not read further until the returned promise has settled. */
  onOutput(chunk: Buffer, stream: 'stdout' | 'stderr'): void | Promise<void>;
}

export interface ChildEnd {
  /** Null when a signal ended the program. */
  exitCode: number | null;
  signal: NodeJS.Signals | null;
}

export interface Children {
  /**
   * Resolves when the program has exited and its output has been read. It does not wait for a descendant that keeps the output open; that
   * process lives on. After an abort it resolves when no descendant is left but those that cannot be ended, which `onStopped` is told.
   * Rejects with the signal's reason when the signal is aborted already, or with `argv-invalid`, `program-missing`, `spawn-failed` or
   * `isolation-unavailable`.
   */
  spawn(command: ChildCommand, io: ChildIo): Promise<ChildEnd>;
  /**
   * Stops every process with the marker: the exact value, or any value with this prefix when it ends in '/'. TERM first, KILL after `grace`
   * milliseconds (2,000 when left out). Resolves to the number of processes found. Those that cannot be ended are given to `onLeft`; without
   * it, it rejects with `children-left` for those that survive KILL.
   */
  reap(marker: string, grace?: number, onLeft?: (left: readonly Remaining[]) => void): Promise<number>;
  /** Why programs are started by this process itself, which blocks it; null when spawn helpers start them. */
  impaired(): string | null;
  /** The kinds of the spawn helpers that run now, such as `perl`; none before the first program. */
  helpers(): string[];
  /** Ends the spawn helpers. Nothing can be started any more. */
  close(): void;
}

export interface ChildrenParts {
  clock: Clock;
  log: Log;
  /** PATH of the children. */
  path: string;
  home: string;
  lang?: string;
  /** The IANA zone that children see. */
  timezone?: string;
  /** The folder for temporary files. */
  tmp?: string;
  /** The kinds of spawn helper; for tests. */
  kinds?: readonly HelperKind[];
}

interface Tools extends KillParts {
  wrappers: Wrappers;
  spawner: Spawner;
  pipes: PipeMaker;
  home: string;
  tmp: string;
  base: Readonly<Record<string, string>>;
}

/** The only place that starts processes for steps. Spawn helpers fork them, because forking blocks, the longer the more memory there is. */
export function createChildren(parts: ChildrenParts): Children {
  const tmp = parts.tmp ?? '/tmp';
  const wrappers = createWrappers(parts);
  const spawner = createSpawner({
    ...parts,
    deathSignal: wrappers.deathSignal,
    wrap: order => wrap(wrappers, order),
  });
  const tools: Tools = {
    clock: parts.clock,
    log: parts.log,
    home: parts.home,
    tmp,
    wrappers,
    spawner,
    pipes: createPipePool({ log: parts.log, tmp, mkfifo: fifoMaker(spawner, parts.path) }),
    base: {
      PATH: parts.path,
      HOME: parts.home,
      LANG: parts.lang ?? 'C.UTF-8',
      TZ: parts.timezone ?? 'UTC',
      TMPDIR: tmp,
    },
  };
  return {
    spawn: (command, io) => spawnOne(tools, command, io),
    async reap(marker, grace = 2000, onLeft) {
      if (onLeft === undefined) return await killAll(tools, { marker, root: null }, grace);
      const report = await stopAll(tools, { marker, root: null }, grace);
      if (report.left.length > 0) onLeft(report.left);
      return report.count;
    },
    impaired: () => spawner.impaired(),
    helpers: () => spawner.kinds(),
    close() {
      tools.pipes.close();
      spawner.close();
    },
  };
}

/** Runs mkfifo, which is looked up once. Resolves to its exit code. */
function fifoMaker(spawner: Spawner, path: string) {
  let found: Promise<string> | null = null;
  return async (names: readonly string[]) => {
    found ??= findProgram('mkfifo', path, '/');
    const [file, args] = [await found, ['-m', '600', ...names]];
    const streams = { stdin: null, stdout: null, stderr: null };
    const { exited } = await spawner.spawn({ file, args, cwd: '/', env: {}, mark: null, ...streams });
    return (await exited).exitCode;
  };
}

async function spawnOne(tools: Tools, command: ChildCommand, io: ChildIo): Promise<ChildEnd> {
  io.signal.throwIfAborted();
  const cwd = command.cwd ?? tools.home;
  // The marker comes last, so that a runbook cannot overwrite it.
  const env: Record<string, string> = { ...tools.base, ...command.env, [markerName]: io.marker };
  checkArgv(command.argv, env);
  let argv = command.argv;
  if (command.isolate) {
    await checkProgram(command.argv[0] ?? '', env, cwd);
    argv = [...(await tools.wrappers.isolation()), ...argv];
  }
  const [file = '', ...args] = argv;
  const mark = tools.wrappers.canMark() ? limitMarkOf(io.marker) : null;
  let started: Started | null = null;
  try {
    started = await start(tools, { file, args, cwd, env, mark }, command.stdin, io.signal);
    return await attend(tools, started, command, io);
  } catch (error) {
    if (isCode(error, 'spawner-lost')) await hunt(tools, started, command, io);
    if (error === io.signal.reason || error instanceof TocsinError) throw error;
    // What the system calls ENOENT may be the folder, the program, or what its first line names.
    await checkProgram(file, env, cwd);
    throw cannotSpawn(error);
  }
}

/** Rejects with `argv-invalid` or `program-missing`, in words that say more than the system's error number. */
async function checkProgram(file: string, env: Readonly<Record<string, string>>, cwd: string): Promise<void> {
  await checkFolder(cwd);
  await findProgram(file, env['PATH'] ?? '', cwd);
}

/** Without this check a missing program would show only as exit code 127 of the one in front of it. */
async function wrap(wrappers: Wrappers, order: Order): Promise<Order> {
  await checkProgram(order.file, order.env, order.cwd);
  const front = [
    ...(await wrappers.deathSignal()),
    ...(order.mark === null ? [] : await wrappers.limitMark(order.mark)),
  ];
  const [file = '', ...args] = [...front, order.file, ...order.args];
  return { ...order, file, args };
}

/** Nobody waits for these processes any more, so none of them may go on beside what follows. */
async function hunt(tools: Tools, started: Started | null, command: ChildCommand, io: ChildIo): Promise<void> {
  const report = await stopAll(tools, { marker: io.marker, root: started?.pid ?? null }, io.grace);
  io.onStopped?.(remainsOf(report, command));
}

interface Started {
  pid: number;
  stdout: Socket;
  stderr: Socket;
  exited: Promise<ChildEnd>;
}

async function start(
  tools: Tools,
  program: Omit<Order, 'stdin' | 'stdout' | 'stderr'>,
  input: string | undefined,
  signal: AbortSignal,
): Promise<Started> {
  const stdin = input === undefined ? null : await openInput(tools.tmp, input);
  const pipes = await tools.pipes.make();
  try {
    signal.throwIfAborted();
    if (pipes === null) {
      const order = { ...program, stdin, stdout: null, stderr: null };
      return await spawnWithSockets(await wrap(tools.wrappers, order));
    }
    const [stdout, stderr] = pipes.ends;
    const spawned = await tools.spawner.spawn({ ...program, stdin, stdout, stderr });
    return { ...spawned, stdout: pipes.stdout, stderr: pipes.stderr };
  } catch (error) {
    pipes?.stdout.destroy();
    pipes?.stderr.destroy();
    throw error;
  } finally {
    pipes?.handOver();
    if (stdin !== null) closeSync(stdin);
  }
}

function cannotSpawn(error: unknown): TocsinError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : messageOf(error);
  const message =
    code === 'E2BIG' ? 'The arguments and the environment together are too long for the system.' : undefined;
  return new TocsinError('spawn-failed', { ...(message === undefined ? {} : { message }), given: code, cause: error });
}

/** Follows a started child to its end: output, time-out, abort. */
async function attend(tools: Tools, started: Started, command: ChildCommand, io: ChildIo): Promise<ChildEnd> {
  const drain = createDrain({ clock: tools.clock, log: tools.log.child({ marker: io.marker }) }, started, io.onOutput);
  const watch = createWatch(tools.clock, started.pid);
  const stopped = whenStopped(tools, io.signal, command.timeout);
  const killed = stopped.promise.then(async () => {
    // What was forked since the last look.
    await watch.look();
    return await stopAll(tools, targetOf(started, command, io, watch), io.grace);
  });
  killed.catch(() => {});
  // It was never executed, or nobody can follow it: there is no output to wait for.
  started.exited.catch(() => drain.drop());
  try {
    // A program that cannot be ended, or whose end is not in sight, must not hold the step.
    const end = await Promise.race([started.exited, killed.then(report => endOf(report, started))]);
    // An abort may arrive while the last output is read; then the descendants must be killed too.
    await Promise.race([drain.afterExit(), stopped.promise]);
    if (stopped.isOver()) {
      const report = await killed;
      io.onStopped?.(remainsOf(report, command));
      await drain.afterKill();
    }
    return end;
  } finally {
    watch.stop();
    stopped.cancel();
    drain.letGo();
  }
}

function targetOf(started: Started, command: ChildCommand, io: ChildIo, watch: Watch): KillTarget {
  return {
    marker: io.marker,
    root: started.pid,
    known: watch.known(),
    signal: `SIG${command.stopSignal ?? 'TERM'}`,
  };
}

/** The end of a child after all of its processes were killed. */
function endOf(report: KillReport, started: Started): Promise<ChildEnd> | ChildEnd {
  const isLeft = report.left.some(one => one.pid === started.pid);
  return isLeft ? { exitCode: null, signal: null } : started.exited;
}

function remainsOf(report: KillReport, command: ChildCommand): StoppedChild {
  // What runs says more than what was to run. A shell's code may name hosts that it had not come to yet.
  const far =
    report.programs === null
      ? farSides(command.argv, command.env)
      : report.programs.flatMap(({ argv, env }) => farSides(argv, env, { shells: false }));
  const isCancelled = command.stopSignal === 'INT' && !report.killed;
  return { far: distinct(far).filter(one => !(isCancelled && cancelsByInterrupt(one))), left: report.left };
}

/** Resolves on abort or time-out. */
function whenStopped(tools: Tools, signal: AbortSignal, timeout: number | undefined) {
  const end = new AbortController();
  const { promise, resolve } = Promise.withResolvers<void>();
  let isOver = false;
  const stop = () => {
    isOver = true;
    resolve();
  };
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  if (timeout !== undefined) tools.clock.sleep(timeout, end.signal).then(stop, () => {});
  const cancel = () => {
    signal.removeEventListener('abort', stop);
    end.abort(over);
  };
  return { promise, cancel, isOver: () => isOver };
}
