import type { IncomingHttpHeaders } from 'node:http';
import type { SourceRefusal } from '../flow/pipeline/refused-sources.ts';
import { catalogue } from '../kernel/catalogue.ts';
import type { TocsinError } from '../kernel/errors.ts';
import { cutLine } from '../kernel/text.ts';
import type { DeliveryOutcome } from '../model/delivery.ts';
import type { ConfiguredSource } from '../ports/catalogue.ts';
import { flatHeaders } from './admit.ts';

/** The places within a body that hold nothing of it. */
const place = /^(line \d+, column \d+|within \d+ bytes|the (end|document)|the body is empty)$/;
const word = /^[A-Za-z_][\w-]{0,63}$/;
const index = /^\d{1,6}$/;
/** The most words of a path. */
const mostWords = 8;

/**
 * Where the error is, as everybody may read it: a place in the body, or a path of words that the source documents (`fields`) or that its
 * options in tocsin.yaml have, and of indexes. The path ends before the first other word, which may be a key of the sender.
 */
function shownAt(error: TocsinError, source: ConfiguredSource | null): string | null {
  if (error.code === 'body-too-large') return 'maxBody';
  const { at } = error;
  if (at === undefined || error.code !== 'bad-body' || source === null) return null;
  if (place.test(at)) return at;
  const known = new Set(source.driver.fields ?? []);
  const shown: string[] = [];
  let options: unknown = source.options;
  for (const one of at.split('.', mostWords)) {
    options = ownValue(options, one);
    const isKnown = known.has(one) || options !== undefined;
    if (!(index.test(one) || (word.test(one) && isKnown))) break;
    shown.push(one);
  }
  return shown.length === 0 ? null : shown.join('.');
}

function ownValue(holder: unknown, name: string): unknown {
  if (holder === null || typeof holder !== 'object' || !Object.hasOwn(holder, name)) return undefined;
  return (holder as Record<string, unknown>)[name];
}

/** What would have been accepted, on one line. A source makes it of what it documents. */
function shownAllowed({ allowed }: TocsinError): string | null {
  if (allowed === undefined) return null;
  return cutLine(typeof allowed === 'string' ? allowed : allowed.join(', '), 200);
}

/** Where and what was allowed, for the log and for a sender that proved itself. */
function whereOf(error: TocsinError, source: ConfiguredSource | null): { at?: string; allowed?: string } {
  const at = shownAt(error, source);
  const allowed = shownAllowed(error);
  return { ...(at === null ? {} : { at }), ...(allowed === null ? {} : { allowed }) };
}

/** The facts for the log, which the owner of a source without a secret reads too. Unknown sources count as one. */
export function factsForLog(error: TocsinError, source: ConfiguredSource | null) {
  return { source: source?.name ?? 'unknown', ...whereOf(error, source) };
}

/** The facts for the sender. One that did not prove itself gets only what cannot hold a part of a body: accepted types, a line and column. */
export function factsForSender(
  error: TocsinError,
  source: ConfiguredSource | null,
  proven: boolean,
): { allowed?: string | readonly string[]; at?: string } {
  if (error.code === 'wrong-content-type' && error.allowed !== undefined) return { allowed: error.allowed };
  if (proven) return whereOf(error, source);
  const isPosition = error.code === 'bad-body' && /^line \d+, column \d+$/.test(error.at ?? '');
  return isPosition && error.at !== undefined ? { at: error.at } : {};
}

/**
 * The refusal for the operators; null for a sender that did not prove itself. `told`: it did, or could not, because its key cannot be
 * fetched, and all that it sends is lost until somebody looks.
 */
export function refusalOf(error: TocsinError, source: ConfiguredSource, told: boolean): SourceRefusal | null {
  if (!told) return null;
  const allowed = shownAllowed(error);
  const because = allowed === null ? catalogue[error.code].message : `Allowed: ${allowed}.`;
  return { source: source.name, code: error.code, at: shownAt(error, source), because };
}

/** The refusal for the page of its source: also of a sender that proved nothing, and then without anything of its body. */
export function refusedOutcome(
  error: TocsinError,
  source: ConfiguredSource,
  proven: boolean,
): Extract<DeliveryOutcome, { what: 'refused' }> {
  const told = proven ? shownAllowed(error) : null;
  const because = error.doubt || (told === null ? catalogue[error.code].message : `Allowed: ${told}.`);
  return { what: 'refused', code: error.code, at: proven ? shownAt(error, source) : null, because };
}

/**
 * Whether the sender of a refused delivery had proved itself: the intake says it, and a bearer or basic header also where the body was not
 * read. False for what says nothing about the delivery (overload, a stop).
 */
export function isProven(error: TocsinError, source: ConfiguredSource | null, headers: IncomingHttpHeaders): boolean {
  if (source === null || error.code === 'bad-signature' || error.status >= 500) return false;
  return error.proven || isProvenByHeaders(source, headers);
}

function isProvenByHeaders({ driver, options }: ConfiguredSource, headers: IncomingHttpHeaders): boolean {
  const verified = driver.verifyHeaders?.(flatHeaders(headers), options) ?? null;
  return verified?.ok === true && verified.by !== 'none';
}
