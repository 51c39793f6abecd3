import { z } from 'zod';
import { cutText } from '../../kernel/text.ts';
import type { Alert } from '../../model/alert.ts';
import type { OriginConnection, OriginHost } from '../../ports/origin.ts';
import type { Options } from './options.ts';
import { carries, signed } from './own.ts';
import { placeOf, plain } from './place.ts';
import { report } from './report.ts';
import { type Request, requesterOf, rootOf } from './request.ts';

/** GitHub allows 500 requests an hour that make content, and asks who is over it to wait. Source: docs.github.com, rate limits. */
const perMinute = { tell: 8, page: 8 };
/** The longest comment, characters, with room for the mark. */
const longest = 60_000;
/** Comments come oldest first; in more than so many pages of a hundred nothing is looked for. */
const mostPages = 10;

/** Outcomes as comments on the commit, where `comment` is set, and how runs stand, where `report` says. */
export function openOrigin(given: Options, host: OriginHost): OriginConnection | null {
  if (given.comment !== true && given.report === undefined) return null;
  if (given.apiToken === undefined && given.app === undefined) return null;
  const request = requesterOf(given, { fetch: host.reach([rootOf(given)]), clock: host.clock });
  return {
    perMinute,
    ...(given.comment === true ? { note: (alert: Alert, note: Note) => comment(alert, note, given, request) } : {}),
    ...(given.report === undefined ? {} : { report: (alert, told) => report(alert, told, given, request) }),
  };
}

interface Note {
  text: string;
  marker: string;
}

const comments = z.array(z.object({ body: z.string().nullish() }));

/** Idempotent: looks for the mark first, because an earlier attempt may have succeeded although its response was lost. */
async function comment(alert: Alert, note: Note, given: Options, request: Request): Promise<string | null> {
  const found = placeOf(alert, given);
  if (found === null) return null;
  const { place, sha } = found;
  const path = `/repos/${place.owner}/${place.name}/commits/${sha}/comments`;
  for (let page = 1; page <= mostPages; page++) {
    const known = comments.parse(await request(place, 'GET', `${path}?per_page=100&page=${page}`));
    if (known.some(({ body }) => carries(body ?? '', note.marker))) return 'The comment is at GitHub already';
    if (known.length < 100) break;
  }
  await request(place, 'POST', path, { body: signed(plain(cutText(note.text, longest)), note.marker) });
  return 'Wrote a comment on the commit at GitHub';
}
