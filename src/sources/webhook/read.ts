import { gunzipSync, inflateRawSync, inflateSync } from 'node:zlib';
import type { Json } from '../../kernel/canonical.ts';
import { isCode, TocsinError } from '../../kernel/errors.ts';
import { parseStrictJson } from '../../kernel/strict-json.ts';
import type { Delivery } from '../../ports/source.ts';
import { type Charsets, charsetIn, toUtf8 } from './charset.ts';
import { readForm } from './form.ts';
import { type Lines, readLines } from './lines.ts';
import type { Options } from './options.ts';

/** The largest body in bytes, as it is sent and once it is unpacked. */
export const largest = 1024 * 1024;

/** The content encodings that are unpacked. */
export const encodings = ['gzip', 'x-gzip', 'deflate'] as const;

/** The body of a delivery as its source's format reads it; `Lines` for ndjson. Throws TocsinError, see `Source.parse`. */
export function readBody(delivery: Delivery, given: Options): Json | Lines {
  const charsets: Charsets = { told: charsetIn(delivery.headers['content-type']), option: given.charset };
  const bytes = unpack(delivery);
  switch (given.format) {
    case 'json':
      return readJson(toUtf8(bytes, charsets), delivery);
    case 'ndjson':
      return readLines(toUtf8(bytes, charsets));
    case 'form':
      return readForm(bytes, charsets);
    case 'text':
      return toUtf8(bytes, charsets)
        .toString('utf8')
        .replace(/^\ufeff|\r?\n$/g, '');
  }
}

function readJson(bytes: Buffer, delivery: Delivery): Json {
  try {
    return parseStrictJson(bytes);
  } catch (error) {
    const isForm = /^application\/x-www-form-urlencoded\b/i.test(delivery.headers['content-type'] ?? '');
    if (!isForm || !isCode(error, 'bad-body')) throw error;
    const { message, at } = error;
    throw new TocsinError('bad-body', {
      message,
      ...(at === undefined ? {} : { at }),
      remedy: 'Send JSON, or set format: form (fields) or format: text (any text) at this source in tocsin.yaml.',
      cause: error,
    });
  }
}

/** Unpacking stops at the limit, so a bomb takes no more memory than the largest body. */
function unpack({ headers, body }: Delivery): Buffer {
  const encoding = headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  if (encoding === 'identity') return body;
  try {
    return unpackerOf(encoding, body)(body, { maxOutputLength: largest });
  } catch (error) {
    if (error instanceof TocsinError) throw error;
    if (error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') {
      throw new TocsinError('body-too-large', {
        message: 'The unpacked body is larger than this source allows.',
        allowed: `${largest} bytes`,
      });
    }
    throw new TocsinError('bad-body', {
      message: 'The body cannot be unpacked as its Content-Encoding says.',
      allowed: encodings.join(', '),
      cause: error,
    });
  }
}

function unpackerOf(encoding: string, body: Buffer): typeof gunzipSync {
  if (encoding === 'gzip' || encoding === 'x-gzip') return gunzipSync;
  if (encoding !== 'deflate') throw new TocsinError('wrong-content-type', { allowed: encodings });
  // RFC 9110 means the zlib format; some senders leave its two bytes of header out.
  const isZlib = body.length > 1 && ((body[0] ?? 0) & 0x0f) === 8 && body.readUInt16BE(0) % 31 === 0;
  return isZlib ? inflateSync : inflateRawSync;
}
