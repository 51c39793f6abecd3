/** Gates: the question of a caller outside, its subject, the evidence, and what is known to be bad. */

import { z } from 'zod';
import { decision } from '../decision.ts';
import { evidenceRef } from './evidence.ts';
import { badMatch } from './known-bad.ts';
import { digestOf, subject } from './subject.ts';

/**
 * `revoked`: it was allowed, and somebody took it back. `void`: what was asked, or was allowed, does not hold any more for another reason
 * (an entry of the known bad, an end of its time).
 */
export const gateState = z.enum(['pending', 'allowed', 'denied', 'expired', 'void', 'revoked']);
export type GateState = z.infer<typeof gateState>;

/** What a caller is told. */
export const gateVerdict = z.enum(['allow', 'deny', 'pending']);
export type GateVerdict = z.infer<typeof gateVerdict>;

/** The doors through which a question comes. */
export const door = z.enum(['http', 'kubernetes', 'github', 'gitlab', 'terraform']);
export type Door = z.infer<typeof door>;

/** A question of a caller that waits for a decision before it goes on, and the answer. */
export const gate = z.object({
  id: z.string(),
  /** The gate of gates.yaml. */
  name: z.string(),
  door,
  subject,
  /** What an approval is bound to (`subjectHash`); the canonical JSON is stored as a blob under it. */
  hash: z.string(),
  /** Who asked, by identity: `service:ci`. */
  requestedBy: z.string(),
  decision,
  approval: z.string().nullable(),
  state: gateState,
  because: z.string(),
  evidence: z.array(evidenceRef),
  /** The digest of what the evidence said, as canonical JSON in a blob, for what becomes known later; null when nothing came. */
  found: z.string().nullable(),
  knownBad: z.array(badMatch),
  /** What the door needs to answer its caller, such as the id of a workflow's run; never a secret. */
  callback: z.record(z.string(), z.string()),
  createdAt: z.int(),
  /** When the question is denied, milliseconds since the epoch. */
  expiresAt: z.int(),
  /** When it came to its state, also by a revocation; null while it is pending. */
  closedAt: z.int().nullable(),
  /** When an allow ends by itself; null when it holds until it is revoked. */
  holdsUntil: z.int().nullable(),
  /** What its caller was told through the door, or could not be told, the newest last; the last few only. */
  told: z.array(z.object({ key: z.string(), ok: z.boolean(), text: z.string(), at: z.int() })).default([]),
  /** The permit that the allow left. */
  permit: z.string().nullable(),
  version: z.int(),
});
export type Gate = z.infer<typeof gate>;

/** What the caller is told at this time. An allow whose time is over is none. */
export function verdictOf({ state, holdsUntil }: Gate, now: number): GateVerdict {
  if (state === 'pending') return 'pending';
  return state === 'allowed' && (holdsUntil === null || holdsUntil > now) ? 'allow' : 'deny';
}

/** What decisions are found by besides their hash: the digest of the image, else the commit; empty without both. */
export function keyOfGate({ subject: of }: Gate): string {
  return digestOf(of) ?? of.sha ?? '';
}
