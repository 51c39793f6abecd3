import type { Socket } from 'node:net';
import type { Clock } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';

/** Reads stdout and stderr of a child with back-pressure, and decides how long to wait for their end. */
export interface Drain {
  /** For use after the main child exited. Resolves at the end of both outputs, or when the data it left in the pipes has been read. */
  afterExit(): Promise<void>;
  /**
   * For use after all processes were killed. Resolves when what they left in the pipes has been read, or after 5 s when the reader hangs.
   * It does not wait for the end of the outputs: a process that could not be ended may keep them open.
   */
  afterKill(): Promise<void>;
  /** Stops passing output on. An output that is still open is read further and discarded. */
  letGo(): void;
  /** Closes the outputs, which nobody writes to. */
  drop(): void;
}

/** Milliseconds between two looks at the outputs. After three looks in a row without data, the main child's output has been read. */
const look = 25;
const quietLooks = 3;
/** The most looks while a descendant keeps writing: about 2 s, and 0.5 s for one that could not be ended. */
const mostLooks = 80;
const mostLastLooks = 20;
/** Milliseconds that the reader gets to finish after all processes were killed. */
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
  const settle = async (most: number, until: { over: boolean }) => {
    let [quiet, seen] = [0, flow.chunks];
    for (let looks = 0; !until.over && flow.passing && flow.open > 0 && quiet < quietLooks && looks < most; ) {
      await Promise.race([ended, parts.clock.sleep(look)]);
      // While the reader applies back-pressure the state of the pipes is unknown, so this look does not count.
      if (flow.busy > 0) continue;
      looks++;
      quiet = flow.chunks === seen ? quiet + 1 : 0;
      seen = flow.chunks;
    }
  };
  return {
    afterExit: () => settle(mostLooks, { over: false }),
    async afterKill() {
      const until = { over: false };
      await Promise.race([settle(mostLastLooks, until), parts.clock.sleep(lastRead)]);
      until.over = true;
    },
    letGo() {
      flow.passing = false;
      if (flow.open <= 0) return;
      parts.log.info(
        {},
        'a process of this step lives on and keeps its output open; what it writes from now on is not kept',
      );
      for (const socket of [outputs.stdout, outputs.stderr]) keepOpen(socket);
    },
    drop() {
      flow.open = 0;
      for (const socket of [outputs.stdout, outputs.stderr]) socket.destroy();
    },
  };
}

interface Flow {
  chunks: number;
  /** Chunks that the reader has not finished with. */
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
    // A read error counts as the end: the data before it has been passed on.
    socket.on('error', error => log.debug({ because: messageOf(error) }, 'an output ended with an error'));
  });
}

/**
 * Passes a chunk to the reader. Returns the promise to wait for, which never rejects, or null. A reader that fails must not fail the step,
 * because the step's effects have happened.
 */
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
 * Reads on for a process that survives the step, without keeping this process alive. Closing our end would kill that process at its next
 * write (SIGPIPE); not reading would block it when the pipe is full.
 */
function keepOpen(socket: Socket): void {
  if (socket.destroyed) return;
  socket.removeAllListeners('data');
  socket.on('data', () => {});
  socket.resume();
  socket.unref();
}
