import type { z } from 'zod';
import type { Clock } from '../kernel/clock.ts';
import { parseStrictJson } from '../kernel/strict-json.ts';
import type { Alert } from '../model/alert.ts';
import type { IncomingAlert, IncomingEvent } from '../model/event.ts';
import type { Sight } from '../model/look.ts';
import type { Quiet } from '../model/muted.ts';
import type { RecordsSpec } from '../model/records/records.ts';
import type { CheckTools, Finding } from './check.ts';
import type { EmitTools } from './emit.ts';
import type { OriginConnection, OriginHost, OriginMethod } from './origin.ts';
import type { RecordBatch, RecordsTaken } from './records.ts';

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
  /** What stands at the address of `keyAt`; null when there is no key there. */
  key?: string | null;
  /** How the request to the address of `askBack` went. */
  askedBack?: { ok: true } | { ok: false; because: string };
}

export type Verified =
  /** `by` names the proof. `none`: no secret is configured, so its events never lead to `auto`. */
  { ok: true; by: 'hmac' | 'signature' | 'bearer' | 'basic' | 'header' | 'none' } | { ok: false; because: string };

export interface Normalised {
  events: IncomingEvent[];
  /**
   * The sender's id of this delivery, if it is part of the signed bytes: a second delivery with the same id is a duplicate. Null for
   * senders that sign no unique id (Alertmanager, Grafana), because they send identical bodies again for an alert that fires again.
   */
  deliveryId: string | null;
  /**
   * For senders whose events have ids of their own: that of each event, null for one without. An event counts once, alone or in whatever
   * batch it comes again. `deliveryId` is null then.
   */
  eventIds?: readonly (string | null)[];
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

/** A job of a source that ticks by cron. */
export interface SourceJob {
  job: string;
  cron: string;
  timezone: string;
  title: string | null;
  labels: Readonly<Record<string, string>>;
  missed: 'skip' | 'once';
  /** The key under which the tick that is due then (milliseconds since the epoch) is made once. */
  onceOf(at: number): string;
  /** That tick. */
  tickOf(at: number): IncomingEvent;
}

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
  /** The jobs of a source that ticks; left out by others. */
  jobs?(options: Options): readonly SourceJob[];
  /** The longest delay of a change of an alert, milliseconds (a group_interval). `tocsin check` compares `verify.within` with it. */
  delay?(options: Options): number | null;
  examples: readonly SourceExample[];
  /** For `tocsin source add`; left out by a source that takes no deliveries. */
  setup?: SourceSetup;
  /**
   * Pure: the https address of the key of a sender that signs with a key pair and names the address in its delivery; null when none is
   * needed. Nothing is proven yet, so the source allows only addresses that nobody but the sender can publish at. The key is kept for a
   * day, and `verify` finds it as `delivery.key`.
   */
  keyAt?(delivery: Delivery, options: Options): string | null;
  /**
   * Pure: an https address that is requested once after `verify`, because the sender wants to be confirmed; null for none. The result is
   * `delivery.askedBack`.
   */
  askBack?(delivery: Delivery, options: Options): string | null;
  /** Checks the signature or secret in constant time, over the raw bytes and before anything is parsed. */
  verify(delivery: Delivery, options: Options): Verified;
  /**
   * The same for what the headers alone decide (bearer token, basic auth), before the body is read; null when the body is needed. `verify`
   * is called afterwards all the same.
   */
  verifyHeaders?(headers: Delivery['headers'], options: Options): Verified | null;
  /**
   * Pure: the headers, names in lower case, that consent to deliveries, for a sender that asks with OPTIONS first; null when it may not
   * deliver. The request proves nothing, so the answer holds no more than it asks and `tocsin.yaml` allows. Left out by a source whose
   * senders do not ask.
   */
  consent?(headers: Delivery['headers'], options: Options): Record<string, string> | null;
  /**
   * Pure: the headers, names in lower case, by which a sender with these options proves itself, so that `verify` takes the delivery; none
   * where nothing is asked for. For `tocsin send --sign`, and for the tests that every source has to pass. Left out by a source that takes
   * no deliveries.
   */
  prove?(delivery: Delivery, options: Options): Record<string, string>;
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
  /** Set for a source that opens no alert: it tells what somebody did. It has no example of a firing. */
  onlyChanges?: true;
  /** False for a source whose bodies may hold secrets: they are not stored, so nobody can look at or replay what was delivered. */
  keepsRaw?: false;
  /**
   * Pure: the format and the rules of a source of raw records; null when these options have none. Its deliveries are batches of records,
   * which are detected in and never journalled: `parse` and `normalise` are not called for them.
   */
  records?(options: Options): RecordsSpec | null;
  /**
   * The bytes of the records in a delivery that `verify` has passed: unpacked, limited in their number. The body itself when left out.
   * Iterating may throw TocsinError `bad-body` or `body-too-large`.
   */
  pieces?(delivery: Delivery, options: Options): AsyncIterable<Buffer>;
  /** Pure: where the records of a delivery are from, and its idempotency key. `a request` and none when left out. */
  batchOf?(delivery: Delivery, options: Options): Pick<RecordBatch, 'from' | 'once'>;
  /** Pure: what the sender of a batch is answered, where it wants another answer than 202 with the numbers. */
  answerRecords?(taken: RecordsTaken, delivery: Delivery, options: Options): { status: 200 | 202; json: unknown };
  /**
   * Pure: true when nobody but senders that are known can bring records, for a source that listens by itself. Without it a source with
   * `start` is believed.
   */
  proven?(options: Options): boolean;
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
  /**
   * Set for a sender that tells no end of anything (Falco). Its `timing` must then have `endsAfter`, or nothing that it tells would ever be
   * over.
   */
  tellsNoEnd?: true;
  /** How long this source's news is believed; without it the defaults of `timingOf`. */
  timing?(options: Options): Timing;
  /**
   * The connection for write-back and queries; null when these options allow none. Its methods show what the origin can do. It makes no
   * request, so errors show only when a method is called.
   */
  origin?(options: Options, host: OriginHost): OriginConnection | null;
  /** What `origin` can do when its options allow all of it, for the reference. */
  tells?: readonly OriginMethod[];
  /** For `tocsin doctor`: what to set in the options so that the origin can be asked and told, for a source that may go without. */
  toAsk?: string;
  /** True when it can look up who is on call with these options; `tocsin check` needs to know without a connection. */
  tellsOnCall?(options: Options): boolean;
  /** For `tocsin check`: options that are allowed and yet weaken the source. Pure. */
  warnings?(options: Options): readonly OptionWarning[];
  /** For `tocsin doctor`: checks that the keys of these options work and have the permissions. Changes nothing and never rejects. */
  check?(options: Options, tools: CheckTools): Promise<Finding[]>;
  /**
   * For a source with a `start` that takes what others send by a way of its own (email): whether they prove themselves with these options.
   * Left out by one that makes its events alone.
   */
  takesProven?(options: Options): boolean;
  /** For sources that make events themselves (schedule). Resolves to the function that stops it. */
  start?(options: Options, tools: EmitTools): Promise<() => Promise<void>>;
  /**
   * True when `start` is for one node of a fleet at a time: another takes over within 15 s when it dies, and what the dead one commits
   * afterwards is refused. Left out by sources that may run on every node, because their emissions have idempotency keys (schedule).
   */
  oneNode?: true;
}

