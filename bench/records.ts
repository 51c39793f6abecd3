/**
 * `npm run bench -- records`: VPC flow logs parsed, detected in and counted on one thread, beside `split(' ')` and a count in a Map over the same
 * gunzipped stream, and the memory over 1 GB that is made on the fly. Exits with 1 when a target is missed; --quick is short.
 */

import { Readable } from 'node:stream';
import { createGunzip, gzipSync } from 'node:zlib';
import { readBatch } from '../src/flow/records/batch.ts';
import source from '../src/sources/records/index.ts';
import { atLeast, below, type Line, middle, printLines } from './report.ts';

const quick = process.argv.includes('--quick');
const rounds = quick ? 3 : 7;
const megabyte = 1024 * 1024;
const now = Date.UTC(2026, 10, 29, 12);

/** Lines of some hundred hosts, a tenth of them rejected; no two pieces are the same. */
function pieceOf(seed: number, bytes: number): Buffer {
  const lines: string[] = [];
  let state = seed + 1;
  const random = (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return Math.floor((state / 0x7fffffff) * below);
  };
  for (let size = 0; size < bytes; ) {
    const start = Math.floor(now / 1000) - random(240);
    const action = random(10) === 0 ? 'REJECT' : 'ACCEPT';
    const line = `2 123456789010 eni-1235b8ca123456789 172.31.${random(4)}.${random(250)} 172.31.16.21 ${random(60_000)} ${random(3) === 0 ? 22 : 443} 6 ${random(50)} ${random(90_000)} ${start} ${start + 60} ${action} OK\n`;
    size += line.length;
    lines.push(line);
  }
  return Buffer.from(lines.join(''));
}

const options = source.options.parse({
  format: 'vpc-flow',
  detect: [
    {
      name: 'rejected',
      where: 'record.action == "REJECT" && record.dstport == 22',
      by: ['record.srcaddr'],
      count: { atLeast: 100, within: '5m' },
    },
  ],
});
const spec = source.records?.(options);
if (spec == null) throw new Error('the source has a format');
const batchOf = (pieces: AsyncIterable<Buffer> | Iterable<Buffer>) => ({
  pieces,
  from: 's3://logs/object',
  once: null,
});
const parts = { source: 'records', now, hide: (text: string) => text };

function unpack(packed: Buffer): AsyncIterable<Buffer> {
  return Readable.from([packed], { objectMode: true }).pipe(createGunzip({ chunkSize: 64 * 1024 }));
}

async function ours(packed: Buffer): Promise<number> {
  return (await readBatch(spec as NonNullable<typeof spec>, batchOf(unpack(packed)), parts)).records;
}

async function plain(packed: Buffer): Promise<number> {
  const counts = new Map<string, number>();
  let rest = '';
  let lines = 0;
  const take = (line: string) => {
    const fields = line.split(' ');
    const key = fields[3] ?? '';
    counts.set(key, (counts.get(key) ?? 0) + 1);
    lines += 1;
  };
  for await (const piece of unpack(packed)) {
    const found = (rest + piece.toString()).split('\n');
    rest = found.pop() ?? '';
    for (const line of found) take(line);
  }
  if (rest !== '') take(rest);
  return lines;
}

/** Milliseconds of this thread that the work takes; gunzip works on others, and the clock also counts what else runs on the machine. */
async function time(work: () => Promise<number>, expected: number): Promise<number> {
  const start = process.threadCpuUsage();
  const lines = await work();
  const { user, system } = process.threadCpuUsage(start);
  if (lines !== expected) throw new Error(`${lines} lines instead of ${expected}`);
  return (user + system) / 1000;
}

async function speed(): Promise<Line[]> {
  const bytes = (quick ? 8 : 32) * megabyte;
  const text = pieceOf(1, bytes);
  const packed = gzipSync(text, { level: 1 });
  const expected = text.toString().split('\n').length - 1;
  const both: [number, number][] = [];
  await time(() => ours(packed), expected);
  await time(() => plain(packed), expected);
  for (let round = 0; round < rounds; round++)
    both.push([await time(() => ours(packed), expected), await time(() => plain(packed), expected)]);
  const own = middle(both.map(([one]) => one));
  return [
    atLeast('speed of detection, to split and a Map', middle(both.map(([one, other]) => other / one)), 0.4),
    below('a million lines, on one thread', (own / expected) * 1_000_000, null, 'ms'),
  ];
}

/** Growth of memory beyond what it was after a tenth, MB. */
async function memory(): Promise<Line[]> {
  const total = (quick ? 200 : 1024) * megabyte;
  let begin = 0;
  let most = 0;
  function* pieces() {
    for (let size = 0, count = 0; size < total; count++) {
      const piece = pieceOf(count, 256 * 1024);
      size += piece.length;
      yield piece;
      if (count % 40 !== 0) continue;
      globalThis.gc?.();
      const { rss } = process.memoryUsage();
      if (size < total / 10) begin = Math.max(begin, rss);
      else most = Math.max(most, rss);
    }
  }
  await readBatch(spec as NonNullable<typeof spec>, batchOf(pieces()), parts);
  return [below(`growth of memory over ${total / megabyte} MB`, (most - begin) / megabyte, 64, 'MB')];
}

const lines = [...(await speed()), ...(await memory())];
printLines(lines);
process.exit(lines.every(line => line.reached) ? 0 : 1);
