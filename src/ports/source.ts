import type { z } from 'zod';
import type { Clock } from '../kernel/clock.ts';
import type { Log } from '../kernel/log.ts';
import { parseStrictJson } from '../kernel/strict-json.ts';
import type { Alert } from '../model/alert.ts';
import type { IncomingAlert, IncomingEvent, Severity } from '../model/event.ts';
import type { Sight } from '../model/look.ts';
import type { CheckTools, Finding } from './check.ts';

/** A delivery as received. Header names are lower case. */
export interface Delivery {
  headers: Readonly<Record<string, string | undefined>>;
  body: Buffer;
  /** When it arrived, by our clock, milliseconds since the epoch. */
  at: number;
  /**
   * Set for a part of a large delivery: the index of its first element in the list of the whole delivery, and whether it is the last part.
   * `body` is then this part as a document of its own.
   */
  part?: { first: number; last: boolean };
}

export type Verified =
  /** `by` names the proof. `none`: no secret is configured, so its events never lead to `auto`. */
  { ok: true; by: 'hmac' | 'bearer' | 'basic' | 'header' | 'none' } | { ok: false; because: string };

export interface Normalised {
  events: IncomingEvent[];
  /**
   * The sender's id of this delivery, if it is part of the signed bytes: a second delivery with the same id is a duplicate. Null for
   * senders that sign no unique id (Alertmanager, Grafana), because they send identical bodies again for an alert that fires again.
   */
  deliveryId: string | null;
  /**
   * Set when the delivery was dropped as an echo of Tocsin's own write-back: a word for the kind. Echoes are counted in a metric, because
   * anybody with write access at the origin can set the mark of one.
   */
  echo?: string;
  /** Through which receiver of the origin it came, if it has such a thing: those of proven deliveries are kept, for `listFiring`. */
  receiver?: string | undefined;
}

/** How the JSON of a source differs from what is usual: 10,000 keys, 64 KiB for one text, and a body that is handled as a whole. */
export interface JsonShape {
  /**
   * The member that holds a list of any length. A large body is normalised and committed in parts, each of which is the document with some
   * elements of the list. So `normalise` must not refuse a body because of one element: it makes a notice of it.
   */
  list?: string;
  /** The body may have one key for so many bytes, and never fewer than 10,000. */
  bytesPerKey?: number;
  /** True when the driver cuts long texts itself: one text may then be as long as the body. */
  cutsTexts?: boolean;
}

/** The largest body of a source that names no limit of its own, and of a sender that did not prove itself before its body is read. Bytes. */
export const defaultMaxBody = 1024 * 1024;

