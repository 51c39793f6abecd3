import { createHmac, randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { notProven, TocsinError } from '../kernel/errors.ts';
import { checkBearer } from '../kernel/signature.ts';
import type { ConfiguredSource } from '../ports/catalogue.ts';
import { type Delivery, defaultMaxBody } from '../ports/source.ts';

/** What is known of a sender from its headers, before its body is read. */
export interface Admitted {
  /**
   * `proven`: the headers proved it. `unproven`: the source has no secret, or the proof covers the body. `stranger`: it will be refused, but
   * only after its body.
   */
  by: 'proven' | 'unproven' | 'stranger';
  /** The largest body, bytes. */
  limit: number;
  /** Why a stranger is one. */
  doubt?: string;
}

const decoy = randomBytes(32);
const decoyToken = [decoy.toString('hex')];

/**
 * Checks what the headers alone can prove, and says how much may be sent. Throws `bad-signature`, or `not-found` for an unknown source,
 * before the body is read. A request with a signature waits for its body even so, as at a source that needs the body for its proof: what is
 * refused takes as long everywhere, so that sources cannot be enumerated.
 */
export function admit(request: { headers: IncomingHttpHeaders }, source: ConfiguredSource | null): Admitted {
  const headers = flatHeaders(request.headers);
  const verified = source === null ? notFound(headers) : source.driver.verifyHeaders?.(headers, source.options);
  if (verified != null && !verified.ok) {
    if (hasSignature(headers)) return { by: 'stranger', limit: defaultMaxBody, doubt: verified.because };
    throw source === null ? new TocsinError('not-found') : notProven(verified.because);
  }
  const limit = source?.driver.maxBody ?? defaultMaxBody;
  if (verified != null && verified.by !== 'none') return { by: 'proven', limit };
  return { by: 'unproven', limit: Math.min(limit, defaultMaxBody) };
}

/** Takes as long as the check of a token. */
function notFound(headers: Delivery['headers']): { ok: false; because: string } {
  checkBearer(headers['authorization'], decoyToken);
  return { ok: false, because: 'there is no such source' };
}

function hasSignature(headers: Delivery['headers']): boolean {
  return Object.keys(headers).some(name => name.includes('signature'));
}

/** Takes as long and looks the same as a wrong signature over the body. The log names an unknown source. */
export function refuseStranger(source: ConfiguredSource | null, body: Buffer, doubt = ''): never {
  createHmac('sha256', decoy).update(body).digest();
  throw source === null ? new TocsinError('not-found') : notProven(doubt);
}

export function tooLarge({ by, limit }: Admitted): TocsinError {
  const whose = by === 'proven' ? 'maxBody of the source' : 'maxBody of a sender whose headers prove nothing';
  return new TocsinError('body-too-large', { allowed: `at most ${limit} bytes (${whose})` });
}

/** Node joins repeated headers, except for a few that it keeps as lists. */
export function flatHeaders(headers: IncomingHttpHeaders): Delivery['headers'] {
  const flat = headers as Record<string, string | undefined>;
  if (headers['set-cookie'] === undefined) return flat;
  return { ...flat, 'set-cookie': headers['set-cookie'].join(', ') };
}
