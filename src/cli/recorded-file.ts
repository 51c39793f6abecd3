import type { z } from 'zod';
import type { recordingDoc } from '../http/source-docs.ts';

type Kept = z.infer<typeof recordingDoc>['deliveries'][number];

/** A delivery in a file: the request as HTTP writes it (RFC 9112, message/http), with what Tocsin says of it as two headers more. */
export interface RecordedFile {
  headers: Record<string, string>;
  body: Buffer;
}

const own = { at: 'tocsin-recorded', removed: 'tocsin-removed' };

/** The bytes of the file. */
export function writeRecorded(source: string, { at, outcome, headers, body, removed }: Kept): Buffer {
  const lines = [
    `POST /events/${source} HTTP/1.1`,
    `${own.at}: ${at}, ${outcome}`,
    `${own.removed}: ${removed.length === 0 ? 'nothing' : removed.join(', ')}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value.replace(/[\r\n]/g, ' ')}`),
  ];
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), Buffer.from(body, 'base64')]);
}

/** The request in such a file; null when it is none, and then the file is a body alone. */
export function readRecorded(bytes: Buffer): RecordedFile | null {
  if (!/^POST \/events\/\S+ HTTP\/1\.1\r?\n/.test(bytes.subarray(0, 200).toString('latin1'))) return null;
  const end = /\r?\n\r?\n/.exec(bytes.subarray(0, 64 * 1024).toString('latin1'));
  if (end === null) return null;
  const head = bytes.subarray(0, end.index).toString('latin1').split(/\r?\n/).slice(1);
  const named = head.map(line => /^([A-Za-z0-9!#$%&'*+.^_`|~-]+):[ \t]*(.*?)[ \t]*$/.exec(line));
  if (named.some(found => found === null)) return null;
  const all = Object.fromEntries(named.map(found => [(found?.[1] ?? '').toLowerCase(), found?.[2] ?? '']));
  if (all[own.at] === undefined) return null;
  const headers = Object.fromEntries(Object.entries(all).filter(([name]) => !Object.values(own).includes(name)));
  return { headers, body: bytes.subarray(end.index + end[0].length) };
}
