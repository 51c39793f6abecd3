import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createBlockChecker } from '../../../src/cli/journal/block.ts';
import { type Position, verifyChain } from '../../../src/cli/journal/chain.ts';
import { type BlockOptions, createStitcher, verifyInBlocks } from '../../../src/cli/journal/file.ts';
import { readJournal } from '../../../src/cli/journal/journal.ts';
import { linesOf, parseLine } from '../../../src/cli/journal/lines.ts';
import { createRecogniser } from '../../../src/cli/journal/recognise.ts';
import { TocsinError } from '../../../src/kernel/errors.ts';
import { genesis } from '../../../src/model/journal.ts';
import { cli } from '../terminal.ts';
import { asStored, linesOfRows, oddTexts, type Row, rehashed, rowsOf, spellings } from './files.ts';

let folder: string;
let path: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tocsin-verify-'));
  path = join(folder, 'journal.ndjson');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

type Verdict = Position | { code: string; message: string; at: string | undefined } | null;

async function verdictOf(verify: () => Promise<Position | null> | Position): Promise<Verdict> {
  try {
    return await verify();
  } catch (error) {
    if (!(error instanceof TocsinError)) throw error;
    return { code: error.code, message: error.message, at: error.at };
  }
}

/** The plain way: one line after the other. */
async function asStream(bytes: Buffer, checkpoint: Position | null = null): Promise<Verdict> {
  await writeFile(path, bytes);
  const terminal = { cwd: folder } as Parameters<typeof readJournal>[1];
  return await verdictOf(() => verifyChain(readJournal('journal.ndjson', terminal), checkpoint));
}

/** In blocks of this size, put together from the last to the first, as far as that is possible. */
async function asBlocks(bytes: Buffer, size: number, checkpoint: Position | null = null): Promise<Verdict> {
  const check = createBlockChecker((into, position) => bytes.copy(into, 0, position), checkpoint);
  const blocks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) => ({
    start: index * size,
    end: Math.min(bytes.length, (index + 1) * size),
  }));
  return await verdictOf(() => {
    const chain = createStitcher('journal.ndjson');
    for (const block of blocks.reverse()) chain.add(block, check(block));
    return chain.head();
  });
}

async function byWorkers(
  bytes: Buffer,
  options: Partial<BlockOptions>,
  checkpoint: Position | null = null,
): Promise<{ verdict: Verdict; told: string[] }> {
  await writeFile(path, bytes);
  const told: string[] = [];
  const order = { path, name: 'journal.ndjson', checkpoint, tell: (text: string) => void told.push(text) };
  const verdict = await verdictOf(() => verifyInBlocks(order, { least: 0, workers: 2, ...options }));
  return { verdict, told };
}

const rows = rowsOf(oddTexts);
const lines = rows.map(row => JSON.stringify(row));
const good = lines.map(line => `${line}\n`).join('');
const change = (index: number, by: Partial<Row>) => rows.map((row, at) => (at === index ? { ...row, ...by } : row));
const line = (index: number, text: string) => `${lines.with(index, text).join('\n')}\n`;
const head = { seq: rows.length, hash: rows.at(-1)?.hash ?? '' };
const entry = (at: string) => expect.objectContaining({ code: 'journal-broken', at });

