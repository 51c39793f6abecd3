import { checkHmac, hmacOf } from '../../kernel/signature.ts';
import type { Delivery, Verified } from '../../ports/source.ts';

interface Given {
  secret?: readonly string[] | undefined;
}

/** Hex of the HMAC of the body. Neither the time nor the id of a request is signed. Source: docs.sentry.io, integration platform, webhooks. */
const header = 'sentry-hook-signature';

export function verifyHeaders(headers: Delivery['headers'], { secret }: Given): Verified | null {
  if (secret === undefined) return { ok: true, by: 'none' };
  return headers[header] === undefined ? { ok: false, because: 'no Sentry-Hook-Signature' } : null;
}

export function verify({ headers, body }: Delivery, given: Given): Verified {
  const early = verifyHeaders(headers, given);
  if (early !== null) return early;
  const signatures = [headers[header] ?? ''];
  return checkHmac({ secrets: given.secret ?? [], parts: [body], signatures, encoding: 'hex' })
    ? { ok: true, by: 'hmac' }
    : { ok: false, because: 'the signature is not made with a configured secret' };
}

export function prove({ body }: Delivery, { secret }: Given): Record<string, string> {
  return secret === undefined ? {} : { [header]: hmacOf(secret[0] ?? '', [body]).toString('hex') };
}
