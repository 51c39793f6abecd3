import { catalogue } from './catalogue.ts';

export type ErrorCode = keyof typeof catalogue;

export interface ErrorFacts {
  /** What went wrong, in a sentence, in the words of the design. */
  message?: string;
  /** What would have been accepted. */
  allowed?: string | readonly string[];
  /** What came instead. Never a secret and never a whole request body. */
  given?: string;
  /** What to do now; the catalogue's remedy when left out. */
  remedy?: string;
  /** Where: a file with line and column, a step, a field. */
  at?: string;
  /** What is wrong with each field of what was given, by its name: forms show it there. */
  fields?: Readonly<Record<string, string>>;
  /** How long to wait before it is worth another try, milliseconds. */
  retryAfter?: number;
  cause?: unknown;
}

/** Every error that reaches a person. Match it by `code`, which is stable, never by class or text. */
export class TocsinError extends Error {
  readonly code: ErrorCode;
  /** The HTTP status that fits. */
  readonly status: number;
  readonly allowed: string | readonly string[] | undefined;
  readonly given: string | undefined;
  readonly remedy: string;
  readonly at: string | undefined;
  readonly fields: Readonly<Record<string, string>> | undefined;
  /** Milliseconds. */
  readonly retryAfter: number | undefined;

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

  /** The error as an API answer: no stack, no cause. */
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

export function isCode(error: unknown, code: ErrorCode): error is TocsinError {
  return error instanceof TocsinError && error.code === code;
}

/** The text of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * What went wrong in one line, with what came instead and where, unless `known` says that already; what to do is `remedy`. For fields,
 * reports and logs.
 */
export function summaryOf(error: unknown, known = ''): string {
  if (!(error instanceof TocsinError)) return messageOf(error);
  const facts = [error.given, error.at].filter(fact => fact !== undefined && !known.includes(fact)).join(', ');
  return facts === '' ? error.message : `${error.message} (${facts})`;
}

/** For a person at a terminal or in a thread: what, where, allowed, given, remedy, each on its line. */
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