/** An event source driver. */
export interface Source<Options = unknown> {
  /** The name of its file. */
  id: string;
  /** One sentence for the reference. */
  about: string;
  options: z.ZodType<Options>;
  /** The accepted content types; `application/json` when left out. `any`: whatever a sender names, or none. */
  contentTypes?: readonly string[] | 'any';
  /** The content encodings, lower case, that `parse` decodes; none when left out. */
  encodings?: readonly string[];
  /**
   * The largest body in bytes; 1 MiB when left out. More than 1 MiB is taken only from a sender that `verifyHeaders` finds to be proven.
   */
  maxBody?: number;
  json?: JsonShape;
  /**
   * The words of the documented body that an error may name in its `at` (`alerts.3.labels`): everybody may read those. A path ends before
   * any other word, since it may be a key of the sender. The names in the options need not be given.
   */
  fields?: readonly string[];
  /** The longest delay of a change of an alert, milliseconds (a group_interval). `tocsin check` compares `verify.within` with it. */
  delay?(options: Options): number | null;
  examples: readonly SourceExample[];
  /** Checks the signature or secret in constant time, over the raw bytes and before anything is parsed. */
  verify(delivery: Delivery, options: Options): Verified;
  /**
   * The same for what the headers alone decide (bearer token, basic auth), before the body is read; null when the body is needed. `verify`
   * is called afterwards all the same.
   */
  verifyHeaders?(headers: Delivery['headers'], options: Options): Verified | null;
  /**
   * Pure: the body for `normalise`, from bytes that `verify` has passed; one strictly parsed JSON document when left out. Throws TocsinError
   * `bad-body`, `body-too-large` (once it is unpacked) or `wrong-content-type`.
   */
  parse?(delivery: Delivery, options: Options): unknown;
  /**
   * Pure: turns the parsed body into events. Throws TocsinError `bad-body` when it does not have the documented shape; its `message` and
   * `allowed` stand in the log and in notes, so they quote nothing of the body.
   */
  normalise(body: unknown, delivery: Delivery, options: Options): Normalised;
  /** True when the origin can be asked with these options (`look`, `listFiring`). */
  canAsk?(options: Options): boolean;
  /** True when the origin resolves by itself what it hears nothing more of: such a resolve is no cure (Alertmanager). */
  expires?: boolean;
  /** Asks the origin whether the alert fires now. Rejects when it cannot be asked. */
  look?(alert: Alert, options: Options, tools: AskTools): Promise<Sight>;
  /** Lists what fires at the origin now. Rejects when it cannot be asked or the answer does not parse. */
  listFiring?(options: Options, tools: AskTools): Promise<Listing>;
  /** The receivers whose listed alerts are ours by these options, besides those that were seen in proven deliveries. */
  receivers?(options: Options): readonly string[];
  /** How long this source's news is believed; without it the defaults of `timingOf`. */
  timing?(options: Options): Timing;
  /**
   * The connection for write-back and queries; null when these options allow none. Its methods show what the origin can do. It makes no
   * request, so errors show only when a method is called.
   */
  origin?(options: Options, host: OriginHost): OriginConnection | null;
  /** True when it can look up who is on call with these options; `tocsin check` needs to know without a connection. */
  tellsOnCall?(options: Options): boolean;
  /** For `tocsin doctor`: checks that the keys of these options work and have the permissions. Changes nothing and never rejects. */
  check?(options: Options, tools: CheckTools): Promise<Finding[]>;
  /** For sources that make events themselves (schedule). Resolves to the function that stops it. */
  start?(options: Options, tools: EmitTools): Promise<() => Promise<void>>;
}

/** One alert of an origin's list. */
export interface ListedAlert {
  /** As a delivery would bring it: state firing or acknowledged. */
  event: IncomingAlert;
  /** Set when the origin itself keeps it quiet: who or what, and until when (milliseconds since the epoch; null when open). */
  silenced: { by: string; until: number | null } | null;
  /** Until when the origin holds it for firing without further news, milliseconds since the epoch; null when it does not expire. */
  endsAt: number | null;
  /**
   * The names of the receivers that it is routed to: it is opened from the list only when one leads here. Null when the origin has no such
   * thing; then it is never opened from the list.
   */
  receivers: readonly string[] | null;
}

export type Listing =
  /**
   * `at` is the origin's clock, milliseconds since the epoch. `receivers` are all that the origin has: when none of them leads here, it is
   * not the origin of our alerts.
   */
  | { ok: true; at: number; alerts: readonly ListedAlert[]; receivers?: readonly string[] | undefined }
  /** Nothing may be closed because of it: the origin is young or settling, or its list was cut. */
  | { ok: false; because: string };

/** Milliseconds. */
export interface Timing {
  /** For how long after a resolve a firing with the same start may be a stale repeat, about which nobody is asked. */
  reopenAfter: number;
  /** The longest time after which the sender repeats an alert that still fires; infinite for one that repeats nothing. */
  repeatInterval: number;
}

const standardTiming: Timing = { reopenAfter: 15_000, repeatInterval: 4 * 3_600_000 };

/** The timing of a source; the standard one for a driver without its own, or a source that is no longer configured. */
export function timingOf(source: { driver: Source; options: unknown } | undefined): Timing {
  return source?.driver.timing?.(source.options) ?? standardTiming;
}

/** True when the origin of a source can be asked about an alert. */
export function canAsk(source: { driver: Source; options: unknown } | undefined): boolean {
  return source?.driver.look !== undefined && source.driver.canAsk?.(source.options) === true;
}

