import { createHmac, timingSafeEqual } from 'node:crypto';
import { sameText } from '../../kernel/signature.ts';

/** Signs buttons: HMAC-SHA256(key, approval id, plan hash) as hex. It proves that Tocsin made the button for this plan; it is no right. */
export interface Seals {
  seal(approval: string, planHash: string): string;
  /** Constant time. */
  holds(given: string, approval: string, planHash: string): boolean;
  /** Signs what a person was shown before they approve a plan: 22 characters, because the id of a button has little room. */
  sealLook(look: Look): string;
  /** Constant time. */
  holdsLook(given: string, look: Look): boolean;
}

export interface Look {
  approval: string;
  planHash: string;
  person: string;
  /** The digest of what there was to know. */
  digest: string;
}

export function createSeals(key: string): Seals {
  const seal = (approval: string, planHash: string) =>
    createHmac('sha256', key).update(`${approval}\n${planHash}`).digest('hex');
  const sealLook = ({ approval, planHash, person, digest }: Look) =>
    createHmac('sha256', key)
      .update(['look', approval, planHash, person, digest].join('\n'))
      .digest('base64url')
      .slice(0, 22);
  return {
    seal,
    sealLook,
    holdsLook: (given, look) => sameText(given, sealLook(look)),
    holds(given, approval, planHash) {
      const wanted = Buffer.from(seal(approval, planHash));
      const got = Buffer.from(given);
      return got.length === wanted.length && timingSafeEqual(got, wanted);
    },
  };
}
