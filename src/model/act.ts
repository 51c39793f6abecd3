import { z } from 'zod';
import type { Decision } from './decision.ts';
import { json } from './run.ts';

/** Everything that can change something, from whatever path it comes. One function authorises and performs it (flow/acts/act.ts). */
export const act = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('run'),
    runbook: z.string(),
    params: z.record(z.string(), json),
    alert: z.string().nullable(),
    reason: z.string().nullable(),
    /** What the button of a card offers. It is taken once, however often and by whom the button is pressed. */
    offer: z.string().optional(),
  }),
  z.object({
    kind: z.literal('vote'),
    approval: z.string(),
    vote: z.enum(['approve', 'deny']),
    reason: z.string().nullable(),
    /** HMAC(key, approval id, plan hash), hex: proof that the button was made by us for this plan. Null from the API, where the caller names the plan by the approval's id. */
    seal: z.string().nullable(),
  }),
  z.object({ kind: z.literal('cancel'), run: z.string(), reason: z.string().nullable() }),
  z.object({
    kind: z.literal('answer'),
    run: z.string(),
    step: z.string(),
    choice: z.enum(['retry', 'skip', 'abort']),
    /** The number of the question that it answers (see Run). Left out by whoever means the present one. */
    question: z.int().optional(),
    reason: z.string().nullable(),
  }),
  z.object({ kind: z.literal('acknowledge'), alert: z.string() }),
  z.object({ kind: z.literal('silence'), alert: z.string(), /** Milliseconds. */ duration: z.int() }),
  z.object({ kind: z.literal('halt'), reason: z.string() }),
  z.object({ kind: z.literal('resume'), reason: z.string() }),
]);
export type Act = z.infer<typeof act>;

/** What somebody is told after an act, privately. `ok: false` carries a code of the catalogue. */
export type ActAnswer =
  | { ok: true; text: string; run?: string; approval?: string }
  | {
      ok: false;
      code: string;
      status: number;
      text: string;
      /** What policy said, when the refusal is a decision. */
      decision?: Decision;
      /** What would have been allowed, as in TocsinError. */
      details?: {
        allowed?: string | readonly string[];
        given?: string;
        at?: string;
        fields?: Readonly<Record<string, string>>;
        remedy?: string;
      };
    };
