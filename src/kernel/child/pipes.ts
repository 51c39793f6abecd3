import { closeSync, constants, openSync, unlinkSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';

/** Named pipes for stdout and stderr of one child. `ends` are the child's descriptors; the streams are our ends. */
export interface Pipes {
  ends: [stdout: number, stderr: number];
  stdout: Socket;
  stderr: Socket;
  /** Closes our copies of the child's descriptors, so that the end of file arrives when the last writer is gone. */
  handOver(): void;
}

export interface PipeMaker {
  /** Null where named pipes cannot be made; then Node's own connections are used. */
  make(): Promise<Pipes | null>;
  /** Closes the pipes that nobody took. */
  close(): void;
}

interface PipeParts {
  log: Log;
  tmp: string;
  /** `mkfifo -m 600` with these names. Resolves to the exit code; null when it could not be run. */
  mkfifo(names: readonly string[]): Promise<number | null>;
}

/** Pairs of pipes made by one run of mkfifo, and how few may be left before the next ones are made. */
const batch = 16;
const few = 4;

/**
 * A pool of named pipes, opened at both ends and unlinked at once. Node connects children by socket pairs, and a socket cannot be opened by
 * name: with them `echo oops > /dev/stderr` in a script fails with ENXIO. mkfifo costs as much as a step, so it makes many at a time.
 */
export function createPipePool(parts: PipeParts): PipeMaker {
  const pool: Ends[] = [];
  let filling: Promise<void> | null = null;
  let closed = false;

  function fill(): Promise<void> {
    filling ??= makePipes(parts)
      .then(made => {
        pool.push(...made);
        if (closed) empty();
      })
      .finally(() => {
        filling = null;
      });
    return filling;
  }
  function empty() {
    for (const ends of pool.splice(0)) for (const fd of [ends.read, ends.write]) closeSync(fd);
  }
  async function make(): Promise<Pipes | null> {
    try {
      while (pool.length < 2) await fill();
    } catch (error) {
      parts.log.warn(
        { because: messageOf(error) },
        'no named pipes: children get sockets, which /dev/stderr cannot open',
      );
      return null;
    }
    const [out, err] = pool.splice(0, 2);
    if (pool.length < few * 2) fill().catch(() => {});
    return out === undefined || err === undefined ? null : assemble(out, err);
  }
  return {
    make,
    close() {
      closed = true;
      empty();
    },
  };
}

async function makePipes(parts: PipeParts): Promise<Ends[]> {
  const folder = await mkdtemp(join(parts.tmp, 'tocsin-pipes-'));
  const opened: Ends[] = [];
  try {
    const names = Array.from({ length: batch * 2 }, (_, index) => join(folder, String(index)));
    const code = await parts.mkfifo(names);
    if (code !== 0) throw new Error(`mkfifo ended with ${code}`);
    for (const [index, name] of names.entries()) {
      // The loop turns in between: all of them together would hold it for a millisecond.
      if (index % few === few - 1) await new Promise(resolve => setImmediate(resolve));
      opened.push(openEnds(name));
      unlinkSync(name);
    }
    return opened;
  } catch (error) {
    for (const ends of opened) for (const fd of [ends.read, ends.write]) closeSync(fd);
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Ends {
  read: number;
  write: number;
}

/** The read end opens without blocking, because there is no writer yet; then the write end does not wait. The child's end blocks. */
function openEnds(name: string): Ends {
  const read = openSync(name, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    return { read, write: openSync(name, constants.O_WRONLY) };
  } catch (error) {
    closeSync(read);
    throw error;
  }
}

/** From here on the sockets own our descriptors and close them. */
function assemble(out: Ends, err: Ends): Pipes {
  return {
    ends: [out.write, err.write],
    stdout: new Socket({ fd: out.read, readable: true, writable: false }),
    stderr: new Socket({ fd: err.read, readable: true, writable: false }),
    handOver() {
      closeSync(out.write);
      closeSync(err.write);
    },
  };
}

/**
 * The text as an unlinked file, open for reading. Returns the descriptor, which the caller closes. A pipe would not do: opening /dev/stdin
 * again would wait for ever for a writer that is gone, and a program that reads nothing would block us.
 */
export async function openInput(tmp: string, text: string): Promise<number> {
  const folder = await mkdtemp(join(tmp, 'tocsin-input-'));
  try {
    const file = join(folder, 'stdin');
    await writeFile(file, text, { mode: 0o600, flag: 'wx' });
    return openSync(file, constants.O_RDONLY);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