/** Files by what is odd about them, with what they come to. */
const files: Readonly<Record<string, readonly [string | Buffer, unknown]>> = {
  good: [good, head],
  empty: ['', { seq: 0, hash: genesis }],
  'nothing but line ends': ['\n\r\n\r\r\n', { seq: 0, hash: genesis }],
  'no last line end': [good.slice(0, -1), head],
  'carriage returns': [good.replaceAll('\n', '\r'), head],
  'both line ends': [good.replaceAll('\n', '\r\n'), head],
  'empty lines': [good.replaceAll('\n', '\n\n\r\n\r'), head],
  'a line end of its own kind each': [
    lines.map((text, at) => text + ['\n', '\r', '\r\n', '\n\n'][at % 4]).join(''),
    head,
  ],
  'every spelling': [rows.map((row, at) => `${spellings[at % spellings.length]?.(row)}\n`).join(''), head],
  'an export of the database': [rows.map(row => `${asStored(row)}\n`).join(''), head],
  'a position that is none': [line(3, asStored(rows[3] as Row).replace(':7}', ':07}')), entry('journal.ndjson:4')],
  'a byte order mark': [`\ufeff${good}`, entry('journal.ndjson:1')],
  'cut in a line': [good.slice(0, -100), entry('journal.ndjson:8')],
  'cut in a letter': [Buffer.concat([Buffer.from(good), Buffer.from([0xe2, 0x80])]), entry('journal.ndjson:9')],
  'a text that is no entry': [line(3, '{"seq":4}'), entry('journal.ndjson:4')],
  'other JSON': [line(0, 'null'), entry('journal.ndjson:1')],
  'no entry after empty lines': [`\n\r\n\r${line(1, '[]')}`, entry('journal.ndjson:5')],
  'bytes that are not UTF-8': [Buffer.from(good.replaceAll('plain', 'pl\u00ff'), 'latin1'), entry('entry 1')],
  'bytes that are read as the text that was hashed': [
    Buffer.from(good).fill(0xff, Buffer.from(good).indexOf('\ufffd'), Buffer.from(good).indexOf('\ufffd') + 1),
    expect.anything(),
  ],
  'a raw control character': [line(7, (lines[7] ?? '').replace('xxx', 'x\u0001x')), entry('journal.ndjson:8')],
  'a number as a hash': [line(2, JSON.stringify({ ...rows[2], hash: 5 })), entry('journal.ndjson:3')],
  'a sequence with a fraction': [line(2, JSON.stringify({ ...rows[2], seq: 2.5 })), entry('journal.ndjson:3')],
  'a sequence with a zero before it': [line(2, (lines[2] ?? '').replace(':3', ':03')), entry('journal.ndjson:3')],
  'a missing entry': [linesOfRows(rows.toSpliced(3, 1)), entry('entry 5')],
  'no first entry': [linesOfRows(rows.slice(1)), entry('entry 2')],
  'an entry twice': [linesOfRows(rows.toSpliced(3, 0, ...rows.slice(3, 4))), entry('entry 4')],
  'another text': [linesOfRows(change(7, { bytes: 'other' })), entry('entry 8')],
  'another hash': [linesOfRows(change(4, { hash: 'f'.repeat(64) })), entry('entry 5')],
  'a hash in capitals': [linesOfRows(change(4, { hash: rows[4]?.hash.toUpperCase() ?? '' })), entry('entry 5')],
  'another entry before': [
    linesOfRows(rehashed(change(4, { prev: 'f'.repeat(64) }), 4).with(4, { ...(rows[4] as Row), prev: '' })),
    entry('entry 5'),
  ],
  'a broken link with a hash that fits': [
    linesOfRows([...rows.slice(0, 4), ...rowsOf([...oddTexts].reverse()).slice(4)]),
    entry('entry 5'),
  ],
  'two faults': [linesOfRows(change(2, { bytes: 'x' }).toSpliced(5, 1)), entry('entry 3')],
  'a bad line before a bad entry': [line(2, 'x').replace('plain', 'PLAIN'), entry('entry 1')],
};

describe('an exported journal', () => {
  test.each(Object.entries(files))(
    '%s: comes to the same in blocks of every size',
    async (_name, [content, wanted]) => {
      const bytes = Buffer.from(content as Buffer);
      const plain = await asStream(bytes);
      expect(plain).toEqual(wanted);
      for (let size = 1; size <= bytes.length + 1; size += size < 20 ? 1 : 17)
        expect(await asBlocks(bytes, size), `blocks of ${size}`).toEqual(plain);
    },
  );

  test.each([
    'good',
    'both line ends',
    'every spelling',
    'cut in a line',
    'no entry after empty lines',
    'a missing entry',
    'two faults',
  ])('%s: comes to the same by two workers', async name => {
    const bytes = Buffer.from(files[name]?.[0] as Buffer);
    expect(await byWorkers(bytes, { blockSize: 97 })).toEqual({ verdict: await asStream(bytes), told: [] });
  });

  test('is held to a checkpoint in blocks too', async () => {
    const bytes = Buffer.from(good);
    for (const seq of [1, 3, 8, 9]) {
      for (const hash of [rows[seq - 1]?.hash ?? '', 'f'.repeat(64)]) {
        const plain = await asStream(bytes, { seq, hash });
        expect(plain).toEqual(hash === rows[seq - 1]?.hash || seq === 9 ? head : entry(`entry ${seq}`));
        for (const size of [1, 100, 555, 5000]) expect(await asBlocks(bytes, size, { seq, hash })).toEqual(plain);
      }
    }
    const other = { seq: 3, hash: 'f'.repeat(64) };
    expect((await byWorkers(bytes, { blockSize: 300 }, other)).verdict).toEqual(entry('entry 3'));
  });

  test('comes to the same in blocks when bytes of it are changed, added and lost', async () => {
    const bytes = fc
      .constantFrom(...'"\\\r\n{}:,0159afAF u/\u0000\u007f', 0x80, 0xbf, 0xe2, 0xed, 0xf0, 0xff)
      .map(one => Buffer.from(typeof one === 'string' ? one : [one]));
    const edit = fc.record({
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      lost: fc.constantFrom(0, 1, 1, 2, 40),
      added: fc.oneof(bytes, fc.constant(Buffer.alloc(0))),
    });
    const file = fc.record({
      texts: fc.array(fc.oneof(fc.string({ unit: 'binary', maxLength: 20 }), fc.constantFrom(...oddTexts)), {
        maxLength: 6,
      }),
      spelling: fc.array(fc.nat(3 * spellings.length), { minLength: 6, maxLength: 6 }),
      ends: fc.array(fc.constantFrom('\n', '\n', '\r\n', '\r', '\n\n'), { minLength: 6, maxLength: 6 }),
      edits: fc.array(edit, { maxLength: 2 }),
      size: fc.integer({ min: 1, max: 3000 }),
    });
    await fc.assert(
      fc.asyncProperty(file, async ({ texts, spelling, ends, edits, size }) => {
        const made = rowsOf(texts).map(
          (row, at) => (spellings[spelling[at] ?? 0] ?? (at % 2 === 0 ? JSON.stringify : asStored))(row) + ends[at],
        );
        let content = Buffer.from(made.join(''));
        for (const { at, lost, added } of edits) {
          const from = Math.floor(at * content.length);
          content = Buffer.concat([content.subarray(0, from), added, content.subarray(from + lost)]);
        }
        expect(await asBlocks(content, size)).toEqual(await asStream(content));
      }),
      { numRuns: 200 },
    );
  });
});

