/** A thread that verifies the blocks of a file that it is given, one after the other; see file.ts. */

import { readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { type Block, createBlockChecker } from './block.ts';
import type { WorkerData } from './file.ts';

const { fd, checkpoint } = workerData as WorkerData;
const check = createBlockChecker((into, position) => readSync(fd, into, 0, into.length, position), checkpoint);
parentPort?.on('message', (block: Block) => parentPort?.postMessage(check(block)));
