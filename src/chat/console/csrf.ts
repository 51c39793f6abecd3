import { randomBytes } from 'node:crypto';

/**
 * The token of forms as a page carries it: another text in each answer, which stands for the same secret. Compressed pages repeat what was
 * typed into an address (a search) beside it, and the length of an answer would tell, letter by letter, what a fixed text is (BREACH,
 * breachattack.com: "masking secrets").
 */
export function maskToken(secret: string): string {
  if (secret === '') return '';
  const bytes = Buffer.from(secret);
  const pad = randomBytes(bytes.length);
  return Buffer.concat([pad, mix(bytes, pad)]).toString('base64url');
}

/** The same text as long as the secret is the same, for streams: they are not compressed, and what did not change is not sent again. */
export function maskOnce(): (secret: string) => string {
  let known = { secret: '', masked: '' };
  return secret => {
    if (known.secret !== secret) known = { secret, masked: maskToken(secret) };
    return known.masked;
  };
}

/** The secret of a masked token; what is no such token becomes a text that is no secret. */
export function unmaskToken(token: string): string {
  const bytes = Buffer.from(token, 'base64url');
  const half = bytes.length / 2;
  if (half === 0 || !Number.isInteger(half) || bytes.toString('base64url') !== token) return '';
  return mix(bytes.subarray(half), bytes.subarray(0, half)).toString();
}

function mix(one: Buffer, other: Buffer): Buffer {
  return Buffer.from(one.map((byte, at) => byte ^ (other[at] ?? 0)));
}
