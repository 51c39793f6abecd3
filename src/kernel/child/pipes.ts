import { closeSync, constants, openSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import { findProgram } from './argv.ts';
import { exitCodeOf } from './wrappers.ts';

/** Real pipes for one child. `ends` go to the child and are closed by `handOver`; the streams are ours. */
export interface Pipes {
  ends: [stdout: number, stderr: number];
  stdout: Socket;
  stderr: Socket;
  /** Closes the child's ends on our side, so that the end of file arrives when the last writer is gone. */
  handOver(): void;
}

export interface PipeMaker {
  /** Null where pipes cannot be made; then node's own are good enough. */
  make(): Promise<Pipes | null>;
}

/**
 * Node connects children by socket pairs, and a socket cannot be opened by name: `echo oops > /dev/stderr` in a script fails with
 * ENXIO. Named pipes, opened at both ends and unlinked at once, behave as scripts expect.
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

/** The first open must not wait for a writer; the second finds a reader and does not wait. The child's end blocks, as programs expect. */
function openEnds(name: string, opened: number[]): Ends {
  const read = openSync(name, constants.O_RDONLY | constants.O_NONBLOCK);
  opened.push(read);
  const write = openSync(name, constants.O_WRONLY);
  opened.push(write);
  return { read, write };
}

/** The sockets own our ends from here on, and close them. */
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
 * The text as a file without a name, open for reading; the caller closes it. Not a pipe: opening /dev/stdin again would wait for ever
 * for a writer that is gone, and a program that reads nothing would hold us up.
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
