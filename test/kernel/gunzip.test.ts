import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { gunzip } from '../../src/kernel/gunzip.ts';

async function all(pieces: AsyncIterable<Buffer>): Promise<Buffer> {
  const found: Buffer[] = [];
  for await (const piece of pieces) found.push(piece);
  return Buffer.concat(found);
}

const text = Buffer.from('a line of a log\n'.repeat(50_000));
const packed = gzipSync(text);

function* cutInto(bytes: Buffer, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

test.each([1, 1000, 1 << 20])('pieces of %i bytes are unpacked', async size => {
  expect((await all(gunzip(cutInto(packed, size), text.length))).equals(text)).toBe(true);
});

test('several streams in a row are one, as S3 and gzip append them', async () => {
  const two = Buffer.concat([packed, gzipSync('the end')]);
  expect((await all(gunzip([two], 1 << 30))).toString().endsWith('the end')).toBe(true);
});

test('what is damaged, cut or no gzip is refused', async () => {
  for (const bytes of [packed.subarray(0, -10), packed.subarray(0, 20), Buffer.from('plain'), Buffer.alloc(0)])
    await expect(all(gunzip([bytes], 1 << 30))).rejects.toMatchObject({ code: 'bad-body' });
});

test('no more comes out than is allowed, and little of what was beyond is unpacked', async () => {
  const bomb = gzipSync(Buffer.alloc(50_000_000));
  let size = 0;
  const reading = (async () => {
    for await (const piece of gunzip([bomb], 100_000)) size += piece.length;
  })();
  await expect(reading).rejects.toMatchObject({ code: 'body-too-large' });
  expect(size).toBeLessThanOrEqual(100_000);
});

test('what the input throws is passed on as it is', async () => {
  const lost = new Error('the connection was lost');
  async function* failing() {
    yield packed.subarray(0, 100);
    throw lost;
  }
  await expect(all(gunzip(failing(), 1 << 30))).rejects.toBe(lost);
});
