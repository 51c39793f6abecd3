import { checkHmac, hmacOf } from '../../kernel/signature.ts';
import type { Delivery, Verified } from '../../ports/source.ts';
import type { Options } from './options.ts';

/** `sha256=<hex>` over the raw body. Source: docs.github.com, validating webhook deliveries. */
const header = 'x-hub-signature-256';
const prefix = 'sha256=';

/** X-Hub-Signature is made with SHA-1 and proves nothing here. */
export function verify({ headers, body }: Delivery, { secret }: Options): Verified {
  if (secret === undefined) return { ok: true, by: 'none' };
  const given = headers[header] ?? '';
  if (!given.startsWith(prefix)) return { ok: false, because: 'no X-Hub-Signature-256 header with sha256=' };
  const signatures = [given.slice(prefix.length)];
  return checkHmac({ secrets: secret, parts: [body], signatures, encoding: 'hex' })
    ? { ok: true, by: 'hmac' }
    : { ok: false, because: 'the signature is not made with a configured secret' };
}

export function verifyHeaders(headers: Delivery['headers'], { secret }: Options): Verified | null {
  if (secret === undefined || headers[header] !== undefined) return null;
  return { ok: false, because: 'no X-Hub-Signature-256 header' };
}

export function prove({ body }: Delivery, { secret }: Options): Record<string, string> {
  const [first] = secret ?? [];
  return first === undefined ? {} : { [header]: prefix + hmacOf(first, [body]).toString('hex') };
}