/** The tools of an origin connection. */
export interface OriginHost {
  clock: Clock;
  log: Log;
  /** `fetch` restricted to these addresses, with the egress checks. The addresses come from tocsin.yaml, never from an event. */
  reach(addresses: readonly string[]): typeof fetch;
}

/**
 * Write-back to the origin of an alert. Every method that writes resolves to a sentence for the thread. Methods reject with
 * `origin-limited` (retry after `retryAfter` milliseconds), `origin-down` (the effect is missing or unknown: it is retried) or
 * `origin-refused` (permanent). A method may be called again after it had its effect, because the process may end before the effect is
 * recorded; it must then find its own effect and not repeat it. Methods have their own time-outs of at most 15 s.
 */
export interface OriginConnection {
  /** Rate limits: the most calls that are begun within a minute. */
  perMinute: { tell: number; page: number };
  /** Acknowledges the alert: it is being worked on, so nobody need be called again. */
  acknowledge?(alert: Alert): Promise<string>;
  /** Adds a note with the outcome. `marker` is unique to this note and part of its text. */
  note?(alert: Alert, note: { text: string; marker: string }): Promise<string>;
  /** Resolves the alert, which a run has verified to be gone. */
  resolve?(alert: Alert): Promise<string>;
  /** Withdraws the acknowledgement after a run that did not help, so that people are called again. */
  recall?(alert: Alert): Promise<string>;
  /** Pages people. While a page with the same `key` is open, it pages nobody again. */
  page?(page: OriginPage): Promise<string>;
  /** Withdraws a page; does nothing when there is none. */
  unpage?(key: string): Promise<string>;
  /** Looks up who is on call now at the first level. */
  onCall?(query: OnCallQuery): Promise<OnCall>;
}

export interface OriginPage {
  key: string;
  summary: string;
  severity: Severity;
  /** The affected thing: a host, a target, an alert. */
  source: string;
  component: string;
  at: number;
  details: Readonly<Record<string, string>>;
  links: readonly { label: string; url: string }[];
}

export interface OnCallQuery {
  /** The alert of this origin, if any: its own on-call people are meant when the query names no policy and no schedule. */
  alert: Alert | null;
  escalationPolicy: string | null;
  schedule: string | null;
}

export interface OnCall {
  /** Accounts and names at this origin. */
  people: readonly { account: string; name: string }[];
  /** The policy or schedule they are on call for; null when the query does not determine one, and then `people` is empty. */
  of: string | null;
}

export interface AskTools {
  fetch: typeof fetch;
  signal: AbortSignal;
  clock: Clock;
}

export interface EmitTools {
  clock: Clock;
  log: Log;
  /**
   * Commits the events, and with them what is remembered. `once` is an idempotency key: only the first node's emission counts. Resolves to
   * false when another was first.
   */
  emit(events: IncomingEvent[], once: string, memo?: { key: string; value: number }): Promise<boolean>;
  /** What this source remembers under the key, over restarts and for all nodes; 0 for nothing. */
  remembered(key: string): Promise<number>;
  remember(key: string, value: number): Promise<void>;
  /** True while everything is halted: then no run starts. */
  halted(): Promise<boolean>;
  /** Calls the listener after somebody resumed. Returns the function that unsubscribes. */
  onResume(listener: () => void): () => void;
}

export interface SourceExample {
  title: string;
  /** As a user writes it in tocsin.yaml, with the secrets filled in. */
  options: unknown;
  headers: Record<string, string>;
  /** The body as text. */
  body: string;
  /** When it arrives, milliseconds since the epoch; a fixed time when left out. */
  at?: number;
  expect: { events: readonly Partial<IncomingEvent>[]; deliveryId?: string | null } | { refused: string };
}

/** The body of a delivery as the source's `normalise` takes it. Throws what `parse` throws. */
export function parseDelivery<Options>(source: Source<Options>, delivery: Delivery, options: Options): unknown {
  return source.parse === undefined ? parseStrictJson(delivery.body) : source.parse(delivery, options);
}

export function defineSource<Options>(source: Source<Options>): Source<Options> {
  return source;
}
