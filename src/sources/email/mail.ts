import { createHash } from 'node:crypto';
import { TocsinError } from '../../kernel/errors.ts';
import { isMap, longest } from '../../model/incoming.ts';

/** A mail as rules read it. */
export interface Mail {
  /** The address of the header From; empty without one. */
  from: string;
  /** The sender and recipients of the envelope. */
  sender: string;
  to: string[];
  subject: string;
  /** The text of all parts that are text, HTML as text too. */
  text: string;
  /** By name in lower case; of several of one name the first. */
  headers: Record<string, string>;
  messageId: string | null;
  /** Of the header Date, milliseconds since the epoch. */
  date: number | null;
  /** How many files were attached. They are not kept. */
  attachments: number;
}

/** Limits on what is read of one mail. A mail with more parts or larger heads is refused; a longer text is cut. */
export const mailLimits = {
  head: 64 * 1024,
  parts: 100,
  html: 256 * 1024,
  text: 16 * 1024,
  subject: 998,
  headers: 100,
};

/**
 * Reads the bytes of a mail. Attachments are thrown away as they come. Rejects with `bad-body` for what exceeds a limit. The text of a
 * charset that is not known is read as UTF-8. Source: mailparser 3.14, MailParser; mailsplit, maxHeadSize and maxChildNodes.
 */
export async function readMail(bytes: Buffer, envelope: { sender: string; to: string[] }): Promise<Mail> {
  const { MailParser } = await import('mailparser');
  const parser = new MailParser({
    skipImageLinks: true,
    skipTextToHtml: true,
    skipTextLinks: true,
    maxHtmlLengthToParse: mailLimits.html,
    ...({ maxHeadSize: mailLimits.head, maxChildNodes: mailLimits.parts } as object),
  });
  let headers: ReadonlyMap<string, unknown> = new Map();
  let text = '';
  let attachments = 0;
  parser.on('headers', (found: ReadonlyMap<string, unknown>) => {
    headers = found;
  });
  parser.on('data', data => {
    if (data.type === 'text') {
      text = typeof data.text === 'string' ? data.text : '';
      return;
    }
    attachments += 1;
    data.content.on('end', () => data.release?.());
    data.content.resume();
  });
  await new Promise<void>((resolve, reject) => {
    parser.once('end', resolve);
    parser.once('error', error => reject(unreadable(error)));
    parser.end(bytes);
  });
  return { ...envelope, ...headOf(headers), text: cut(text, mailLimits.text), attachments };
}

function headOf(
  headers: ReadonlyMap<string, unknown>,
): Pick<Mail, 'from' | 'subject' | 'headers' | 'messageId' | 'date'> {
  const texts: Record<string, string> = Object.create(null);
  for (const [name, value] of [...headers].slice(0, mailLimits.headers)) {
    const first: unknown = Array.isArray(value) ? value[0] : value;
    if (typeof first === 'string' && name !== '__proto__') texts[name] = cut(oneLine(first), longest.label);
  }
  const date = headers.get('date');
  const id = headers.get('message-id');
  return {
    from: addressOf(headers.get('from')),
    subject: cut(oneLine(texts['subject'] ?? ''), mailLimits.subject),
    headers: texts,
    messageId: typeof id === 'string' && id.trim() !== '' ? id.trim() : null,
    date: date instanceof Date && Number.isFinite(date.getTime()) ? date.getTime() : null,
  };
}

function addressOf(from: unknown): string {
  const [first]: unknown[] = isMap(from) && Array.isArray(from['value']) ? from['value'] : [];
  const address = isMap(first) ? first['address'] : null;
  return typeof address === 'string' ? cut(oneLine(address), 320) : '';
}

/** A header folded over lines, and hidden control characters, as one line. */
function oneLine(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f]+/g, ' ').trim();
}

/** At most so many characters, as well-formed Unicode without NUL. */
function cut(text: string, most: number): string {
  return text.slice(0, most).toWellFormed().replaceAll('\0', '\uFFFD');
}

function unreadable(cause: unknown): TocsinError {
  return new TocsinError('bad-body', {
    message: 'The mail cannot be read: its head is too large, or it has too many parts.',
    allowed: `heads of ${mailLimits.head} bytes, ${mailLimits.parts} parts`,
    cause,
  });
}

/** Under what a mail counts once: its Message-ID, and who sent it, so that nobody can use up the id of another sender's mail. */
export function onceOf({ messageId, sender }: Mail, user: string | null, fresh: string): string {
  if (messageId === null) return `without-id/${fresh}`;
  return createHash('sha256')
    .update(JSON.stringify([user, sender, messageId]))
    .digest('hex');
}
