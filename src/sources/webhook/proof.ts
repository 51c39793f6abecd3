import {
  basicHeader,
  bearerHeader,
  checkBasic,
  checkBearer,
  checkHmac,
  checkToken,
  hmacOf,
} from '../../kernel/signature.ts';
import type { Delivery, Verified } from '../../ports/source.ts';
import { type Auth, type Hmac, keyBytes } from './auth.ts';
import { isStandardId, type Standard, standardHeaders, withStandardId } from './standard.ts';

interface Options {
  auth?: Auth | undefined;
}

/** Checks the configured proof (bearer, basic, header, HMAC or Standard Webhooks). The time does not depend on the secrets. */
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
    ['hmac', auth.standardWebhooks !== undefined && isStandard(delivery, auth.standardWebhooks)],
  ];
  const proof = checks.find(([, holds]) => holds);
  return proof === undefined ? { ok: false, because: 'not what auth asks for' } : { ok: true, by: proof[0] };
}

/** Bearer and basic need only the headers; so does an HMAC that is not there. */
export function verifyHeaders(headers: Delivery['headers'], given: Options): Verified | null {
  const header = given.auth?.standardWebhooks === undefined ? given.auth?.hmac?.header : standardHeaders.signature;
  if (header === undefined) return verify({ headers, body: Buffer.alloc(0), at: 0 }, given);
  return headers[header] === undefined ? { ok: false, because: 'no signature' } : null;
}

/** What a sender adds by the first of several secrets. A signed header that the delivery lacks counts as empty. */
export function prove(delivery: Delivery, { auth }: Options): Record<string, string> {
  if (auth?.bearer !== undefined) return { authorization: bearerHeader(auth.bearer[0] ?? '') };
  if (auth?.basic !== undefined) return { authorization: basicHeader(auth.basic.user, auth.basic.password[0] ?? '') };
  if (auth?.header !== undefined) return { [auth.header.name]: auth.header.value[0] ?? '' };
  if (auth?.standardWebhooks !== undefined) return signStandard(delivery, auth.standardWebhooks);
  return auth?.hmac === undefined ? {} : sign(delivery, auth.hmac);
}

function standardHmac(how: Standard): Hmac {
  return {
    ...how,
    header: standardHeaders.signature,
    prefix: 'v1,',
    encoding: 'base64',
    secretEncoding: 'base64',
    timestampHeader: standardHeaders.time,
    signed: `{${standardHeaders.id}}.{${standardHeaders.time}}.{body}`,
  };
}

/** By the rules of Standard Webhooks. */
export function isStandard(delivery: Delivery, how: Standard): boolean {
  return isStandardId(delivery.headers[standardHeaders.id]) && isSigned(delivery, standardHmac(how));
}

export function signStandard(delivery: Delivery, how: Standard): Record<string, string> {
  return sign(withStandardId(delivery), standardHmac(how));
}

function sign(delivery: Delivery, how: Hmac): Record<string, string> {
  const time =
    how.timestampHeader === undefined ? {} : { [how.timestampHeader]: String(Math.floor(delivery.at / 1000)) };
  const headers: Record<string, string> = Object.fromEntries(
    signedHeaders(how).map(name => [name, delivery.headers[name] ?? '']),
  );
  const added = { ...headers, ...time };
  const parts = signedParts({ ...delivery, headers: { ...delivery.headers, ...added } }, how) ?? [];
  const secret = keyBytes(how.secret[0] ?? '', how.secretEncoding);
  return { ...added, [how.header]: how.prefix + hmacOf(secret, parts).toString(how.encoding) };
}

function signedHeaders({ signed = '' }: Hmac): string[] {
  const fields = [...signed.matchAll(/\{([^{}]*)\}/g)].map(match => (match[1] ?? '').toLowerCase());
  return fields.filter(field => field !== 'body');
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
