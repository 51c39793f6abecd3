import type { Json } from '../../kernel/canonical.ts';
import { TocsinError } from '../../kernel/errors.ts';
import { type Charsets, toUtf8 } from './charset.ts';

/** The most fields of one form. */
const mostFields = 1000;
const longestField = 64 * 1024;

const percent = 0x25;
const plus = 0x2b;

/**
 * A body of application/x-www-form-urlencoded as a map from field to text; a field that comes more than once is the list of its texts. What
 * is not percent-encoded is taken as it stands (`curl -d`). Decoded bytes are in the charset of the body. Throws TocsinError `bad-body`.
 */
export function readForm(body: Buffer, charsets: Charsets): Json {
  const out: Record<string, Json> = Object.create(null);
  let count = 0;
  for (const part of partsOf(withoutLineEnd(body))) {
    if (part.length === 0) continue;
    if (++count > mostFields) throw tooMuch('the number of fields', String(mostFields));
    const equals = part.indexOf(0x3d);
    const name = decode(equals < 0 ? part : part.subarray(0, equals), charsets);
    const value = equals < 0 ? '' : decode(part.subarray(equals + 1), charsets);
    if (value.length > longestField) throw tooMuch('a field', `${longestField} characters`);
    const before = out[name];
    out[name] = before === undefined ? value : [before, value].flat();
  }
  if (count === 0) throw new TocsinError('bad-body', { message: 'The form has no field.', allowed: 'name=value&...' });
  return out;
}

function* partsOf(body: Buffer): Generator<Buffer> {
  let from = 0;
  while (from <= body.length) {
    const end = body.indexOf('&', from);
    yield body.subarray(from, end < 0 ? body.length : end);
    if (end < 0) return;
    from = end + 1;
  }
}

/** `echo | curl -d @-` and the like leave a line end behind the last field. */
function withoutLineEnd(body: Buffer): Buffer {
  let end = body.length;
  while (end > 0 && (body[end - 1] === 0x0a || body[end - 1] === 0x0d)) end--;
  return body.subarray(0, end);
}

/** The text of a name or value. A % without two hexadecimal digits stands for itself. */
function decode(part: Buffer, charsets: Charsets): string {
  const bytes = Buffer.alloc(part.length);
  let length = 0;
  for (let i = 0; i < part.length; i++) {
    const byte = part[i] ?? 0;
    const high = byte === percent ? digit(part[i + 1]) : -1;
    const low = high < 0 ? -1 : digit(part[i + 2]);
    bytes[length++] = low >= 0 ? high * 16 + low : byte === plus ? 0x20 : byte;
    if (low >= 0) i += 2;
  }
  return toUtf8(bytes.subarray(0, length), charsets).toString('utf8');
}

function digit(byte: number | undefined): number {
  const found = '0123456789abcdef'.indexOf(String.fromCharCode(byte ?? 0).toLowerCase());
  return byte === undefined ? -1 : found;
}

function tooMuch(what: string, allowed: string): TocsinError {
  return new TocsinError('bad-body', {
    message: `The body exceeds a limit: ${what}.`,
    allowed: `at most ${allowed}`,
  });
}
