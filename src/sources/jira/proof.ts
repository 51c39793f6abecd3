import { checkHmac, hmacOf } from '../../kernel/signature.ts';
import type { Delivery, Verified } from '../../ports/source.ts';
import type { Options } from './options.ts';

/** `sha256=` and the hex of the HMAC of the body, by WebSub. Source: developer.atlassian.com, Jira Cloud webhooks, secure admin webhooks. */
const header = 'x-hub-signature';

export function verifyHeaders(headers: Delivery['headers'], { secret }: Options): Verified | null {
  if (secret === undefined) return { ok: true, by: 'none' };
  return headers[header] === undefined ? { ok: false, because: 'no X-Hub-Signature' } : null;
}

export function verify({ headers, body }: Delivery, given: Options): Verified {
  const early = verifyHeaders(headers, given);
  if (early !== null) return early;
  const [, signature = ''] = /^sha256=([0-9a-f]{64})$/i.exec(headers[header] ?? '') ?? [];
  return checkHmac({ secrets: given.secret ?? [], parts: [body], signatures: [signature], encoding: 'hex' })
    ? { ok: true, by: 'hmac' }
    : { ok: false, because: 'no sha256 signature that is made with a configured secret' };
}

export function prove({ body }: Delivery, { secret }: Options): Record<string, string> {
  return secret === undefined ? {} : { [header]: `sha256=${hmacOf(secret[0] ?? '', [body]).toString('hex')}` };
}
