import type { Socket } from 'node:net';
import type { Clock } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';

/** Reads a child's two outputs, with back-pressure, and knows when enough was waited for. */
export interface Drain {
  /** After the main child exited: resolves at the end of both outputs, or when what it left in the pipes has been read. */
  afterExit(): Promise<void>;
  /** After everything was killed: the pipes are at their end; a reader that hangs is not waited for long. */
  afterKill(): Promise<void>;
  /** Nothing more is passed on. An output that is still open is read on and thrown away. */
  letGo(): void;
}

/** A look at the outputs, milliseconds; after three quiet ones in a row nothing of the main child can be left in a pipe. */
const look = 25;
const quietLooks = 3;
/** Looks that a descendant which keeps writing can hold us up: about 2 s. */
const mostLooks = 80;
/** Milliseconds that a reader may take to finish after everything was killed. */
const lastRead = 5000;

type OnOutput = (chunk: Buffer, stream: 'stdout' | 'stderr') => void | Promise<void>;

export function createDrain(
  parts: { clock: Clock; log: Log },
  outputs: { stdout: Socket; stderr: Socket },
  onOutput: OnOutput,
): Drain {
  const flow = { chunks: 0, busy: 0, open: 2, broken: false, passing: true };
  const ended = Promise.all([
    follow(parts.log, outputs.stdout, 'stdout', onOutput, flow),
    follow(parts.log, outputs.stderr, 'stderr', onOutput, flow),
  ]);
  return {
    async afterExit() {
      let [quiet, seen] = [0, flow.chunks];
      for (let looks = 0; flow.passing && flow.open > 0 && quiet < quietLooks && looks < mostLooks; ) {
        await Promise.race([ended, parts.clock.sleep(look)]);
        // While the reader holds us back, nothing can be known of the pipes and no time is counted.
        if (flow.busy > 0) continue;
        looks++;
        quiet = flow.chunks === seen ? quiet + 1 : 0;
        seen = flow.chunks;
      }
    },
    async afterKill() {
      await Promise.race([ended, parts.clock.sleep(lastRead)]);
    },
    letGo() {
      flow.passing = false;
      if (flow.open === 0) return;
      parts.log.info(
        {},
        'a process of this step lives on and keeps its output open; what it writes from now on is not kept',
      );
      for (const socket of [outputs.stdout, outputs.stderr]) keepOpen(socket);
    },
  };
}

interface Flow {
  chunks: number;
  /** How many chunks the reader has not finished with. */
  busy: number;
  open: number;
  broken: boolean;
  passing: boolean;
}

function follow(log: Log, socket: Socket, stream: 'stdout' | 'stderr', onOutput: OnOutput, flow: Flow): Promise<void> {
  socket.on('data', (chunk: Buffer) => {
    if (!flow.passing || flow.broken) return;
    flow.chunks++;
    const wait = pass(log, chunk, stream, onOutput, flow);
    if (wait === null) return;
    flow.busy++;
    socket.pause();
    wait.finally(() => {
      flow.busy--;
      socket.resume();
    });
  });
  return new Promise(resolve => {
    const end = () => {
      flow.open--;
      resolve();
    };
    socket.once('close', end);
    // A reading error is an end: what was written before it has been passed on.
    socket.on('error', error => log.debug({ because: messageOf(error) }, 'an output ended with an error'));
  });
}

/** The promise to wait for, which never rejects; null when there is none. A reader that fails must not fail the step: its effects are real. */
function pass(
  log: Log,
  chunk: Buffer,
  stream: 'stdout' | 'stderr',
  onOutput: OnOutput,
  flow: Flow,
): Promise<void> | null {
  const broke = (error: unknown) => {
    flow.broken = true;
    log.error({ because: messageOf(error) }, 'the output of a step could not be kept; the step goes on without');
  };
  try {
    return onOutput(chunk, stream)?.catch(broke) ?? null;
  } catch (error) {
    broke(error);
    return null;
  }
}

/**
 * Closing our end would kill the survivor at its next line (SIGPIPE), and not reading would stop it when the pipe is full. So it is read
 * on, without keeping this process alive for it.
 */
function keepOpen(socket: Socket): void {
  if (socket.destroyed) return;
  socket.removeAllListeners('data');
  socket.on('data', () => {});
  socket.resume();
  socket.unref();
}
