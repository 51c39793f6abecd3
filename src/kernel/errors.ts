import { catalogue } from './catalogue.ts';

export type ErrorCode = keyof typeof catalogue;

export interface ErrorFacts {
  /** What went wrong, in one sentence; the catalogue's message when left out. */
  message?: string;
  /** What would have been accepted. */
  allowed?: string | readonly string[];
  /** What came instead. Never a secret and never a whole request body. */
  given?: string;
  /** What to do about it; the catalogue's remedy when left out. */
  remedy?: string;
  /** Where: a file with line and column, a step, a field. */
  at?: string;
  /** What is wrong with each field, by name; forms show it beside the field. */
  fields?: Readonly<Record<string, string>>;
  /** Milliseconds to wait before the next try. */
  retryAfter?: number;
  cause?: unknown;
}

/** An error that reaches people. Match it by `code`, which is stable, never by class or text. */
export class TocsinError extends Error {
  readonly code: ErrorCode;
  /** The HTTP status of the code. */
  readonly status: number;
  readonly allowed: string | readonly string[] | undefined;
  readonly given: string | undefined;
  readonly remedy: string;
  readonly at: string | undefined;
  readonly fields: Readonly<Record<string, string>> | undefined;
  /** Milliseconds. */
  readonly retryAfter: number | undefined;
  /** Set by the intake: the sender of the delivery that is refused had proved itself, so it may be told where. */
  proven = false;
  /** Set by whoever verifies: why the sender of a delivery proved nothing. For operators; no answer and no log has it. */
  doubt: string | null = null;

  constructor(code: ErrorCode, facts: ErrorFacts = {}) {
    const entry = catalogue[code];
    super(facts.message ?? entry.message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.name = 'TocsinError';
    this.code = code;
    this.status = entry.status;
    this.allowed = facts.allowed;
    this.given = facts.given;
    this.remedy = facts.remedy ?? entry.remedy;
    this.at = facts.at;
    this.fields = facts.fields;
    this.retryAfter = facts.retryAfter;
  }

  /** The error as an API response, without stack and cause. */
  toJSON() {
    return {
      code: this.code,
      message: this.message,
      ...(this.at === undefined ? {} : { at: this.at }),
      ...(this.allowed === undefined ? {} : { allowed: this.allowed }),
      ...(this.given === undefined ? {} : { given: this.given }),
      ...(this.fields === undefined ? {} : { fields: this.fields }),
      remedy: this.remedy,
    };
  }
}

/** The refusal of a sender that proved nothing. */
export function notProven(doubt: string): TocsinError {
  const error = new TocsinError('bad-signature');
  error.doubt = doubt;
  return error;
}

export function isCode(error: unknown, code: ErrorCode): error is TocsinError {
  return error instanceof TocsinError && error.code === code;
}

/** The message of any thrown value. */
export function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return headerRefused.test(text) ? 'a header cannot be sent: its value is not one line of text' : text;
}

/** What `fetch` throws repeats the value, which is mostly a token. Source: undici 8, lib/web/fetch/headers.js. */
const headerRefused = /\bHeaders\.\w+: .* is an invalid header value/s;

/**
 * The error on one line, for fields, reports and logs: the message, then `given` and `at` unless `known` contains them. The remedy is not
 * part of it.
 */
export function summaryOf(error: unknown, known = ''): string {
  if (!(error instanceof TocsinError)) return messageOf(error);
  const facts = [error.given, error.at].filter(fact => fact !== undefined && !known.includes(fact)).join(', ');
  return facts === '' ? error.message : `${error.message} (${facts})`;
}

/** The error for a terminal or a thread: message, place, allowed, given and remedy, each on its own line. */
export function explainError(error: unknown): string {
  if (!(error instanceof TocsinError)) return messageOf(error);
  const allowed = Array.isArray(error.allowed) ? error.allowed.join(', ') : error.allowed;
  return [
    `${error.code}: ${error.message}`,
    error.at && `  at      ${error.at}`,
    allowed && `  allowed ${allowed}`,
    error.given && `  given   ${error.given}`,
    error.remedy && `  do      ${error.remedy}`,
  ]
    .filter(Boolean)
    .join('\n');
}
