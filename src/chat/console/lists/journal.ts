import { z } from 'zod';
import { digits } from '../../../kernel/number.ts';
import { type Actor, identityOf, nameOf } from '../../../model/actor.ts';
import type { Entry } from '../../../model/journal.ts';
import { parseSearch, type SearchTerm } from '../../../model/search/parse.ts';
import { explainSearch, journalWords } from '../../../model/search/words.ts';
import type { Store } from '../../../ports/store.ts';
import { listQuery, searchText } from './listing.ts';

const moment = z
  .string()
  .regex(/^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?)?$/)
  .refine(text => Number.isFinite(timeOf(text)))
  .optional()
  .catch(undefined);

/** `from` and `to` are in UTC, as the field of a browser writes them. */
export const journalQuery = z.object({
  q: searchText.optional().catch(undefined),
  before: digits(z.int().min(2)).optional().catch(undefined),
  show: listQuery.show,
  from: moment,
  to: moment,
});
export type JournalQuery = z.infer<typeof journalQuery>;

function timeOf(text: string): number {
  return Date.parse(`${text.length === 10 ? `${text}T00:00` : text}Z`);
}

/** How many entries are read at one go, and for one page of a search at most; a link goes on from there. */
const atOnce = 500;
const mostRead = 20_000;

export interface Found {
  entries: readonly Entry[];
  /** The last that was looked at; 1 when all were. */
  lookedTo: number;
  /** How many were looked at. */
  looked: number;
  /** How many there are in the stretch of time, whatever the search. */
  all: number;
}

/** The newest entries that fit, the newest first. Times are found by halving, as a later entry is no earlier but for clocks of nodes. */
export async function findEntries(
  store: Store,
  query: JournalQuery,
  terms: readonly SearchTerm[],
  limit: number,
  now: number,
): Promise<Found> {
  const { first, last } = await rangeOf(store, query);
  const top = Math.min(last, (query.before ?? last + 1) - 1);
  const entries: Entry[] = [];
  let at = top;
  while (at >= first && entries.length < limit && top - at < mostRead) {
    const size = terms.length === 0 ? Math.min(atOnce, limit - entries.length) : atOnce;
    const after = Math.max(first - 1, at - size);
    const some = await store.journal({ after, limit: at - after });
    for (const entry of some.reverse()) {
      at = entry.seq - 1;
      if (fits(entry, terms, now) && entries.push(entry) === limit) break;
    }
    if (some.length === 0) break;
  }
  return { entries, lookedTo: at + 1, looked: top - at, all: Math.max(0, last - first + 1) };
}

async function rangeOf(store: Store, { from, to }: JournalQuery): Promise<{ first: number; last: number }> {
  const { seq } = await store.head();
  const first = from === undefined ? 1 : await firstAt(store, timeOf(from), seq);
  // A minute that is named is part of the stretch.
  const last = to === undefined ? seq : (await firstAt(store, timeOf(to) + 60_000, seq)) - 1;
  return { first, last };
}

/** The first entry at this time or later; one beyond the head when there is none. */
async function firstAt(store: Store, time: number, head: number): Promise<number> {
  let low = 1;
  let high = head + 1;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const [entry] = await store.journal({ after: middle - 1, limit: 1 });
    if (entry !== undefined && entry.at < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

export function fits(entry: Entry, terms: readonly SearchTerm[], now: number): boolean {
  return terms.every(term => {
    if (term.kind === 'age')
      return term.op === '>' ? entry.at < now - term.milliseconds : entry.at > now - term.milliseconds;
    if (term.kind === 'label') return false;
    const holds =
      term.kind === 'text' ? hasText(entry, term.text) : term.values.some(value => hasKey(entry, term.key, value));
    return holds !== term.not;
  });
}

function hasText(entry: Entry, text: string): boolean {
  const part = JSON.stringify(text).slice(1, -1).toLowerCase();
  return (
    JSON.stringify(shownFact(entry.fact)).toLowerCase().includes(part) || entry.stream.toLowerCase().includes(part)
  );
}

function hasKey(entry: Entry, key: string, value: string): boolean {
  if (key === 'kind') return entry.fact.kind === value || entry.fact.kind.startsWith(`${value}.`);
  if (key === 'stream') return entry.stream === value || entry.stream.startsWith(value);
  return isBy(entry.actor, value);
}

function isBy(actor: Actor, value: string): boolean {
  return nameOf(actor) === value || identityOf(actor) === value;
}

/** Without the word that the changes of a run carry: whoever reads it could make a change look permitted. */
export function shownFact(fact: Entry['fact']): Entry['fact'] {
  if (fact.kind !== 'permit.issued' || fact.permit.nonce === '') return fact;
  const { permit } = fact;
  const key = permit.key === permit.nonce ? notShown : permit.key;
  return { ...fact, permit: { ...permit, nonce: notShown, key } };
}

const notShown = '(not shown)';

/** What is found as NDJSON, the oldest first; a text when the search does not parse. All of the stretch is looked at. */
export function exportEntries(store: Store, query: JournalQuery, now: number): AsyncIterable<string> | string {
  const result = parseSearch(query.q ?? '', journalWords);
  if (!result.ok) return explainSearch(result) ?? '';
  return entryLines(store, query, result.terms, now);
}

async function* entryLines(
  store: Store,
  query: JournalQuery,
  terms: readonly SearchTerm[],
  now: number,
): AsyncGenerator<string> {
  const { first, last } = await rangeOf(store, query);
  for (let after = first - 1; after < last; ) {
    const some = await store.journal({ after, limit: Math.min(atOnce, last - after) });
    if (some.length === 0) return;
    after = some.at(-1)?.seq ?? last;
    const found = some.filter(entry => fits(entry, terms, now));
    if (found.length > 0) yield found.map(showLine).join('');
  }
}

function showLine({ seq, stream, at, actor, fact, prev, hash }: Entry): string {
  return `${JSON.stringify({ seq, stream, kind: fact.kind, actor, at: new Date(at).toISOString(), fact: shownFact(fact), prev, hash })}\n`;
}
