import { isUtf8 } from 'node:buffer';
import { TocsinError } from '../../kernel/errors.ts';
import { cutLine } from '../../kernel/text.ts';

/** What a body may be in: the charset that its sender names, and the one of the options for a body that is not what it says. */
export interface Charsets {
  told: string | null;
  option: string | undefined;
}

/** The parameter `charset` of a Content-Type; null when it has none. */
export function charsetIn(contentType: string | undefined): string | null {
  const found = /;\s*charset\s*=\s*(?:"([^"]*)"|([^\s;"]+))/i.exec(contentType ?? '');
  return (found?.[1] ?? found?.[2])?.trim().toLowerCase() ?? null;
}

/** True for a charset that can be decoded: any label of the WHATWG Encoding Standard. */
export function isCharset(label: string): boolean {
  try {
    return new TextDecoder(label).encoding !== 'replacement';
  } catch {
    return false;
  }
}

/** ASCII is UTF-8 too. WHATWG takes it for Windows-1252, and would turn a sender's unannounced UTF-8 into other letters. */
const asUtf8 = /^(utf-?8|unicode-1-1-utf-8|(us-)?ascii)$/;
/** One byte a letter, ASCII among them: text that is valid UTF-8 is UTF-8 and not this. */
const oneByte = /^(windows-\d+|iso-8859-\d+(-i)?|koi8-[ru]|macintosh|x-mac-cyrillic|ibm866)$/;

/**
 * The bytes as UTF-8, unchanged when they are. A charset that the sender names is believed. The charset of the options is for what is not
 * UTF-8 and does not say what it is. Throws TocsinError `wrong-content-type` for a charset that is not known, `bad-body` for bytes that do
 * not fit.
 */
export function toUtf8(bytes: Buffer, { told, option }: Charsets): Buffer {
  const mark = markOf(bytes);
  if (told !== null && !asUtf8.test(told)) {
    if (!isCharset(told)) throw unknownCharset(told);
    return decode(bytes, told.startsWith('utf-16') ? (mark ?? told) : told);
  }
  const other = option === undefined ? (mark ?? undefined) : option;
  if (other !== undefined && !oneByte.test(new TextDecoder(other).encoding) && !asUtf8.test(other))
    return decode(bytes, other);
  if (isUtf8(bytes)) return bytes;
  if (other !== undefined && !asUtf8.test(other)) return decode(bytes, other);
  throw new TocsinError('bad-body', {
    message: 'The body is not valid UTF-8, and its Content-Type names no other charset.',
    allowed: 'UTF-8, or the charset that Content-Type or the option charset names',
    remedy: 'Set charset: latin1 (or what the sender writes) at this source in tocsin.yaml.',
  });
}

/** The byte-order mark of UTF-16, which no UTF-8 begins with. */
function markOf(bytes: Buffer): string | null {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  return bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : null;
}

function decode(bytes: Buffer, charset: string): Buffer {
  try {
    return Buffer.from(new TextDecoder(charset, { fatal: true }).decode(bytes));
  } catch (error) {
    throw new TocsinError('bad-body', {
      message: 'The body has bytes that its charset does not have.',
      allowed: `text in ${charset}`,
      cause: error,
    });
  }
}

function unknownCharset(told: string): TocsinError {
  return new TocsinError('wrong-content-type', {
    message: 'The charset of the Content-Type is not known.',
    allowed: 'utf-8, utf-16, iso-8859-1 to -16, windows-1250 to -1258, shift_jis, gb18030, euc-kr and the like',
    given: cutLine(told, 60),
  });
}
