import { showDuration } from '../../kernel/duration.ts';
import type { Importer } from './ledger-file.ts';
import { fitsAny, matchesPattern } from './pattern.ts';
import type { PermitRequest } from './permit-request.ts';

/** How far ahead a permit may begin, milliseconds. */
const mostAhead = 90 * 86_400_000;

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
  if (begins > at + mostAhead)
    return { what: 'from', allowed: `${show(at + mostAhead)} or before`, given: show(begins) };
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
