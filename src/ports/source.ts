import type { z } from 'zod';
import type { Clock } from '../kernel/clock.ts';
import type { Log } from '../kernel/log.ts';
import type { Alert } from '../model/alert.ts';
import type { IncomingEvent, Severity } from '../model/event.ts';
import type { CheckTools, Finding } from './check.ts';

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
  /**
   * When it was dropped because it bears the marks of what Tocsin itself did at the origin: a word for what. It is counted, because anybody
   * who may write there can set such a mark.
   */
  echo?: string;
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
  /**
   * What the origin can be told, and asked, beyond its events; null when these options give no way. The methods that are there are what it
   * can do. Rejects for nothing: trouble shows when it is told something.
   */
  origin?(options: Options, host: OriginHost): OriginConnection | null;
  /** Whether these options let it tell who is on call; `check` needs to know without opening anything. */
  tellsOnCall?(options: Options): boolean;
  /** Looks whether the keys of these options work and may do what is wanted; for `tocsin doctor`. Changes nothing and never rejects. */
  check?(options: Options, tools: CheckTools): Promise<Finding[]>;
  /** For sources that make events themselves (schedule). Returns how to stop. */
  start?(options: Options, tools: EmitTools): Promise<() => Promise<void>>;
}

/** What an origin is reached with. */
export interface OriginHost {
  clock: Clock;
  log: Log;
  /** `fetch` to these addresses and nowhere else, with the checks of egress rules. They come from tocsin.yaml, never from an event. */
  reach(addresses: readonly string[]): typeof fetch;
}

/**
 * The way back to where an alert came from. Every method resolves to a sentence for the thread, or rejects with `origin-limited`
 * (`retryAfter` says for how long), `origin-down` (nothing is known to have happened, or it is not known: it is told again) or
 * `origin-refused` (it will not do, however often). Each may be called again after it had its effect, because the process may end before that
 * is recorded: it then finds its own effect and repeats nothing. Own time-outs, of at most 15 s.
 */
export interface OriginConnection {
  /** The most that is begun within a minute. */
  perMinute: { tell: number; page: number };
  /** Somebody works on it: whoever is called about it need not be called again. */
  acknowledge?(alert: Alert): Promise<string>;
  /** Writes down what became of it. `marker` is unique to this note and stands in its text. */
  note?(alert: Alert, note: { text: string; marker: string }): Promise<string>;
  /** It is gone, verified. */
  resolve?(alert: Alert): Promise<string>;
  /** Calls people again about an alert that was acknowledged for a run that did not help. */
  recall?(alert: Alert): Promise<string>;
  /** Calls people. The same `key` never calls twice for what is still open. */
  page?(page: OriginPage): Promise<string>;
  /** Takes a call back; harmless when there is none. */
  unpage?(key: string): Promise<string>;
  /** Who is on call now, those who are called first. Rejects as the others do. */
  onCall?(query: OnCallQuery): Promise<OnCall>;
}

export interface OriginPage {
  key: string;
  summary: string;
  severity: Severity;
  /** What it is about: a host, a target, an alert. */
  source: string;
  component: string;
  at: number;
  details: Readonly<Record<string, string>>;
  links: readonly { label: string; url: string }[];
}

export interface OnCallQuery {
  /** When it is about an alert of this origin, and the query names nothing itself, its own people are meant. */
  alert: Alert | null;
  escalationPolicy: string | null;
  schedule: string | null;
}

export interface OnCall {
  /** Accounts at this origin, with the names that it has for them. */
  people: readonly { account: string; name: string }[];
  /** What they are on call for; null when the query does not determine it, and then nobody is. */
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
