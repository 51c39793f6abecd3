import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import compress from '@fastify/compress';
import type { FastifyInstance } from 'fastify';

const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_MODE, BROTLI_MODE_TEXT } = constants;
const brotli = (quality: number) => ({
  params: { [BROTLI_PARAM_QUALITY]: quality, [BROTLI_PARAM_MODE]: BROTLI_MODE_TEXT },
});

/**
 * Compresses the answers of the console. Event streams are none of them: they are written past it, piece by piece. Pages carry their
 * secret masked (csrf.ts), so that what is typed into an address may stand beside it.
 */
export async function registerCompression(scope: FastifyInstance): Promise<void> {
  await scope.register(compress, {
    encodings: ['br', 'gzip'],
    globalDecompression: false,
    threshold: 1024,
    // A page of 100 KB in some milliseconds: more effort saves few bytes, and the process has other work.
    brotliOptions: brotli(4),
    customTypes: type => /^(?:text\/(?!event-stream)|image\/svg\+xml|application\/(?:json|x-ndjson))/.test(type),
  });
}

/** A file in each encoding, made once. */
export interface Encoded {
  br: Buffer;
  gzip: Buffer;
}

export async function encode(body: Buffer): Promise<Encoded> {
  const [br, zipped] = await Promise.all([promisify(brotliCompress)(body, brotli(9)), promisify(gzip)(body)]);
  return { br, gzip: zipped };
}

/** The first encoding of ours that a browser takes; null for none. `q=0` refuses one. */
export function chooseEncoding(accepted: string | undefined): keyof Encoded | null {
  const takes = (accepted ?? '').split(',').map(one =>
    one
      .trim()
      .toLowerCase()
      .split(/\s*;\s*/),
  );
  const isTaken = (name: string) => takes.some(([coding, q]) => coding === name && !/^q=0(\.0*)?$/.test(q ?? ''));
  if (isTaken('br')) return 'br';
  return isTaken('gzip') ? 'gzip' : null;
}
