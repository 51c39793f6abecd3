import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { messageOf, TocsinError } from './errors.ts';

/** How much a piece may be packed, bytes: what is unpacked waits until it is taken, so no more than this is in memory beyond the input. */
const pieceSize = 64 * 1024;

/**
 * The bytes of a gzip stream (also of several in a row), piece by piece. Throws TocsinError `bad-body` when it is damaged or cut, and
 * `body-too-large` as soon as more than `most` bytes come out. What the input throws is passed on.
 */
export async function* gunzip(input: Iterable<Buffer> | AsyncIterable<Buffer>, most: number): AsyncGenerator<Buffer> {
  let failure: unknown;
  async function* guarded() {
    try {
      for await (const piece of input)
        for (let at = 0; at < piece.length; at += pieceSize) yield piece.subarray(at, at + pieceSize);
    } catch (error) {
      failure = error;
      throw error;
    }
  }
  const from = Readable.from(guarded(), { objectMode: true });
  const unpacked = createGunzip({ chunkSize: pieceSize });
  from.on('error', error => unpacked.destroy(error));
  from.pipe(unpacked);
  let size = 0;
  try {
    for await (const piece of unpacked as AsyncIterable<Buffer>) {
      size += piece.length;
      if (size > most)
        throw new TocsinError('body-too-large', { allowed: `at most ${most} bytes when it is unpacked` });
      yield piece;
    }
  } catch (error) {
    if (failure !== undefined) throw failure;
    if (error instanceof TocsinError) throw error;
    throw new TocsinError('bad-body', { message: `The gzip stream cannot be unpacked: ${messageOf(error)}.` });
  } finally {
    from.destroy();
    unpacked.destroy();
  }
}
