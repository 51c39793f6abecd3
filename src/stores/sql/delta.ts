import { crc32, deflateRawSync, inflateRawSync } from 'node:zlib';
import { dictionary } from './dictionary.ts';

/** 16 KiB. A stream with the usual window takes so much memory that the system hands it out page by page, which takes longer than all else. */
const windowBits = 14;

/**
 * Content as what it does not share with a source: compressed by deflate with that source as its dictionary. Before the source stands a fixed
 * text, in which what all documents say occurs. At the end stands the CRC-32 of the content, four bytes, the lowest first, because deflate
 * itself does not notice another source.
 */
export function encodeDelta(source: string, content: Uint8Array): Uint8Array {
  const chunkSize = Math.min(Math.max(content.length, 64), 16 * 1024);
  const packed = deflateRawSync(content, { level: 1, memLevel: 5, windowBits, chunkSize, dictionary: load(source) });
  const delta = Buffer.allocUnsafe(packed.length + 4);
  packed.copy(delta);
  delta.writeUInt32LE(crc32(content), packed.length);
  return delta;
}

/** The content, whose length the caller knows: no more memory is taken. Throws an Error when the delta is damaged or of another source. */
export function decodeDelta(source: string, delta: Uint8Array, size: number): Buffer {
  const bytes = Buffer.from(delta.buffer, delta.byteOffset, delta.byteLength);
  if (bytes.length < 5) throw new Error('it is too short');
  const content = inflateRawSync(bytes.subarray(0, -4), {
    chunkSize: Math.max(size, 64),
    maxOutputLength: Math.max(size, 1),
    windowBits,
    dictionary: load(source),
  });
  if (content.length !== size) throw new Error('it has another length');
  if (crc32(content) !== bytes.readUInt32LE(bytes.length - 4))
    throw new Error('its sum is not that of what was written');
  return content;
}

/** The longest source, bytes: with the fixed text before it, deflate reaches back to its beginning from the first byte of content. */
export const longestSource = 2 ** windowBits - 262 - dictionary.length;
/** The longest content of a delta, bytes. */
export const longestContent = 0xffff;

/** True for a text that a delta can be made from. */
export function canBeSource(text: string): boolean {
  return text.length <= longestSource && Buffer.byteLength(text) <= longestSource;
}

const sources = Buffer.alloc(dictionary.length + longestSource);
dictionary.copy(sources);
/** The source that was used last; one entry is that of several documents in a row. */
let loaded = '';
let loadedEnd = dictionary.length;

function load(source: string): Uint8Array {
  if (loaded !== source) {
    if (!canBeSource(source)) throw new Error('the source is too long');
    loadedEnd = dictionary.length + sources.write(source, dictionary.length);
    loaded = source;
  }
  return sources.subarray(0, loadedEnd);
}
