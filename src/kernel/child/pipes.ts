import { closeSync, constants, openSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import { findProgram } from './argv.ts';
import { exitCodeOf } from './wrappers.ts';

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
}

/**
 * Makes named pipes, opened at both ends and unlinked at once. Node connects children by socket pairs, and a socket cannot be opened by
 * name: with them `echo oops > /dev/stderr` in a script fails with ENXIO.
 */
export function createPipeMaker(parts: { log: Log; path: string; tmp: string }): PipeMaker {
  let tool: Promise<string | null> | null = null;
  return {
    async make() {
      tool ??= findProgram('mkfifo', parts.path, '/').catch(() => null);
      const mkfifo = await tool;
      if (mkfifo === null) return null;
      return makePipes(mkfifo, parts.tmp).catch(error => {
        parts.log.warn(
          { because: messageOf(error) },
          'no named pipes: children get sockets, which /dev/stderr cannot open',
        );
        return null;
      });
    },
  };
}

async function makePipes(mkfifo: string, tmp: string): Promise<Pipes> {
  const folder = await mkdtemp(join(tmp, 'tocsin-pipes-'));
  const opened: number[] = [];
  try {
    const names = [join(folder, 'out'), join(folder, 'err')];
    const code = await exitCodeOf([mkfifo, '-m', '600', ...names]);
    if (code !== 0) throw new Error(`mkfifo ended with ${code}`);
    const out = openEnds(join(folder, 'out'), opened);
    const err = openEnds(join(folder, 'err'), opened);
    return assemble(out, err);
  } catch (error) {
    for (const fd of opened) closeSync(fd);
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
function openEnds(name: string, opened: number[]): Ends {
  const read = openSync(name, constants.O_RDONLY | constants.O_NONBLOCK);
  opened.push(read);
  const write = openSync(name, constants.O_WRONLY);
  opened.push(write);
  return { read, write };
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
