import { createHmac, hash, randomBytes, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';

/** Schema of one secret, or of several during a rotation; the parsed value is a list. An empty one would prove nothing and is refused. */
export const secretList = z
  .union([z.string(), z.array(z.string()).min(1).max(8)])
  .meta({ description: 'A secret, or a list of secrets that all hold while one replaces another.' })
  .transform((given, ctx) => {
    const list = typeof given === 'string' ? [given] : given;
    if (list.every(one => one.length > 0)) return list;
    ctx.addIssue({ code: 'custom', message: 'a secret must not be empty; is its environment variable set?' });
    return z.NEVER;
  });

export interface HmacCheck {
  /** As text, or as bytes where the sender issues an encoded secret. */
  secrets: readonly (string | Uint8Array)[];
  /** The signed message: these parts, concatenated. */
  parts: readonly (string | Uint8Array)[];
  /** The signatures of the request, without their prefix. Only the first sixteen are checked. */
  signatures: readonly string[];
  encoding: 'hex' | 'base64';
}

const mostSignatures = 16;

/** True when any signature is the HMAC-SHA256 of the parts under any secret. The time does not depend on which one matches, or how much. */
export function checkHmac(check: HmacCheck): boolean {
  const given = check.signatures.slice(0, mostSignatures).map(text => decode(text, check.encoding));
  let right = false;
  for (const secret of check.secrets) {
    const expected = hmacOf(secret, check.parts);
    for (const one of given) {
      // All are compared, so that the time does not reveal which one matches.
      const same = timingSafeEqual(one ?? Buffer.alloc(32), expected);
      right = (same && one !== null) || right;
    }
  }
  return right;
}

/** The HMAC-SHA256 of the parts, concatenated. */
export function hmacOf(secret: string | Uint8Array, parts: readonly (string | Uint8Array)[]): Buffer {
  const hmac = createHmac('sha256', secret);
  for (const part of parts) hmac.update(part);
  return hmac.digest();
}

/** The 32 bytes of a signature, or null when the text is not exactly that. */
function decode(text: string, encoding: 'hex' | 'base64'): Buffer | null {
  const shape = encoding === 'hex' ? /^[0-9a-f]{64}$/i : /^[A-Za-z0-9+/]{43}=$/;
  return shape.test(text) ? Buffer.from(text, encoding) : null;
}

/** Per-process salt: outsiders cannot compute the digests, so comparing them reveals nothing. Hashing costs a tenth of an HMAC object. */
const salt = randomBytes(32).toString('hex');

/** Constant-time equality of two texts: the time depends on neither their content nor where they differ. */
export function sameText(given: string, expected: string): boolean {
  return timingSafeEqual(hash('sha256', salt + given, 'buffer'), digestOf(expected));
}

/** A cache of the digests of expected values. There are as many as secrets and sign-ins in use. */
const digests = new Map<string, Buffer>();
const mostDigests = 64;

function digestOf(expected: string): Buffer {
  const known = digests.get(expected);
  if (known !== undefined) return known;
  const made = hash('sha256', salt + expected, 'buffer');
  if (digests.size >= mostDigests) digests.clear();
  digests.set(expected, made);
  return made;
}

/** True when the `Authorization` header has one of the bearer tokens. Constant time. */
export function checkBearer(header: string | undefined, tokens: readonly string[]): boolean {
  return checkToken(credentials(header, 'bearer'), tokens);
}

/** True when the token is one of `tokens`; a missing or empty one never is. Constant time. */
export function checkToken(given: string | null, tokens: readonly string[]): boolean {
  let right = false;
  for (const token of tokens) right = sameText(given ?? '', token) || right;
  return given !== null && given !== '' && right;
}

export interface BasicUser {
  user: string;
  passwords: readonly string[];
}

/** True when the `Authorization` header has the user with one of the passwords. Constant time. */
export function checkBasic(header: string | undefined, expected: BasicUser): boolean {
  const given = Buffer.from(credentials(header, 'basic') ?? '', 'base64').toString('utf8');
  let right = false;
  for (const password of expected.passwords) right = sameText(given, `${expected.user}:${password}`) || right;
  return right;
}

/** The credentials after the scheme of an `Authorization` header; null for another scheme or when they are missing. */
function credentials(header: string | undefined, scheme: string): string | null {
  if (header === undefined) return null;
  const space = header.indexOf(' ');
  if (space < 0 || header.slice(0, space).toLowerCase() !== scheme) return null;
  const rest = header.slice(space + 1).trim();
  return rest === '' ? null : rest;
}

/** The `Authorization` header that `checkBearer` or `checkBasic` takes. */
export function bearerHeader(token: string): string {
  return `Bearer ${token}`;
}

export function basicHeader(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}
