import { cutLine } from '../../kernel/text.ts';
import type { ChatFile, TextFile } from '../../ports/chat.ts';
import type { Call } from './api.ts';

/** Bytes. Discord takes files of 10 MiB on any server; the rest is for the multipart form. */
const most = 9.5 * 1024 * 1024;

/** The longest text for screen readers, characters. */
const mostAlt = 1000;

/** A file of a message, by its place among them, with its text for screen readers. */
export interface Described {
  id: number;
  filename: string;
  description: string;
}

/** What a message says of this file; nothing of a log. */
export function attachmentsOf(file: ChatFile): Described[] {
  if (!('png' in file)) return [];
  return [{ id: 0, filename: safeName(file.name), description: cutLine(file.alt, mostAlt) }];
}

/** A file for upload. */
export async function readFile(file: ChatFile): Promise<NonNullable<Call['files']>[number]> {
  if (!('png' in file)) return await readText(file);
  return { name: safeName(file.name), data: Buffer.from(file.png), contentType: 'image/png' };
}

/** The middle of one that is too long is replaced by the number of missing bytes. */
async function readText({ name, text }: TextFile): Promise<NonNullable<Call['files']>[number]> {
  const half = Math.floor((most - 100) / 2);
  const head: Buffer[] = [];
  let headSize = 0;
  let tail = Buffer.alloc(0);
  let left = 0;
  for await (const chunk of typeof text === 'string' ? [text] : text) {
    const bytes = Buffer.from(chunk);
    const room = Math.max(0, half - headSize);
    head.push(bytes.subarray(0, room));
    headSize += Math.min(room, bytes.length);
    const joined = Buffer.concat([tail, bytes.subarray(room)]);
    const over = Math.max(0, joined.length - half);
    left += over;
    tail = joined.subarray(over);
  }
  const note =
    left === 0 ? '' : `\n… ${left.toLocaleString('en-GB')} bytes are left out here; the console has them …\n`;
  const data = Buffer.concat([...head, Buffer.from(note), tail]);
  return { name: safeName(name), data, contentType: 'text/plain; charset=utf-8' };
}

function safeName(name: string): string {
  const plain = name
    .replace(/[^\w.-]/g, '_')
    .replace(/^\.+/, '')
    .slice(-100);
  return plain === '' ? 'output.log' : plain;
}