/** An option that is allowed, and what it costs. */
export interface OptionWarning {
  /** Where in the options. */
  at: readonly (string | number)[];
  /** What it costs, in a clause. */
  what: string;
  /** What would be better. */
  allowed: string;
}

/** One alert of an origin's list. */
export interface ListedAlert {
  /** As a delivery would bring it: state firing or acknowledged. */
  event: IncomingAlert;
  /** Set when the origin itself keeps it quiet, silences with a mark left out. */
  silenced: Quiet | null;
  /** What else keeps it quiet there: silences with a mark, which are ours when the mark is that of this very alert. */
  marked?: readonly (Quiet & { marker: string })[];
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
  /**
   * After how long without news a stretch ends here by itself, for a sender that tells no end; left out when it does not. Such an end is no
   * cure (`end.how` is `expired`), and what comes later is another stretch.
   */
  endsAfter?: number | undefined;
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

export interface AskTools {
  fetch: typeof fetch;
  signal: AbortSignal;
  clock: Clock;
}

/** How a source is pointed at. */
export interface SourceSetup {
  /** Its options as they stand in tocsin.yaml. `{secret}` is the reference to the variable of the environment that holds the secret. */
  options: Readonly<Record<string, unknown>>;
  /** Who makes the secret: `sender` where it shows one to copy; null where nothing is shared. */
  secret: 'ours' | 'sender' | null;
  /**
   * What to do at the sender, in order. `{url}` is where it posts to, `{url with password}` the same with the name of the source and the
   * secret as user and password; `{secret}`, `{variable}` and `{name}` are the secret, its variable, and the name of the source.
   */
  steps: readonly string[];
  /** The page of the documentation, from the root of the repository. */
  page: string;
}

export interface SourceExample {
  title: string;
  /** As a user writes it in tocsin.yaml, with the secrets filled in. */
  options: unknown;
  headers: Record<string, string>;
  /** The body as text. */
  body: string;
  /** What stands at the address of `keyAt`. */
  key?: string;
  /** When it arrives, milliseconds since the epoch; a fixed time when left out. */
  at?: number;
  expect:
    | { events: readonly Partial<IncomingEvent>[]; deliveryId?: string | null }
    /** For a source with `records`: how many there are, and how many pieces of the body are none. */
    | { records: number; unreadable?: number }
    | { refused: string };
}

/** True for a source without a secret: it takes what comes without any proof. */
export function takesAnybody({ driver, options }: { driver: Source; options: unknown }): boolean {
  const proves = driver.takesProven ?? driver.proven;
  if (proves !== undefined) return !proves(options);
  const verified = driver.verify({ headers: {}, body: Buffer.alloc(0), at: 0 }, options);
  return verified.ok && verified.by === 'none';
}

/** The body of a delivery as the source's `normalise` takes it. Throws what `parse` throws. */
export function parseDelivery<Options>(source: Source<Options>, delivery: Delivery, options: Options): unknown {
  return source.parse === undefined ? parseStrictJson(delivery.body) : source.parse(delivery, options);
}

export function defineSource<Options>(source: Source<Options>): Source<Options> {
  return source;
}
