import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { messageOf, TocsinError } from '../../kernel/errors.ts';
import { canBeSource, decodeDelta, encodeDelta, longestContent } from './delta.ts';

/**
 * How the bytes of a row are stored. `plain`: as they are, like all rows of older builds. `zstd`: compressed alone. `delta`: as what they do
 * not share with the text of a journal entry (delta.ts).
 */
export const codecs = { plain: 0, zstd: 1, delta: 2 } as const;

/** Shorter content stays plain, bytes: it would gain little. */
const shortest = { zstd: 1024, delta: 512 } as const;

/**
 * Longer content stays plain, bytes: compressing it blocks the event loop for milliseconds. It is also the most that a damaged row can
 * claim to hold.
 */
const longest = 4 * 1024 * 1024;

/** The shortest entry that is worth a reference, characters. */
const shortestBase = 256;

/** What is stored must be shorter than this share of the content; of a delta that is longer than `good`, zstd may make less. */
const enough = 0.9;
const good = 0.5;

/** True for the text of an entry that others may refer to. */
export function canBeBase(text: string): boolean {
  return text.length >= shortestBase && canBeSource(text);
}

export interface Packed {
  codec: 1 | 2;
  packed: Uint8Array;
}

/** Packed content; null when it is better stored plain. */
export function pack(content: Uint8Array, base: string | null): Packed | null {
  const delta = base === null || content.length < shortest.delta ? null : deltaOf(content, base);
  if (delta !== null && delta.packed.length < content.length * good) return delta;
  const alone = content.length < shortest.zstd || content.length > longest ? null : compress(content);
  const best = delta !== null && delta.packed.length <= (alone?.packed.length ?? Infinity) ? delta : alone;
  return best !== null && best.packed.length < content.length * enough ? best : null;
}

function deltaOf(content: Uint8Array, base: string): Packed | null {
  if (content.length > longestContent || !canBeBase(base)) return null;
  return { codec: codecs.delta, packed: encodeDelta(base, content) };
}

function compress(content: Uint8Array): Packed {
  // Without it Node takes 16 KiB for each call.
  const chunkSize = Math.min(Math.max(content.length, 64), 64 * 1024);
  const options = { params, pledgedSrcSize: content.length, chunkSize };
  return { codec: codecs.zstd, packed: zstdCompressSync(content, options) };
}

const params = { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 };

/** What a row says of its content. */
export interface Stored {
  codec: number;
  /** Bytes of the content before it was packed. */
  size: number;
  packed: Uint8Array;
}

/**
 * The content of a packed row, of exactly its size. `base` is the text of the journal entry that it refers to, null without one. Throws
 * `row-broken`, and never takes more memory than the size that the row names.
 */
export function unpack({ codec, size, packed }: Stored, base: string | null, at: string): Buffer {
  const refuse = (allowed: string, given: string, cause?: unknown) =>
    new TocsinError('row-broken', { at, allowed, given, cause });
  if (codec !== codecs.zstd && codec !== codecs.delta) throw refuse('codec 0, 1 or 2', `codec ${codec}`);
  if (size < 1 || size > longest) throw refuse(`1 to ${longest} bytes`, `${size} bytes`);
  if (codec === codecs.delta && base === null) throw refuse('the journal entry that it refers to', 'no such entry');
  try {
    if (base !== null && codec === codecs.delta) return decodeDelta(base, packed, size);
    const content = zstdDecompressSync(packed, { maxOutputLength: size, chunkSize: Math.max(size, 64) });
    if (content.length === size) return content;
    throw new Error(`${content.length} bytes`);
  } catch (error) {
    throw refuse(`${size} bytes of what was written`, messageOf(error), error);
  }
}
