import { z } from 'zod';
import { change } from './change.ts';
import { permitRequest } from './ledger/permit-request.ts';

export const severity = z.enum(['critical', 'error', 'warning', 'info']);
export type Severity = z.infer<typeof severity>;

export const labels = z.record(z.string(), z.string());
export type Labels = z.infer<typeof labels>;

export const link = z.object({ label: z.string(), url: z.string() });

const common = {
  title: z.string(),
  labels,
  links: z.array(link),
  /** When it happened, by the sender's clock, milliseconds since the epoch. */
  occurredAt: z.int(),
};

/** A normalised event as a source returns it. Intake adds the fields of `event`: id, source, time, raw bytes and trust. */
export const incomingEvent = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('alert'),
    ...common,
    /** `acknowledged` and `unacknowledged` say only whether somebody works on it; they neither open nor end an episode. */
    state: z.enum(['firing', 'resolved', 'acknowledged', 'unacknowledged']),
    /** The identity of the condition within its source. */
    fingerprint: z.string().min(1).max(512),
    severity,
    /** False when the sender says that an acknowledgement was withdrawn; most senders do not say it. */
    acknowledged: z.literal(false).optional(),
    /** Who acknowledged it, as the sender names them; left out when it does not. */
    by: z.string().max(200).optional(),
    annotations: labels,
    /** When this episode began, as the sender says, milliseconds since the epoch. */
    startsAt: z.int(),
    /**
     * Present when `startsAt` names the stretch of firing: a later one is a new stretch, although no resolve was told (Alertmanager,
     * PagerDuty). Never with an arrival time or a start that was replaced by one.
     */
    stretch: z.literal('startsAt').optional(),
    /**
     * When this news was made, by the sender's clock, milliseconds since the epoch: news older than the newest known changes nothing.
     * Left out when the sender does not say it (Alertmanager).
     */
    newsAt: z.int().optional(),
    /** For a resolve that is no cure: the condition goes on as another alert of the source, named here as people know it. */
    mergedInto: z.object({ name: z.string().max(500), fingerprint: z.string().min(1).max(512).optional() }).optional(),
    /** For a resolve that is no cure: why, for people. The stretch then ends as `expired`. */
    noCure: z.string().max(500).optional(),
    /** When a resolved alert ended, as the sender says, milliseconds since the epoch; null while it fires. */
    endsAt: z.int().nullable(),
  }),
  z.object({ kind: z.literal('tick'), ...common, schedule: z.string(), at: z.int() }),
  /** A verified event of a type that opens no alert. It is stored, posted and answered with 202. */
  z.object({
    kind: z.literal('notice'),
    ...common,
    type: z.string(),
    /** The fingerprint of the alert of the same source that it is about, in whose thread it is shown. Left out when there is none. */
    about: z.string().min(1).max(512).optional(),
    /**
     * The alert, by its own id and of any source, in whose thread it is shown: a ticket that Tocsin opened for an episode of it. A source
     * sets it only for what it has proved to be of Tocsin's making.
     */
    ticketOf: z.object({ alert: z.string().max(100), episode: z.int() }).optional(),
  }),
  /**
   * What somebody did to the environment. It opens no alert and is not posted by itself; only triggers of its kind take it. A source that
   * tells people of it makes a notice beside it.
   */
  z.object({ kind: z.literal('change'), ...common, ...change }),
  /** What was approved elsewhere, or is not any more. It opens no alert; it counts only where changes.yaml lets its source import it. */
  z.object({
    kind: z.literal('permit'),
    ...common,
    /** The sender's name of it, for ever of the same permit. */
    fingerprint: z.string().min(1).max(512),
    /** Null when it is taken back. */
    permit: permitRequest.nullable(),
  }),
]);
export type IncomingEvent = z.infer<typeof incomingEvent>;
export const eventKind = z.enum(['alert', 'tick', 'notice', 'change', 'permit'] satisfies IncomingEvent['kind'][]);
export type EventKind = z.infer<typeof eventKind>;

/** True when a trigger of kind `wanted` takes events of kind `given`. A trigger without a kind (null) takes alerts and ticks. */
export function takesKind(wanted: EventKind | null, given: EventKind): boolean {
  return wanted === null ? given === 'alert' || given === 'tick' : wanted === given;
}
export type IncomingAlert = Extract<IncomingEvent, { kind: 'alert' }>;
export type IncomingPermit = Extract<IncomingEvent, { kind: 'permit' }>;
export type IncomingChange = Extract<IncomingEvent, { kind: 'change' }>;

export const event = z.object({
  id: z.string(),
  source: z.string(),
  receivedAt: z.int(),
  /** SHA-256 of the raw bytes, which are stored as a blob; null when nothing was delivered (a tick), and for sources that keep none. */
  raw: z.string().nullable(),
  /** True when the source verified a secret. An unauthenticated event never leads to `auto`. */
  trusted: z.boolean(),
  /** Somebody pressed the test button of the source: nothing is decided for it. */
  test: z.literal(true).optional(),
  body: incomingEvent,
});
export type Event = z.infer<typeof event>;
