import type { Chart } from '../kernel/chart/chart.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Log } from '../kernel/log.ts';
import type { Alert } from '../model/alert.ts';
import type { Severity } from '../model/event.ts';

/** The tools of an origin connection. */
export interface OriginHost {
  clock: Clock;
  log: Log;
  /**
   * `fetch` restricted to these addresses, with the egress checks. The addresses come from tocsin.yaml, never from an event. `ca`: the
   * certificates (PEM) that theirs must be issued by, in place of the public authorities.
   */
  reach(addresses: readonly string[], ca?: string): typeof fetch;
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
  /**
   * True where `recall` lets the origin notify again, in its own time and of whomever it is set up for: a run that needs people pages them
   * all the same.
   */
  notifiesLater?: true;
  /** Acknowledges the alert: it is being worked on, so nobody need be called again. */
  acknowledge?(alert: Alert): Promise<string>;
  /** Adds a note with the outcome. `marker` is unique to this note and part of its text. Null when the origin has no place for it. */
  note?(alert: Alert, note: { text: string; marker: string }): Promise<string | null>;
  /** Writes how a run for the alert stands. Called again when that changes; null when the origin has no place for it. */
  report?(alert: Alert, report: OriginReport): Promise<string | null>;
  /** Resolves the alert, which a run has verified to be gone. */
  resolve?(alert: Alert): Promise<string>;
  /** Keeps the alert quiet until then, or changes the silence with this marker. Null when the time is over there already. */
  silence?(alert: Alert, silence: OriginSilence): Promise<string | null>;
  /** Ends every silence with this marker; null when there is none. */
  unsilence?(alert: Alert, marker: string): Promise<string | null>;
  /** Withdraws the acknowledgement after a run that did not help, so that people are called again. */
  recall?(alert: Alert): Promise<string>;
  /** Pages people. While a page with the same `key` is open, it pages nobody again. */
  page?(page: OriginPage): Promise<string>;
  /** Withdraws a page; does nothing when there is none. */
  unpage?(key: string): Promise<string>;
  /** Pure: whether an alert, of whatever source, is to have a ticket. Left out where there are no tickets. */
  wantsTicket?(alert: Alert): boolean;
  /** Opens the ticket of an episode, once. */
  ticket?(ticket: OriginTicket): Promise<string>;
  /** Adds a comment to it. Null when there is none any more. */
  ticketNote?(ticket: OriginTicket, note: { text: string; marker: string }): Promise<string | null>;
  /** Ends it with its alert. Null when there is none any more. */
  ticketDone?(ticket: OriginTicket): Promise<string | null>;
  /**
   * The series behind an alert until `at`, milliseconds since the epoch, with its threshold. A query that fails is not repeated, so it
   * rejects with `origin-down` or `origin-refused` and a reason for people.
   */
  picture?(alert: Alert, at: number): Promise<Chart>;
  /** The series of a query; rejects like `picture`. */
  chart?(ask: ChartAsk): Promise<Chart>;
  /** Looks up who is on call now at the first level. */
  onCall?(query: OnCallQuery): Promise<OnCall>;
}

/** What is told to an origin or asked there, for the reference; pictures are of the origin's metrics and told nowhere. */
export type OriginMethod = Exclude<
  keyof OriginConnection,
  'perMinute' | 'notifiesLater' | 'wantsTicket' | 'picture' | 'chart'
>;

/** A query for a picture, in the language of the origin's metrics. */
export interface ChartAsk {
  query: string;
  /** What it is called; null for a name of the origin's. */
  title: string | null;
  /** How far back, milliseconds. */
  range: number;
  /** Its end, milliseconds since the epoch. */
  at: number;
}

/** A silence that a person made here. */
export interface OriginSilence {
  /** Milliseconds since the epoch. */
  until: number;
  /** The name of the person. */
  by: string;
  /** Why; null without a reason. */
  reason: string | null;
  /** Unique to the alert: its silence there is found by it, changed and ended. See `silenceMark`. */
  marker: string;
}

/** How a run stands. */
export interface OriginReport {
  run: string;
  runbook: string;
  /** `running` also while it waits for a person; `failed` for every ending that needs people; `left` when it was cancelled or given up. */
  state: 'running' | 'succeeded' | 'failed' | 'left';
  /** In a sentence. */
  text: string;
  /** The page of the run. */
  url: string;
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

/** The ticket of one episode of an alert. */
export interface OriginTicket {
  /** As it is now; it may be of a later episode. */
  alert: Alert;
  episode: number;
  links: readonly { label: string; url: string }[];
  /** True at the first attempt of a process after another one that ended: it may have opened the ticket just before. */
  mayBeLeft?: true;
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