describe('verification by workers', () => {
  const many = rowsOf(Array.from({ length: 3000 }, (_, index) => `text ${index}`));

  test('names the first fault of the file, whichever worker is done first', async () => {
    for (const [early, late] of [
      [3, 2900],
      [1400, 1405],
      [2997, 2998],
    ] as const) {
      const broken = many.map((row, at) => (at === early || at === late ? { ...row, bytes: 'x' } : row));
      const { verdict } = await byWorkers(Buffer.from(linesOfRows(broken)), { blockSize: 4096 });
      expect(verdict).toEqual(entry(`entry ${early + 1}`));
    }
  });

  test.each([
    ['cannot be loaded', new URL('file:///nonexistent/worker.ts')],
    ['fails at its start', new URL('data:text/javascript,throw new Error("broken")')],
    [
      'ends when it is asked',
      new URL(
        `data:text/javascript,${encodeURIComponent('import { parentPort } from "node:worker_threads"; parentPort.on("message", () => process.exit(3));')}`,
      ),
    ],
  ])('leaves the file to the plain way when a worker %s', async (_name, program) => {
    const { verdict, told } = await byWorkers(Buffer.from(good), { blockSize: 500, program });
    expect(verdict).toBeNull();
    expect(told).toEqual([
      expect.stringMatching(/^A thread that verifies ended \(.+\), so the file is read without threads\.$/),
    ]);
  });

  test('is not for small files, folders and what is not there, and says nothing about them', async () => {
    expect(await byWorkers(Buffer.from(good), { least: good.length * 2 })).toEqual({ verdict: null, told: [] });
    const order = { name: 'x', checkpoint: null, tell: () => expect.unreachable() };
    for (const other of [folder, join(folder, 'nothing'), '/dev/null'])
      expect(await verifyInBlocks({ ...order, path: other }, { least: 0 })).toBeNull();
  });

  test('is what audit verify does with a large file', async () => {
    const large = rowsOf(Array.from({ length: 3000 }, (_, index) => `${index} ${'long '.repeat(600)}`));
    await writeFile(path, linesOfRows(large));
    const verify = () => cli(['audit', 'verify', '--file', 'journal.ndjson'], { cwd: folder });
    expect(await verify()).toMatchObject({ code: 0, out: `3000:${large.at(-1)?.hash}` });
    await writeFile(
      path,
      linesOfRows(large.map((row, at) => (at === 2500 ? { ...row, bytes: `${row.bytes} ` } : row))),
    );
    expect(await verify()).toMatchObject({ code: 1, err: expect.stringContaining('entry 2501') });
  });
});

