import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { getCompileCacheDir } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { isCode, messageOf } from '../../kernel/errors.ts';
import { moduleUrl } from '../../kernel/here.ts';
import type { Progress } from '../progress.ts';
import type { Block, BlockReport } from './block.ts';
import { beginning, brokenEntry, brokenLine, linkFault, type Position } from './chain.ts';

/** What a worker gets at its start. The descriptor is one of the process, so that all read the same file. */
export interface WorkerData {
  fd: number;
  checkpoint: Position | null;
}

export interface BlockOptions {
  /** Bytes of a block. */
  blockSize: number;
  /** Bytes below which the start of workers takes longer than they save. */
  least: number;
  workers: number;
  program: URL;
}

const defaults: BlockOptions = {
  blockSize: 1024 * 1024,
  least: 8 * 1024 * 1024,
  workers: Math.min(2, availableParallelism()),
  program: moduleUrl('./worker.ts', import.meta.url),
};

/**
 * Verifies an exported journal by workers that take turns with its blocks. Resolves to the head, as verifyChain, and to null when that
 * cannot be done here: for a small file, for what is no regular file or cannot be read, and, which `tell` says, when a worker ends.
 * Rejects with `journal-broken`, which names the first bad entry or line; `name` is the file as somebody named it.
 */
export async function verifyInBlocks(
  {
    path,
    name,
    checkpoint,
    tell,
    progress = () => ({ at() {}, done() {} }),
  }: {
    path: string;
    name: string;
    checkpoint: Position | null;
    tell(text: string): void;
    /** Shows how many bytes of so many were verified. */
    progress?(total: number): Progress;
  },
  options: Partial<BlockOptions> = {},
): Promise<Position | null> {
  const { least, ...rest } = { ...defaults, ...options };
  const handle = await open(path).catch(() => null);
  if (handle === null) return null;
  try {
    const stat = await handle.stat();
    if (!stat.isFile() || stat.size < least) return null;
    const shown = progress(stat.size);
    return await verifyBlocks({ ...rest, fd: handle.fd, size: stat.size, checkpoint, name, at: shown.at }).finally(
      shown.done,
    );
  } catch (error) {
    if (isCode(error, 'journal-broken')) throw error;
    tell(`A thread that verifies ended (${messageOf(error)}), so the file is read without threads.`);
    return null;
  } finally {
    await handle.close();
  }
}

type Order = Omit<BlockOptions, 'least'> & WorkerData & { size: number; name: string; at(done: number): void };

async function verifyBlocks({ fd, size, checkpoint, name, at, ...order }: Order): Promise<Position> {
  const chain = createStitcher(name);
  const workers = Array.from({ length: order.workers }, () => {
    const workerData: WorkerData = { fd, checkpoint };
    return new Worker(order.program, { workerData, env: environment() });
  });
  let next = 0;

  /** One block at a time, so that no more of the file is in memory than the workers have. */
  async function lead(worker: Worker): Promise<void> {
    const ended = once(worker, 'exit').then(([code]) => Promise.reject(new Error(`exit code ${code}`)));
    ended.catch(() => {});
    while (next < size) {
      const block: Block = { start: next, end: Math.min(size, next + order.blockSize) };
      next = block.end;
      worker.postMessage(block);
      const [report]: BlockReport[] = await Promise.race([once(worker, 'message'), ended]);
      if (report === undefined) throw new Error('no report');
      // What comes after a fault cannot be the first one.
      if (report.fault !== null) next = size;
      chain.add(block, report);
      at(block.end);
    }
  }

  try {
    await Promise.all(workers.map(lead));
    return chain.head();
  } finally {
    await Promise.all(workers.map(worker => worker.terminate()));
  }
}

/** Nothing but where compiled modules are kept: with them a worker starts in half of the time. */
function environment(): Record<string, string> {
  const folder = getCompileCacheDir();
  return folder === undefined ? {} : { NODE_COMPILE_CACHE: dirname(folder) };
}

/** Puts the reports of blocks together in the order of the file, in which they need not come. */
export function createStitcher(name: string) {
  const waiting = new Map<number, { end: number; report: BlockReport }>();
  let [position, lines, head] = [0, 0, beginning];

  function append({ first, fault, last, lines: count }: BlockReport) {
    const wrong = first === null ? null : linkFault(head, first);
    if (first !== null && wrong !== null) throw brokenEntry(first.seq, wrong);
    if (fault !== null && 'line' in fault) throw brokenLine(`${name}:${lines + fault.line}`);
    if (fault !== null) throw brokenEntry(fault.seq, fault.wrong);
    head = last ?? head;
    lines += count;
  }

  return {
    /** Throws `journal-broken` for the first fault once everything before it is known. */
    add({ start, end }: Block, report: BlockReport): void {
      waiting.set(start, { end, report });
      for (let found = waiting.get(position); found !== undefined; found = waiting.get(position)) {
        waiting.delete(position);
        append(found.report);
        position = found.end;
      }
    },
    head: () => head,
  };
}
