import { gunzipSync, inflateSync } from 'node:zlib';
import { createRedactor, type Secrets } from '../../kernel/redact/redact.ts';
import type { ConfiguredSource } from '../../ports/catalogue.ts';
import type { Delivery } from '../../ports/source.ts';

/** A larger body is not kept, bytes. */
export const mostRecorded = 4 * 1024 * 1024;

export interface CleanDelivery {
  headers: Record<string, string>;
  body: Buffer;
  /** What was taken out, for people. */
  removed: string[];
}

/** Headers that carry credentials, by their names. */
const credential = /auth|token|secret|signature|password|cookie|credential|api-?key|session|x-sig\b|hmac/;
/** Headers of the connection and of proxies: they are not the sender's, and a replay has its own. Those of the file are ours. */
const ofTheWay =
  /^(host|connection|keep-alive|content-length|transfer-encoding|te|trailer|upgrade|expect|via|forwarded|x-forwarded-.*|x-real-ip|x-envoy-.*|cf-.*|true-client-ip|traceparent|tracestate|accept-encoding|tocsin-.*)$/;

/**
 * Pure: a delivery without secrets: no header of a proof, and in what is left no known secret in any form, and nothing that looks like a
 * credential. All other bytes of the body stay as they are, but for a compressed body, which is unpacked: nobody could look into it. Null
 * when it is too large or cannot be unpacked; then nothing of it may be kept.
 */
export function cleanDelivery(delivery: Delivery, source: ConfiguredSource, secrets: Secrets): CleanDelivery | null {
  const removed: string[] = [];
  const body = unpack(delivery);
  if (body === null || body.length > mostRecorded) return null;
  const packed = delivery.headers['content-encoding'] !== undefined && body !== delivery.body;
  if (packed) removed.push('the compression of the body');
  const proof = new Set(Object.keys(source.driver.prove?.(delivery, source.options) ?? {}));
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(delivery.headers)) {
    if (value === undefined || ofTheWay.test(name) || (packed && name === 'content-encoding')) continue;
    if (proof.has(name) || credential.test(name)) {
      removed.push(`header ${name}`);
      continue;
    }
    const clean = redact(Buffer.from(value, 'latin1'), secrets).toString('latin1');
    if (clean !== value) removed.push(`a value in header ${name}`);
    headers[name] = clean;
  }
  const clean = redact(body, secrets);
  const count = marksIn(clean) - marksIn(body);
  if (!clean.equals(body)) removed.push(`${count} value${count === 1 ? '' : 's'} in the body`);
  return { headers, body: clean.equals(body) ? body : asBefore(body, clean), removed };
}

/** The body as its sender wrote it; null when it cannot be. */
function unpack({ headers, body }: Delivery): Buffer | null {
  const encoding = headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  if (encoding === 'identity') return body;
  try {
    if (encoding === 'gzip' || encoding === 'x-gzip') return gunzipSync(body, { maxOutputLength: mostRecorded });
    return encoding === 'deflate' ? inflateSync(body, { maxOutputLength: mostRecorded }) : null;
  } catch {
    return null;
  }
}

function redact(bytes: Buffer, secrets: Secrets): Buffer {
  const redactor = createRedactor(secrets);
  const first = redactor.push(bytes);
  return Buffer.concat([first, redactor.flush()]);
}

function marksIn(bytes: Buffer): number {
  return bytes.toString('latin1').split('[redacted]').length - 1;
}

/** A mark in the place of a number or of null would make JSON unreadable, so there it is a text. */
function asBefore(before: Buffer, clean: Buffer): Buffer {
  if (!isJson(before) || isJson(clean)) return clean;
  const quoted = clean.toString('latin1').replace(/([:[,]\s{0,8})\[redacted\](?=\s{0,8}[,}\]])/g, '$1"[redacted]"');
  return Buffer.from(quoted, 'latin1');
}

function isJson(bytes: Buffer): boolean {
  try {
    JSON.parse(bytes.toString());
    return true;
  } catch {
    return false;
  }
}
