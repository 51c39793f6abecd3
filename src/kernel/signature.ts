import { createHmac, hash, randomBytes, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';

/** One secret, or several while one replaces another; the parsed value is a list. An empty secret is refused: it would prove nothing. */
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
  /** Text, or bytes where the sender gives its secret encoded. */
  secrets: readonly (string | Uint8Array)[];
  /** What is signed, in order. */
  parts: readonly (string | Uint8Array)[];
  /** The signatures that were sent, without their prefix. Those after the sixteenth are not looked at. */
  signatures: readonly string[];
  encoding: 'hex' | 'base64';
}

const mostSignatures = 16;

/** True when any signature is the HMAC-SHA256 under any secret. Takes the same time whichever it is, and however much of one is right. */
export function checkHmac(check: HmacCheck): boolean {
  const given = check.signatures.slice(0, mostSignatures).map(text => decode(text, check.encoding));
  let right = false;
  for (const secret of check.secrets) {
    const hmac = createHmac('sha256', secret);
    for (const part of check.parts) hmac.update(part);
    const expected = hmac.digest();
    for (const one of given) {
      // Both are compared always, so that the time does not tell which of them fits.
      const same = timingSafeEqual(one ?? Buffer.alloc(32), expected);
      right = (same && one !== null) || right;
    }
  }
  return right;
}

/** The 32 bytes of a signature, or null when the text is not exactly that. */
function decode(text: string, encoding: 'hex' | 'base64'): Buffer | null {
  const shape = encoding === 'hex' ? /^[0-9a-f]{64}$/i : /^[A-Za-z0-9+/]{43}=$/;
  return shape.test(text) ? Buffer.from(text, encoding) : null;
}

/** Makes digests that nobody outside can compute, so that comparing them tells nothing; one call costs a tenth of an HMAC object. */
const salt = randomBytes(32).toString('hex');

/** Equality of two texts in a time that depends on neither their content nor where they differ. */
export function sameText(given: string, expected: string): boolean {
  return timingSafeEqual(hash('sha256', salt + given, 'buffer'), digestOf(expected));
}

/** Of what is expected again and again, the digest is kept; there are as many as there are secrets and sign-ins at one time. */
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

/** True when the `Authorization` header carries one of the bearer tokens. */
export function checkBearer(header: string | undefined, tokens: readonly string[]): boolean {
  const given = credentials(header, 'bearer');
  let right = false;
  for (const token of tokens) right = sameText(given ?? '', token) || right;
  return given !== null && right;
}

export interface BasicUser {
  user: string;
  passwords: readonly string[];
}

/** True when the `Authorization` header carries the user with one of the passwords. */
export function checkBasic(header: string | undefined, expected: BasicUser): boolean {
  const given = Buffer.from(credentials(header, 'basic') ?? '', 'base64').toString('utf8');
  let right = false;
  for (const password of expected.passwords) right = sameText(given, `${expected.user}:${password}`) || right;
  return right;
}

/** What follows the scheme in an `Authorization` header, or null when it names another scheme or nothing. */
function credentials(header: string | undefined, scheme: string): string | null {
  if (header === undefined) return null;
  const space = header.indexOf(' ');
  if (space < 0 || header.slice(0, space).toLowerCase() !== scheme) return null;
  const rest = header.slice(space + 1).trim();
  return rest === '' ? null : rest;
}
