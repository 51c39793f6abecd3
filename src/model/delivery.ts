import { z } from 'zod';
import { eventKind } from './event.ts';

/**
 * What became of a delivery to a source. It is not journalled: the newest are kept in small rings, so that whoever points a sender here
 * sees what arrives. Nothing in it is a text of a sender that did not prove itself, but its address.
 */

/**
 * Which ring: `proven`, from a sender that proved itself; `unproven`, accepted from a source that asks for no proof; `stranger`, refused
 * and not proven. One never pushes out rows of another.
 */
export const deliveryRing = z.enum(['proven', 'unproven', 'stranger']);
export type DeliveryRing = z.infer<typeof deliveryRing>;

/** How many rows each ring of a source keeps. */
export const ringSize: Readonly<Record<DeliveryRing, number>> = { proven: 50, unproven: 30, stranger: 20 };

/** What one event of a delivery did. `effect` is that on its alert (model/alert.ts), null for an event without one or a duplicate. */
export const deliveredEvent = z.object({
  event: z.string(),
  kind: eventKind,
  alert: z.string().nullable(),
  episode: z.int().nullable(),
  effect: z.string().nullable(),
  duplicate: z.boolean(),
});
export type DeliveredEvent = z.infer<typeof deliveredEvent>;

/** The most events that are named of one delivery. */
export const mostNamedEvents = 10;

export const deliveryOutcome = z.discriminatedUnion('what', [
  z.object({
    what: z.literal('accepted'),
    /** The first ones. */
    events: z.array(deliveredEvent),
    /** Of all events. */
    total: z.int(),
    /** Which of Tocsin's own actions came back, and was dropped. */
    echo: z.string().nullable(),
    /** Somebody pressed the test button. */
    test: z.boolean(),
    /** Of a batch of raw records: how many were read. */
    records: z.int().optional(),
  }),
  z.object({
    what: z.literal('refused'),
    /** The code of the error. */
    code: z.string(),
    /** The mapping, field, limit or place; null when it is about the delivery as a whole. */
    at: z.string().nullable(),
    because: z.string(),
  }),
]);
export type DeliveryOutcome = z.infer<typeof deliveryOutcome>;

export const delivery = z.object({
  source: z.string(),
  ring: deliveryRing,
  /** An id for an accepted one; the cause and address for refusals, which share a row. */
  id: z.string(),
  /** When the last one came, milliseconds since the epoch. */
  at: z.int(),
  /** When the first one came. */
  first: z.int(),
  /** How many; in a row to be written, how many more. */
  count: z.int(),
  /** Of the last one; null when it is one of many addresses, or unknown. */
  address: z.string().nullable(),
  /** Of the last body as it arrived; null when it was not read. */
  bytes: z.int().nullable(),
  outcome: deliveryOutcome,
});
export type DeliveryRecord = z.infer<typeof delivery>;

/** How often something became of deliveries to a source: `accepted`, `events`, `duplicate`, `refused/bad-signature`. */
export interface DeliveryCount {
  source: string;
  what: string;
  count: number;
  /** The last time, milliseconds since the epoch. */
  at: number;
}
