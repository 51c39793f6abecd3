import { z } from 'zod';
import type { Confirmation } from './confirmation.ts';
import type { Decision } from './decision.ts';
import type { Evidence, EvidenceFormat, EvidenceRef } from './gates/evidence.ts';
import { door } from './gates/gate.ts';
import { blocks } from './gates/known-bad.ts';
import { subject } from './gates/subject.ts';
import { permitRequest } from './ledger/permit-request.ts';
import { json } from './run.ts';

/** A document as it came. */
export interface SentDocument {
  bytes: Uint8Array;
  /** The format that the sender named; null to find it out. */
  format: EvidenceFormat | null;
}

/** Evidence that was read and checked, with its documents, which are stored with the question. */
export interface GatheredEvidence {
  evidence: Evidence;
  refs: readonly EvidenceRef[];
  blobs: readonly { digest: string; bytes: Uint8Array | string }[];
}

/** A command that changes state, from any entry point (chat, API, console). One function authorises and performs it: flow/acts/act.ts. */
export const act = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('run'),
    runbook: z.string(),
    params: z.record(z.string(), json),
    alert: z.string().nullable(),
    reason: z.string().nullable(),
    /** Idempotency key of the card button. The offer is taken once, however often and by whomever the button is pressed. */
    offer: z.string().optional(),
  }),
  z.object({
    kind: z.literal('vote'),
    approval: z.string(),
    vote: z.enum(['approve', 'deny']),
    reason: z.string().nullable(),
    /**
     * HMAC(key, approval id, plan hash), hex: proves that we made the button, and for this plan. Null from the API, where the caller names
     * the plan by the approval's id.
     */
    seal: z.string().nullable(),
    /** The seal of the confirmation that the person was shown; left out before the first. */
    confirmed: z.string().max(100).optional(),
  }),
  z.object({ kind: z.literal('cancel'), run: z.string(), reason: z.string().nullable() }),
  z.object({
    kind: z.literal('answer'),
    run: z.string(),
    step: z.string(),
    choice: z.enum(['retry', 'skip', 'abort']),
    /** The number of the question that it answers (see Run.question); the present question when left out. */
    question: z.int().optional(),
    reason: z.string().nullable(),
  }),
  z.object({
    kind: z.literal('acknowledge'),
    alert: z.string(),
    /** Milliseconds; without it the acknowledgement holds until the episode ends. */
    duration: z.int().optional(),
    reason: z.string().nullable().optional(),
  }),
  z.object({ kind: z.literal('unacknowledge'), alert: z.string() }),
  z.object({
    kind: z.literal('silence'),
    alert: z.string(),
    /** Milliseconds. */
    duration: z.int(),
    reason: z.string().nullable().optional(),
  }),
  z.object({ kind: z.literal('unsilence'), alert: z.string() }),
  z.object({
    kind: z.literal('close'),
    alert: z.string(),
    /** Required: an empty one is refused. */
    reason: z.string(),
    /** The episode that the button is about; a later one is not closed by it. The present episode when left out. */
    episode: z.int().optional(),
  }),
  /** What a person wants others to know: of the run where one is named, else of the gate, else of the alert. Nothing follows from it. */
  z.object({
    kind: z.literal('note'),
    alert: z.string().nullable(),
    run: z.string().nullable(),
    gate: z.string().nullable(),
    text: z.string(),
  }),
  /** Delivers the source's own example to it, as a test. */
  z.object({ kind: z.literal('test'), source: z.string() }),
  z.object({
    kind: z.literal('record'),
    source: z.string(),
    /** How many. */
    deliveries: z.int().min(1).max(20),
    /** For how long it waits, milliseconds. */
    duration: z.int().min(1000).max(3_600_000),
    /** Also those of senders that did not prove themselves. */
    unproven: z.boolean(),
    reason: z.string().nullable(),
  }),
  z.object({ kind: z.literal('unrecord'), recording: z.string() }),
  /** Another try of what a source could not read; the end of it. */
  z.object({ kind: z.literal('redrive'), letter: z.string(), reason: z.string().nullable() }),
  z.object({ kind: z.literal('discard'), letter: z.string(), reason: z.string().nullable() }),
  /** A caller outside asks whether it may go on. The evidence was read and checked by the door that took it. */
  z.object({
    kind: z.literal('gate'),
    gate: z.string(),
    door,
    subject,
    /** Documents that came with it. */
    evidence: z.custom<readonly SentDocument[]>().optional(),
    callback: z.record(z.string(), z.string()).optional(),
    /** What the caller names this question with: the same key gets the same gate for a day, also a denied one. */
    once: z.string().max(255).optional(),
    /** Further names, by which the door knows people who asked for it, besides the subject's `actor`. They do not vote. */
    requesters: z.array(z.string()).optional(),
    /** For how long a denial of the same subject stands, milliseconds; each request asks anew when left out. */
    denialStands: z.int().optional(),
    /** The subject's actor breaks the glass: why, and the groups that the caller proved of them. */
    glass: z.object({ reason: z.string(), groups: z.array(z.string()) }).optional(),
  }),
  /** Takes back what a gate allowed. */
  z.object({ kind: z.literal('revoke'), gate: z.string(), reason: z.string() }),
  /** A system of changes says that something was approved elsewhere. */
  z.object({
    kind: z.literal('permit'),
    permit: permitRequest,
    /** What the caller names this permit with: the same key is for the same permit for a day. */
    once: z.string().max(255).optional(),
  }),
  /** Takes back a permit that was imported. */
  z.object({ kind: z.literal('unpermit'), permit: z.string(), reason: z.string().nullable() }),
  /** "It was me": a permit after the fact, for which a second person is asked. */
  z.object({ kind: z.literal('claim'), change: z.string(), reason: z.string() }),
  /** Opens a window in which the person's own principals may change things without another permit. */
  z.object({
    kind: z.literal('break-glass'),
    reason: z.string(),
    /** Milliseconds; as long as changes.yaml lets it be when left out. */
    duration: z.int().min(1000).optional(),
  }),
  /** Ends a window before its time; the person's own when left out. */
  z.object({ kind: z.literal('break-glass-end'), window: z.string().optional(), reason: z.string().nullable() }),
  /** Puts something on the list of what is known to be bad: nothing of it is let through a gate any more. */
  z.object({
    kind: z.literal('ban'),
    /** A digest, a commit, or a purl with its version; null for what the alert is about. */
    what: z.string().nullable(),
    /** The alert in whose thread it is done. */
    alert: z.string().nullable(),
    reason: z.string(),
    /** Milliseconds; null without an end. */
    duration: z.int().nullable(),
    blocks,
  }),
  /** Takes it off the list. */
  z.object({ kind: z.literal('unban'), entry: z.string(), reason: z.string() }),
  z.object({ kind: z.literal('halt'), reason: z.string() }),
  z.object({ kind: z.literal('resume'), reason: z.string() }),
]);
export type Act = z.infer<typeof act>;

/** The private answer to an act. `ok: false` has a code of the error catalogue. */
export type ActAnswer =
  | {
      ok: true;
      text: string;
      run?: string;
      approval?: string;
      recording?: string;
      gate?: string;
      window?: string;
      entry?: string;
      permit?: string;
    }
  | {
      ok: false;
      code: string;
      status: number;
      text: string;
      /** Nothing is wrong: it counts once the person has looked at this. Only presses of buttons get it. */
      confirm?: Confirmation;
      /** What it was about, for a link to what became of it. */
      run?: string;
      gate?: string;
      /** The policy decision, when the refusal comes from policy. */
      decision?: Decision;
      /** Fields of TocsinError. */
      details?: {
        allowed?: string | readonly string[];
        given?: string;
        at?: string;
        fields?: Readonly<Record<string, string>>;
        remedy?: string;
      };
    };
