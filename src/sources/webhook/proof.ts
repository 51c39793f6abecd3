import { checkBasic, checkBearer, checkHmac, checkToken } from '../../kernel/signature.ts';
import type { Delivery, Verified } from '../../ports/source.ts';
import { type Hmac, keyBytes } from './auth.ts';
import type { Options } from './options.ts';

/** Checks the configured proof (bearer, basic, header or HMAC). The time does not depend on the secrets. */
export function verify(delivery: Delivery, given: Options): Verified {
  const { auth } = given;
  if (auth === undefined) return { ok: true, by: 'none' };
  const { authorization } = delivery.headers;
  const checks: [Exclude<(Verified & { ok: true })['by'], 'none'>, boolean][] = [
    ['bearer', auth.bearer !== undefined && checkBearer(authorization, auth.bearer)],
    [
      'basic',
      auth.basic !== undefined && checkBasic(authorization, { user: auth.basic.user, passwords: auth.basic.password }),
    ],
    ['header', auth.header !== undefined && checkToken(delivery.headers[auth.header.name] ?? null, auth.header.value)],
    ['hmac', auth.hmac !== undefined && isSigned(delivery, auth.hmac)],
  ];
  const proof = checks.find(([, holds]) => holds);
  return proof === undefined ? { ok: false, because: 'not what auth asks for' } : { ok: true, by: proof[0] };
}

/** Bearer and basic need only the headers; so does an HMAC that is not there. */
export function verifyHeaders(headers: Delivery['headers'], given: Options): Verified | null {
  const hmac = given.auth?.hmac;
  if (hmac === undefined) return verify({ headers, body: Buffer.alloc(0), at: 0 }, given);
  return headers[hmac.header] === undefined ? { ok: false, because: 'no signature' } : null;
}

function isSigned(delivery: Delivery, how: Hmac): boolean {
  const given = delivery.headers[how.header];
  const parts = signedParts(delivery, how);
  if (given === undefined || parts === null || !isFresh(delivery, how)) return false;
  const start = how.prefix === '' ? /[\s,]+/ : new RegExp(`(?:^|[\\s,])${how.prefix.replace(/[^A-Za-z0-9]/g, '\\$&')}`);
  const pieces = given
    .slice(0, 8192)
    .split(start, 64)
    .map(text => text.replace(/[\s,]+.*$/s, ''));
  const secrets = how.secret.map(one => keyBytes(one, how.secretEncoding));
  // The text before the first prefix is not a signature.
  return checkHmac({
    secrets,
    parts,
    signatures: how.prefix === '' ? pieces : pieces.slice(1),
    encoding: how.encoding,
  });
}

/** The signed bytes in order; null when a signed header is missing. */
function signedParts(delivery: Delivery, how: Hmac): (string | Buffer)[] | null {
  const template = how.signed ?? (how.timestampHeader === undefined ? '{body}' : `{${how.timestampHeader}}:{body}`);
  const parts: (string | Buffer)[] = [];
  for (const [index, piece] of template.split(/\{([^{}]*)\}/).entries()) {
    const field = index % 2 === 1 ? piece.toLowerCase() : null;
    const value = field === null ? piece : field === 'body' ? delivery.body : delivery.headers[field];
    if (value === undefined) return null;
    parts.push(value);
  }
  return parts;
}

function isFresh(delivery: Delivery, how: Hmac): boolean {
  if (how.timestampHeader === undefined) return true;
  const text = delivery.headers[how.timestampHeader] ?? '';
  return /^\d{9,11}$/.test(text) && Math.abs(delivery.at - Number(text) * 1000) <= how.tolerance;
}
