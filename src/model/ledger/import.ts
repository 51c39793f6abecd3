import { z } from 'zod';
import { showDuration } from '../../kernel/duration.ts';
import type { Importer } from './ledger-file.ts';
import { fitsAny, matchesPattern } from './pattern.ts';

/** Limits of an imported permit: patterns, characters of one text, and how far ahead it may begin, milliseconds. */
const most = { patterns: 50, text: 512, reason: 1000, ahead: 90 * 86_400_000 } as const;

/** Neither controls nor what is invisible or turns the direction: a person must see what is permitted. */
const seen = /^[^\p{C}\u2028\u2029]+$/u;
const word = z.string().min(1).max(most.text).regex(seen, 'must have no control or invisible characters');
const exact = word.regex(/^[^*]*$/, 'must be exact, without *').regex(/\S/, 'must not be blank');
const patterns = z.array(word).max(most.patterns).default([]);
/** Milliseconds since the epoch, of years that can be shown. */
const instant = z
  .int()
  .min(0)
  .max(Date.UTC(9999, 11, 31));

/** What was approved elsewhere. Each text is exact, but for actions and resources, in which `*` stands for any characters. */
export const permitRequest = z.strictObject({
  /** Who may do it, by the name that changes carry. */
  principal: exact,
  /** The sender's verbs, and ids of resources; empty for anything. */
  actions: patterns,
  resources: patterns,
  account: exact.optional(),
  region: exact.optional(),
  environment: exact.optional(),
  /** From when, milliseconds since the epoch; from its arrival on when left out. */
  from: instant.optional(),
  until: instant,
  /** The ticket that it stands for. */
  change: exact.max(200),
  reason: z
    .string()
    .trim()
    .min(1)
    .max(most.reason)
    .regex(/^(?:[^\p{C}]|[\n\t])+$/u, 'must have no control characters'),
});
export type PermitRequest = z.infer<typeof permitRequest>;

/** What goes beyond what may be permitted. */
export interface Beyond {
  what: string;
  allowed: string;
  given: string;
}

/** The times of a request, milliseconds since the epoch; `back` is how far back it may begin. */
export interface Arrival {
  at: number;
  back: number;
}

/** The first thing that no importer of the list lets through, as the nearest of them says; null when one lets all of it through. */
export function beyondAll(request: PermitRequest, importers: readonly Importer[], arrival: Arrival): Beyond | null {
  const timed = beyondTime(request, arrival);
  if (timed !== null) return timed;
  let nearest: Beyond[] | null = null;
  for (const importer of importers) {
    const found = beyond(request, importer, arrival);
    if (found.length === 0) return null;
    if (nearest === null || found.length < nearest.length) nearest = found;
  }
  return nearest?.[0] ?? { what: 'permits', allowed: 'none', given: request.change };
}

function beyondTime({ from, until }: PermitRequest, { at, back }: Arrival): Beyond | null {
  const begins = from ?? at;
  if (begins < at - back)
    return {
      what: 'from: it begins in the past, where changes are judged already; to say afterwards that one was meant is a claim',
      allowed: `${show(at - back)} or later`,
      given: show(begins),
    };
  if (begins > at + most.ahead)
    return { what: 'from', allowed: `${show(at + most.ahead)} or before`, given: show(begins) };
  if (until <= begins) return { what: 'until', allowed: `later than ${show(begins)}`, given: show(until) };
  return until < at - back
    ? { what: 'until: it is over', allowed: `later than ${show(at)}`, given: show(until) }
    : null;
}

function beyond(request: PermitRequest, importer: Importer, { at }: Arrival): Beyond[] {
  const { principal, actions, resources, account, from, until } = request;
  const found: Beyond[] = [];
  const add = (what: string, allowed: readonly string[], given: string) =>
    found.push({ what, allowed: listed(allowed), given: given.slice(0, 200) });
  if (!fitsAny(importer.principals, principal)) add('principal', importer.principals, principal);
  for (const [what, given, allowed] of [
    ['actions', actions, importer.actions],
    ['resources', resources, importer.resources],
  ] as const) {
    const outside = outsideOf(given, allowed);
    if (outside !== null) add(what, allowed, outside);
  }
  const isAnywhere = importer.accounts.length === 0 || importer.accounts.includes('*');
  if (!isAnywhere && (account === undefined || !fitsAny(importer.accounts, account)))
    add('account', importer.accounts, account ?? 'any');
  const length = until - (from ?? at);
  if (length > importer.most) add('until', [`${showDuration(importer.most)} after it begins`], showDuration(length));
  return found;
}

/**
 * The first of the patterns that says more than the allowed ones; null for none. A star counts as a character of its own, which only a star
 * takes, so that what passes is certainly within.
 */
function outsideOf(given: readonly string[], allowed: readonly string[]): string | null {
  if (allowed.length === 0 || allowed.includes('*')) return null;
  if (given.length === 0) return 'anything';
  return given.find(one => !allowed.some(pattern => matchesPattern(pattern, one))) ?? null;
}

function listed(texts: readonly string[]): string {
  return texts.length > 5 ? `${texts.slice(0, 5).join(', ')} and ${texts.length - 5} more` : texts.join(', ');
}

function show(at: number): string {
  return new Date(at).toISOString();
}
