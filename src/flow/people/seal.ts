import { createHmac, timingSafeEqual } from 'node:crypto';

/** Signs buttons: HMAC-SHA256(key, approval id, plan hash) as hex. It proves that Tocsin made the button for this plan; it is no right. */
export interface Seals {
  seal(approval: string, planHash: string): string;
  /** Constant time. */
  holds(given: string, approval: string, planHash: string): boolean;
}

export function createSeals(key: string): Seals {
  const seal = (approval: string, planHash: string) =>
    createHmac('sha256', key).update(`${approval}\n${planHash}`).digest('hex');
  return {
    seal,
    holds(given, approval, planHash) {
      const wanted = Buffer.from(seal(approval, planHash));
      const got = Buffer.from(given);
      return got.length === wanted.length && timingSafeEqual(got, wanted);
    },
  };
}
