import { z } from 'zod';
import { TocsinError } from '../../kernel/errors.ts';
import { digits } from '../../kernel/number.ts';
import { errorDoc } from '../docs.ts';
import type { RouteAnswer } from '../route.ts';

export const none = z.strictObject({});

/** Ids are opaque; this only keeps malformed ones out of queries. */
export const id = z.string().regex(/^[a-z]{3}_[0-9a-z]{1,40}$/, 'an id such as run_01jd3v9k2m');

export const withId = z.strictObject({ id });

/** Lists come newest first and in pages. */
export const page = {
  limit: digits(z.int().min(1).max(500).default(50)).meta({ description: 'How many to return at most.' }),
  after: id.optional().meta({ description: 'Continue after this id; the Link header of a full page names it.' }),
};

export const reason = z.string().max(2000).nullish().meta({ description: 'Why, for the thread and the journal.' });

const texts: Record<number, string> = {
  400: 'The request does not have the documented shape.',
  401: 'The bearer token is missing or unknown.',
  403: 'Refused; the reason says why, and `decision` what policy said.',
  404: 'There is nothing under this id or name.',
  409: 'It is decided or ended already.',
  422: 'The parameters do not fit the runbook.',
  503: 'Not now; Retry-After says when.',
};

/** The refusals of a route, all in the one shape of an error. */
export function refusals(...statuses: number[]): Record<number, RouteAnswer> {
  return Object.fromEntries(statuses.map(status => [status, { about: texts[status] ?? '', schema: errorDoc }]));
}

/** The address of the next page, when this one is full. */
export function nextPage(
  path: string,
  query: Record<string, unknown>,
  found: readonly { id: string }[],
  limit: number,
) {
  const last = found.at(-1);
  if (last === undefined || found.length < limit) return {};
  const next = new URLSearchParams();
  for (const [name, value] of Object.entries({ ...query, after: last.id })) {
    if (value !== undefined) next.set(name, String(value));
  }
  return { link: `<${path}?${next}>; rel="next"` };
}

export function found<T>(value: T | null, what: string, name: string): T {
  if (value !== null) return value;
  throw new TocsinError('not-found', { message: `There is no ${what} of this id.`, given: name });
}
