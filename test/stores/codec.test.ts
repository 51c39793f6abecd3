import { randomBytes } from 'node:crypto';
import { constants, zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { sha256 } from '../../src/kernel/canonical.ts';
import { TocsinError } from '../../src/kernel/errors.ts';
import { codecs, pack, unpack } from '../../src/stores/sql/codec.ts';
import { decodeDelta, encodeDelta, longestContent, longestSource } from '../../src/stores/sql/delta.ts';
import { dictionary } from '../../src/stores/sql/dictionary.ts';

const text = (length: number) =>
  randomBytes(Math.ceil(length / 2))
    .toString('hex')
    .slice(0, length);
const shared = text(3000);
const none = Buffer.alloc(0);

describe('a delta', () => {
  test('is made from a dictionary of which no byte may ever change', () => {
    expect([dictionary.length, sha256(dictionary)]).toEqual([
      3238,
      '2679fd3730e32c80e6ee84a6b2d3f2b1f231a638255c44d3c4d4a8ba9fdbcd6e',
    ]);
  });

  test.each([
    ['of the same content', shared, shared],
    [
      'of content with parts of the source',
      shared,
      `${shared.slice(100, 900)}-${shared.slice(2000)}${shared.slice(0, 50)}`,
    ],
    ['of content that has nothing of the source', shared, text(3000)],
    ['without a source', '', text(700)],
    ['of nothing', shared, ''],
    ['of less than a part that is looked for', shared, 'short'],
    ['of a part that ends with the source', shared, shared.slice(-40)],
    [
      'of a part at the end of the dictionary and the beginning of the source',
      shared,
      dictionary.toString().slice(-40) + shared.slice(0, 40),
    ],
    ['of repetitions', 'ab'.repeat(500), 'ab'.repeat(5000)],
    ['of texts beyond ASCII', `ü€🚒${shared}`, `🚒ü€${shared}🚒`],
    ['of the longest content and source', text(longestSource), text(longestContent)],
    ['of one byte, again and again', 'x'.repeat(longestSource), 'x'.repeat(longestContent)],
  ])('%s gives it back', (_, source, content) => {
    const bytes = Buffer.from(content);
    const delta = encodeDelta(source, bytes);
    encodeDelta('another', bytes);
    expect(decodeDelta(source, delta, bytes.length).equals(bytes)).toBe(true);
  });

  test('of content that the source has is a few bytes', () => {
    const content = Buffer.from(`{"a":"${shared}"}`);
    expect(encodeDelta(`other words, then ${shared}`, content).length).toBeLessThan(64);
  });

  test('of any mixture gives it back', () => {
    for (let n = 0; n < 300; n++) {
      const source = text(n * 3);
      const parts = Array.from({ length: n % 7 }, () => {
        const [a = 0, b = 0] = randomBytes(2);
        return n % 2 === 0 ? Buffer.from(source).subarray(a, a + b) : randomBytes(b);
      });
      const content = Buffer.concat([...parts, Buffer.from(source), ...parts]);
      expect(decodeDelta(source, encodeDelta(source, content), content.length).equals(content)).toBe(true);
    }
  });

  test('that is damaged in any byte, cut or read from another source is refused', () => {
    const source = shared;
    const content = Buffer.from(`one ${shared.slice(0, 500)} two ${shared.slice(700, 900)} three`);
    const delta = encodeDelta(source, content);
    const outcome = (bytes: Uint8Array, from = source) => {
      try {
        return decodeDelta(from, bytes, content.length).equals(content) ? 'the content' : 'something else';
      } catch {
        return 'refused';
      }
    };
    expect(outcome(delta)).toBe('the content');
    const outcomes = new Set<string>();
    for (let at = 0; at < delta.length; at++)
      for (const bit of [1, 16, 128]) outcomes.add(outcome(delta.with(at, (delta[at] ?? 0) ^ bit)));
    for (let end = 0; end < delta.length; end++) outcomes.add(outcome(delta.subarray(0, end)));
    outcomes.add(outcome(delta, ''));
    outcomes.add(outcome(delta, text(3000)));
    expect([...outcomes]).toEqual(['refused']);
  });
});

describe('packing', () => {
  const base = `{"fact":"${shared}"}`;
  const codecOf = (content: string, from: string | null = base) => pack(Buffer.from(content), from)?.codec ?? 0;

  test.each([
    ['short content', codecOf(shared.slice(0, 400)), 'plain'],
    ['content that repeats the entry', codecOf(`{"doc":"${shared}"}`), 'delta'],
    ['less of it', codecOf(shared.slice(0, 600)), 'delta'],
    ['content that repeats an entry that is not known', codecOf(`{"doc":"${shared}"}`, null), 'zstd'],
    ['content with little of the entry', codecOf(`{"doc":"${text(9000)}"}`), 'zstd'],
    ['an entry that is too short to refer to', codecOf('words '.repeat(400), 'words '.repeat(20)), 'zstd'],
    ['content that is too long for a delta', codecOf(shared.repeat(30)), 'zstd'],
    ['content that blocks for too long', codecOf('x'.repeat(4 * 1024 * 1024 + 1)), 'plain'],
    ['content that gains nothing', pack(randomBytes(5000), null)?.codec ?? 0, 'plain'],
  ] as const)('%s', (_, codec, name) => {
    expect(codec).toBe(codecs[name]);
  });

  test('gives the content back, with the entry or without', () => {
    for (const content of [Buffer.from(shared), Buffer.from('words '.repeat(800)), Buffer.from(shared.repeat(400))]) {
      const packed = pack(content, base);
      if (packed === null) throw new Error('not packed');
      expect(unpack({ ...packed, size: content.length }, base, 'here').equals(content)).toBe(true);
    }
  });
});

describe('a row that is not what was written', () => {
  const content = Buffer.from(`{"doc":"${shared}"}`);
  const zstd = zstdCompressSync(content, { params: { [constants.ZSTD_c_checksumFlag]: 1 } });
  const bomb = zstdCompressSync(Buffer.alloc(64 * 1024 * 1024));
  const base = shared;
  const delta = encodeDelta(base, content);
  const size = content.length;

  test.each([
    ['a codec that is not known', { codec: 3, size, packed: zstd }, 'codec 0, 1 or 2', 'codec 3'],
    ['plain that comes here', { codec: 0, size, packed: content }, 'codec 0, 1 or 2', 'codec 0'],
    ['no size', { codec: 1, size: 0, packed: zstd }, '1 to 4194304 bytes', '0 bytes'],
    [
      'a size beyond what is written',
      { codec: 1, size: 1e12, packed: bomb },
      '1 to 4194304 bytes',
      '1000000000000 bytes',
    ],
    ['more than its size', { codec: 1, size, packed: bomb }, `${size} bytes of what was written`, null],
    [
      'one byte more than its size',
      { codec: 1, size: size - 1, packed: zstd },
      `${size - 1} bytes of what was written`,
      null,
    ],
    [
      'less than its size',
      { codec: 1, size: size + 1, packed: zstd },
      `${size + 1} bytes of what was written`,
      `${size} bytes`,
    ],
    [
      'a byte that is another',
      { codec: 1, size, packed: zstd.with(500, 0) },
      `${size} bytes of what was written`,
      null,
    ],
    ['nothing', { codec: 1, size, packed: none }, `${size} bytes of what was written`, null],
    [
      'a delta of another length',
      { codec: 2, size: size + 1, packed: delta },
      `${size + 1} bytes of what was written`,
      'it has another length',
    ],
    [
      'a delta with less than it says',
      { codec: 2, size, packed: delta.subarray(0, -9) },
      `${size} bytes of what was written`,
      null,
    ],
  ])('%s', (_, row, allowed, given) => {
    const error = broken(row, base);
    expect(error).toMatchObject({ code: 'row-broken', at: 'table alert: alt_1', allowed });
    if (given !== null) expect(error.given).toBe(given);
  });

  test('its entry is gone, or is another one', () => {
    expect(broken({ codec: 2, size, packed: delta }, null)).toMatchObject({ given: 'no such entry' });
    expect(broken({ codec: 2, size, packed: delta }, text(3000))).toMatchObject({ code: 'row-broken' });
    expect(broken({ codec: 2, size, packed: delta }, 'x'.repeat(70_000))).toMatchObject({
      code: 'row-broken',
    });
  });

  function broken(row: Parameters<typeof unpack>[0], from: string | null): TocsinError {
    try {
      unpack(row, from, 'table alert: alt_1');
    } catch (error) {
      if (error instanceof TocsinError) return error;
      throw error;
    }
    throw new Error('it was unpacked');
  }
});
