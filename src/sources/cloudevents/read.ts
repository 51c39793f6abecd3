import type { Json } from '../../kernel/canonical.ts';
import { TocsinError } from '../../kernel/errors.ts';
import { parseStrictJson, standardLimits } from '../../kernel/strict-json.ts';
import { isMap } from '../../model/incoming.ts';
import type { Delivery } from '../../ports/source.ts';
import { charsetIn, toUtf8 } from '../webhook/charset.ts';
import { type Attributes, canonicalText, checkAttributes, wrong } from './attributes.ts';

/** An event that was read. */
export interface CloudEvent {
  attributes: Attributes;
  /** The decoded data: JSON, or a text; null when there is none and for bytes that are no text. */
  data: Json;
}

/** How an event is sent: as one JSON document, as a list of those, or with its attributes in headers and its data as the body. */
export type Mode = 'structured' | 'batch' | 'binary';

export const formats = ['application/cloudevents+json', 'application/cloudevents-batch+json'] as const;

/**
 * The mode by the content type. Throws TocsinError `wrong-content-type` for an event format that is not JSON. Source: CloudEvents 1.0.2,
 * http-protocol-binding.md, section 3.
 */
export function modeOf({ headers }: Delivery): Mode {
  const type = mediaType(headers['content-type']);
  if (type === formats[0]) return 'structured';
  if (type === formats[1]) return 'batch';
  if (!type.startsWith('application/cloudevents')) return 'binary';
  throw new TocsinError('wrong-content-type', { message: 'This event format is not taken.', allowed: formats });
}

/** The body of a delivery: the document, or in binary mode the data. Throws TocsinError `bad-body` or `wrong-content-type`. */
export function readBody(delivery: Delivery): Json {
  const { body, headers } = delivery;
  if (modeOf(delivery) !== 'binary') return readJson(body, headers['content-type']);
  if (isMissingAll(headers)) {
    throw new TocsinError('bad-body', {
      message: 'This is not a CloudEvent: neither its content type nor headers say so.',
      at: 'specversion',
      allowed: `content type ${formats.join(' or ')}, or ce- headers`,
    });
  }
  return readData(body, headers['content-type']);
}

function isMissingAll(headers: Delivery['headers']): boolean {
  return !Object.keys(headers).some(name => name.startsWith(prefix));
}

/** One event of a JSON document. Throws TocsinError `bad-body`. Source: CloudEvents 1.0.2, json-format.md. */
export function readStructured(given: Json): CloudEvent {
  if (!isMap(given)) throw wrong('the document', 'an object with the attributes');
  const members = given as Record<string, Json>;
  const attributes: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(members)) {
    if (name === 'data' || name === 'data_base64') continue;
    const text = canonicalText(name, value);
    if (text !== null) attributes[name] = text;
  }
  const checked = checkAttributes(attributes);
  return { attributes: checked, data: dataIn(members, checked['datacontenttype']) };
}

function dataIn(members: Record<string, Json>, type: string | undefined): Json {
  const { data, data_base64: encoded } = members;
  if (encoded === undefined || encoded === null) return data ?? null;
  if (data !== undefined) throw wrong('data', 'left out beside data_base64');
  if (typeof encoded !== 'string' || encoded.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(encoded)) {
    throw wrong('data_base64', 'base64 of RFC 4648');
  }
  try {
    return readData(Buffer.from(encoded, 'base64'), type);
  } catch (error) {
    // A place within the data would look like one of the body.
    if (error instanceof TocsinError) throw wrong('data_base64', 'data of the type that datacontenttype says');
    throw error;
  }
}

const prefix = 'ce-';

/** The event of a delivery in binary mode, with the data that was read. Throws TocsinError `bad-body`. */
export function readBinary({ headers }: Delivery, data: Json): CloudEvent {
  const attributes: Record<string, string> = Object.create(null);
  for (const [header, value] of Object.entries(headers)) {
    if (!header.startsWith(prefix) || value === undefined) continue;
    const name = header.slice(prefix.length);
    if (name === 'datacontenttype') throw wrong(name, 'the header Content-Type alone');
    attributes[name] = headerText(value);
  }
  const type = headers['content-type'];
  if (type !== undefined) attributes['datacontenttype'] = type;
  return { attributes: checkAttributes(attributes), data };
}

/**
 * The text of a header: unquoted, then percent-decoded once. A percent sign without two hexadecimal digits stays. Bytes beyond ASCII should
 * not be there; they are UTF-8 where they can be, else Latin-1, as Node sends them. Source: CloudEvents 1.0.2, http-protocol-binding.md,
 * section 3.1.3.2.
 */
function headerText(value: string): string {
  const bytes = Buffer.from(value, 'latin1');
  const text = /[^\u0000-\u007f]/.test(value) ? (utf8Of(bytes) ?? value) : value;
  const plain = /^"(?:[^"\\]|\\.)*"$/s.test(text) ? text.slice(1, -1).replace(/\\(.)/gs, '$1') : text;
  try {
    return plain.replace(/(?:%[0-9A-Fa-f]{2})+/g, decodeURIComponent);
  } catch {
    throw wrong('attributes', 'percent-encoded UTF-8 in headers');
  }
}

/** The data of this media type: JSON, or a text; null for none, and for bytes that are no text. Throws TocsinError `bad-body`. */
function readData(bytes: Buffer, type: string | undefined): Json {
  if (bytes.length === 0) return null;
  if (/^[^/]+\/(?:[^/]+\+)?json$/.test(mediaType(type))) return readJson(bytes, type);
  try {
    return toUtf8(bytes, { told: charsetIn(type), option: undefined }).toString('utf8');
  } catch (error) {
    if (error instanceof TocsinError) return null;
    throw error;
  }
}

function readJson(bytes: Buffer, type: string | undefined): Json {
  const text = toUtf8(bytes, { told: charsetIn(type), option: undefined });
  // One text may be all of it (base64). An event has about one key for 30 bytes.
  const keys = Math.max(standardLimits.keys, Math.floor(text.length / 16));
  return parseStrictJson(text, { keys, string: Math.max(standardLimits.string, text.length) });
}

function utf8Of(bytes: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

function mediaType(header: string | undefined): string {
  return (header ?? '').replace(/;.*$/s, '').trim().toLowerCase();
}
