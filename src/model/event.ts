import { z } from 'zod';

export const severity = z.enum(['critical', 'error', 'warning', 'info']);
export type Severity = z.infer<typeof severity>;

export const labels = z.record(z.string(), z.string());
export type Labels = z.infer<typeof labels>;

export const link = z.object({ label: z.string(), url: z.string() });

const common = {
  title: z.string(),
  labels,
  links: z.array(link),
  /** When it happened by the sender's clock, milliseconds since the epoch. */
  occurredAt: z.int(),
};

/** What a source makes of a delivery. The door adds id, source and time, and nothing else. */
export const incomingEvent = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('alert'),
    ...common,
    state: z.enum(['firing', 'resolved', 'acknowledged']),
    /** The identity of the condition within its source. */
    fingerprint: z.string().min(1).max(512),
    severity,
    /** False when the sender says that nobody works on it any more; not said by most. */
    acknowledged: z.literal(false).optional(),
    annotations: labels,
    /** When this stretch began, milliseconds since the epoch, as the sender says. */
    startsAt: z.int(),
    /** When a resolved alert ended, as the sender says; null while it fires. */
    endsAt: z.int().nullable(),
  }),
  z.object({ kind: z.literal('tick'), ...common, schedule: z.string(), at: z.int() }),
  /** Verified, but of a type that opens no alert: kept, posted, answered 202. */
  z.object({
    kind: z.literal('notice'),
    ...common,
    type: z.string(),
    /** The fingerprint of the alert of the same source that it is about: it is shown in that alert's thread. Left out when it is about none. */
    about: z.string().min(1).max(512).optional(),
  }),
]);
export type IncomingEvent = z.infer<typeof incomingEvent>;
export const eventKind = z.enum(['alert', 'tick', 'notice'] satisfies IncomingEvent['kind'][]);
export type EventKind = z.infer<typeof eventKind>;

/** Whether a trigger of this kind takes such events. One that names none takes all but notices: what is said in passing starts nothing by itself. */
export function takesKind(wanted: EventKind | null, given: EventKind): boolean {
  return wanted === null ? given !== 'notice' : wanted === given;
}
export type IncomingAlert = Extract<IncomingEvent, { kind: 'alert' }>;

export const event = z.object({
  id: z.string(),
  source: z.string(),
  receivedAt: z.int(),
  /** SHA-256 of the raw bytes, which are kept as a blob; null when nothing was delivered (a tick). */
  raw: z.string().nullable(),
  /** True when the source verified a secret. An event that nobody signed never leads to `auto`. */
  trusted: z.boolean(),
  body: incomingEvent,
});
export type Event = z.infer<typeof event>;
