/**
 * `npm run bench -- audit`: how long `audit verify` of an exported file takes, beside reading and hashing (SHA-256) the same bytes by one
 * thread. It calls what the command calls, in this process, so the start of the command line is not in it; the start of the threads is.
 * `--entries N` for another size than 200,000; --quick is short. Exits with 1 when the target is missed.
 */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { enableCompileCache } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { verifyInBlocks } from '../src/cli/journal/file.ts';
import { grow } from './bulk/grow.ts';
import { makeSpecimen } from './bulk/specimen.ts';
import { atLeast, middle, printLines } from './report.ts';

const { values } = parseArgs({ options: { entries: { type: 'string' }, quick: { type: 'boolean' } } });
const quick = values.quick === true;
const entries = Number(values.entries ?? (quick ? 50_000 : 200_000));
const rounds = quick ? 3 : 7;

// As src/cli.ts does it.
enableCompileCache();
const folder = await mkdtemp(join(tmpdir(), 'tocsin-bench-'));
const path = join(folder, 'journal.ndjson');
try {
  await pipeline(Readable.from(linesOf(await makeSpecimen())), createWriteStream(path));
  const { size } = await stat(path);
  console.log(`      ${entries} entries, ${(size / 1e6).toFixed(0)} MB, ${(size / entries).toFixed(0)} bytes each`);
  const measured: { hashing: Cost; verifying: Cost }[] = [];
  for (let round = 0; round < rounds; round++) {
    const hashing = await costOf(hashFile);
    const verifying = await costOf(verifyFile);
    measured.push({ hashing, verifying });
    console.log(`      read and hashed ${show(hashing)}   verified ${show(verifying)}`);
  }
  const line = atLeast(
    `audit verify of ${entries} entries, two workers, against read + SHA-256`,
    middle(measured.map(({ hashing, verifying }) => hashing.wall / verifying.wall)),
    0.4,
  );
  const processors = middle(measured.map(({ hashing, verifying }) => (2 * hashing.processor) / verifying.processor));
  const alone = {
    what: 'the same by processor time, were both cores free',
    value: processors,
    shown: processors.toFixed(2),
    target: 'for information',
    reached: true,
  };
  printLines([line, alone]);
  process.exitCode = line.reached ? 0 : 1;
} finally {
  await rm(folder, { recursive: true });
}

/** As `audit export` writes them, a few hundred at a time. */
function* linesOf(specimen: Awaited<ReturnType<typeof makeSpecimen>>): Generator<string> {
  let text = '';
  for (const { table, row } of grow(specimen, entries)) {
    if (table !== 'journal') continue;
    const { seq, stream, kind, bytes, prev, hash } = row;
    text += `${JSON.stringify({ seq, stream, kind, bytes, prev, hash })}\n`;
    if (text.length < 500_000) continue;
    yield text;
    text = '';
  }
  yield text;
}

async function hashFile(): Promise<void> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) hash.update(chunk);
  hash.digest();
}

async function verifyFile(): Promise<void> {
  const tell = (text: string) => {
    throw new Error(text);
  };
  const head = await verifyInBlocks({ path, name: path, checkpoint: null, tell });
  if (head === null || head.seq < entries) throw new Error('the file was not verified by the threads');
}

/** Milliseconds by the clock, and of processors, all threads together. */
interface Cost {
  wall: number;
  processor: number;
}

async function costOf(work: () => Promise<void>): Promise<Cost> {
  const used = process.cpuUsage();
  const began = performance.now();
  await work();
  const wall = performance.now() - began;
  const { user, system } = process.cpuUsage(used);
  return { wall, processor: (user + system) / 1000 };
}

function show({ wall, processor }: Cost): string {
  return `${wall.toFixed(0)} ms (processors ${processor.toFixed(0)} ms)`;
}