describe('the quick reader of lines', () => {
  test('takes what audit export writes, and leaves every other spelling to the reader of any JSON', () => {
    const recogniser = createRecogniser();
    recogniser.follow({ seq: 0, hash: genesis });
    for (const [at, next] of rows.entries()) {
      for (const spell of spellings.slice(1)) {
        const other = Buffer.from(`${spell(next)}\n`);
        expect(recogniser.take(other, 0, other.length), spell(next)).toBe(-1);
      }
      const bytes = Buffer.from(`${at % 2 === 0 ? JSON.stringify(next) : asStored(next)}\n`);
      expect(recogniser.take(bytes, 0, bytes.length), `entry ${at}`).toBe(bytes.length - 1);
      expect(recogniser.head()).toEqual({ seq: next.seq, hash: next.hash });
      expect(recogniser.take(bytes, 0, bytes.length), 'the same once more').toBe(-1);
    }
  });

  test('takes every line that an earlier build exported', async () => {
    const bytes = await readFile(new URL('../../fixtures/builds/95be093/journal.ndjson', import.meta.url));
    const recogniser = createRecogniser();
    recogniser.follow({ seq: 0, hash: genesis });
    let taken = 0;
    for (let at = 0; at < bytes.length; taken++) {
      const end = recogniser.take(bytes, at, bytes.length);
      expect(end, `line ${taken + 1}`).toBeGreaterThan(at);
      at = end + 1;
    }
    expect(recogniser.seq()).toBe(taken);
  });

  test.each(['"position":01', '"position":', '"position":1.5', '"position":-1', '"position":"1"', '"more":1'])(
    'leaves %s at the end of a line',
    end => {
      const recogniser = createRecogniser();
      recogniser.follow({ seq: 0, hash: genesis });
      const bytes = Buffer.from(asStored(rows[0] as Row).replace('"position":7', end));
      expect(recogniser.take(bytes, 0, bytes.length)).toBe(-1);
    },
  );
});

describe('a line', () => {
  const schema = z.object({
    seq: z.int(),
    stream: z.string(),
    kind: z.string(),
    bytes: z.string(),
    prev: z.string(),
    hash: z.string(),
  });

  test('is an entry when it has the members of one, whatever else it has', () => {
    const values = [1, 0, -1, 1.5, 2 ** 53, 1e300, '1', null, true, [], {}, undefined];
    const made = Object.keys(rows[0] ?? {}).flatMap(key =>
      values.map(value => ({ ...rows[0], more: 1, [key]: value })),
    );
    for (const value of [...made, null, 5, 'x', [rows[0]], {}]) {
      const parsed = schema.safeParse(JSON.parse(JSON.stringify(value)));
      expect(parseLine(JSON.stringify(value)), JSON.stringify(value)).toEqual(parsed.success ? parsed.data : null);
    }
  });

  test('that is too long is no entry, wherever it is cut', async () => {
    const long = Buffer.from(`${good}${' '.repeat(3000)}${lines[0]}\n`);
    const longest = Math.max(...lines.map(text => Buffer.byteLength(text)));
    for (const size of [7, 500, 2000, long.length]) {
      const check = createBlockChecker((into, position) => long.copy(into, 0, position), null, longest);
      const blocks = Array.from({ length: Math.ceil(long.length / size) }, (_, at) =>
        check({ start: at * size, end: Math.min(long.length, (at + 1) * size) }),
      );
      const chain = createStitcher('journal.ndjson');
      const found = await verdictOf(() => {
        for (const [at, report] of blocks.entries()) chain.add({ start: at * size, end: (at + 1) * size }, report);
        return chain.head();
      });
      expect(found, `blocks of ${size}`).toEqual(entry(`journal.ndjson:${lines.length + 1}`));
      const chunks = Array.from({ length: Math.ceil(long.length / size) }, (_, at) =>
        long.subarray(at * size, (at + 1) * size),
      );
      expect((await collect(linesOf(Readable.from(chunks), longest))).slice(-2)).toEqual([lines.at(-1), '...']);
    }
  });

  test('without an end is read as far as it may be long', () => {
    const mark = 1024 * 1024;
    let read = 0;
    const check = createBlockChecker(
      (into, position) => {
        read = Math.max(read, position + into.length);
        return into.fill(0x20).length;
      },
      null,
      mark,
    );
    expect(check({ start: 0, end: 1000 }).fault).toEqual({ line: 1 });
    expect(read).toBeLessThan(2 * mark);
  });

  test('ends where node:readline ends it, in whatever pieces the text comes, but not at U+2028 and U+2029', async () => {
    const pieces = fc.array(
      fc.array(fc.constantFrom('a', 'é', '🙂', '\n', '\r', '\r\n'), { minLength: 1 }).map(all => all.join('')),
    );
    await fc.assert(
      fc.asyncProperty(pieces, fc.integer({ min: 1, max: 7 }), async (texts, size) => {
        const bytes = Buffer.from(texts.join(''));
        const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
          bytes.subarray(at * size, (at + 1) * size),
        );
        const known = createInterface({ input: Readable.from(chunks), crlfDelay: Number.POSITIVE_INFINITY });
        const wanted: string[] = [];
        known.on('line', text => wanted.push(text));
        await once(known, 'close');
        expect(await collect(linesOf(Readable.from(chunks)))).toEqual(wanted);
      }),
    );
    expect(await collect(linesOf(Readable.from([Buffer.from('a\u2028b\u2029c\nd')])))).toEqual([
      'a\u2028b\u2029c',
      'd',
    ]);
  });
});

async function collect(texts: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = [];
  for await (const text of texts) all.push(text);
  return all;
}
