import { randomBytes } from 'node:crypto';
import type { Clock } from './clock.ts';

/** Makes ids that sort by creation time and cannot be guessed: `run_0mgw3k5q2x7c...`. */
export interface Ids {
  next(prefix: IdPrefix): string;
}

export type IdPrefix =
  | 'evt'
  | 'alt'
  | 'run'
  | 'apv'
  | 'gat'
  | 'nod'
  | 'key'
  | 'req'
  | 'dlv'
  | 'rec'
  | 'pmt'
  | 'hld'
  | 'bad'
  | 'win';

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';

export function createIds(clock: Clock): Ids {
  return { next: prefix => `${prefix}_${timePart(clock.now())}${randomPart()}` };
}

/** 48 bits of milliseconds as ten characters in Crockford's base 32, so that text order is time order. */
function timePart(now: number): string {
  let rest = Math.max(0, Math.floor(now));
  let text = '';
  for (let i = 0; i < 10; i++) {
    text = alphabet[rest % 32] + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}

let pool = Buffer.alloc(0);
let used = 0;

/** 60 random bits as twelve characters. The bytes come from a pool, because a system call for each id is too slow under load. */
function randomPart(): string {
  if (used + 12 > pool.length) {
    pool = randomBytes(6000);
    used = 0;
  }
  let text = '';
  for (let i = 0; i < 12; i++) text += alphabet[(pool[used++] ?? 0) & 31];
  return text;
}
