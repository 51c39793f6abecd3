import type { z } from 'zod';
import type { Clock } from '../kernel/clock.ts';
import type { Log } from '../kernel/log.ts';
import type { Alert } from '../model/alert.ts';
import type { IncomingEvent } from '../model/event.ts';

/** A delivery as it came over the wire. Header names are lower case. */
export interface Delivery {
  headers: Readonly<Record<string, string | undefined>>;
  body: Buffer;
  /** When it arrived, milliseconds since the epoch, by our clock. */
  at: number;
}

export type Verified =
  /** `by` names the proof; `none` means that no secret is configured, so nothing it says leads to `auto`. */
  { ok: true; by: 'hmac' | 'bearer' | 'basic' | 'none' } | { ok: false; because: string };

export interface Normalised {
  events: IncomingEvent[];
  /**
   * The sender's id of this delivery, when it stands in signed bytes: a second delivery of the same id is a duplicate. Null for senders
   * that sign no unique id (Alertmanager, Grafana): they repeat identical bodies for an alert that is live again.
   */
  deliveryId: string | null;
}

/** One thing that delivers events. */
export interface Source<Options = unknown> {
  /** The file's name. */
  id: string;
  /** One sentence for the reference. */
  about: string;
  options: z.ZodType<Options>;
  /** Content types that are taken; `application/json` when left out. */
  contentTypes?: readonly string[];
  /** The largest body in bytes; 1 MiB when left out. */
  maxBody?: number;
  /** How long before an alert's change reaches us at the latest, milliseconds (a group_interval); `check` compares `verify.within` with it. */
  delay?(options: Options): number | null;
  examples: readonly SourceExample[];
  /** Constant time. Called with the raw bytes, before anything is parsed. */
  verify(delivery: Delivery, options: Options): Verified;
  /** Pure. `body` was parsed strictly. Throws TocsinError `bad-body` when it is not of the documented shape. */
  normalise(body: unknown, delivery: Delivery, options: Options): Normalised;
  /** Asks the origin whether the alert fires now. Rejects when it cannot be asked; `unknown` when the origin does not know. */
  isFiring?(alert: Alert, options: Options, tools: AskTools): Promise<'firing' | 'resolved' | 'unknown'>;
  /** For sources that make events themselves (schedule). Returns how to stop. */
  start?(options: Options, tools: EmitTools): Promise<() => Promise<void>>;
}

export interface AskTools {
  fetch: typeof fetch;
  signal: AbortSignal;
  clock: Clock;
}

export interface EmitTools {
  clock: Clock;
  log: Log;
  /** Commits the events; `once` is the key under which only one node's emission counts. Resolves to false when another was first. */
  emit(events: IncomingEvent[], once: string): Promise<boolean>;
}

export interface SourceExample {
  title: string;
  /** As a user writes it in tocsin.yaml, with the secrets filled in. */
  options: unknown;
  headers: Record<string, string>;
  /** The body as text. */
  body: string;
  /** Milliseconds since the epoch at which it arrives; a fixed time when left out. */
  at?: number;
  expect: { events: readonly Partial<IncomingEvent>[]; deliveryId?: string | null } | { refused: string };
}

export function defineSource<Options>(source: Source<Options>): Source<Options> {
  return source;
}
