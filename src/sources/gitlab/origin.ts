import { z } from 'zod';
import { type OriginApi, requestOrigin } from '../../kernel/origin-request.ts';
import type { Alert } from '../../model/alert.ts';
import type { OriginConnection, OriginHost } from '../../ports/origin.ts';
import { asWords, carries, type Mark, markWith } from '../webhook/mark.ts';
import { isTaken, type Options } from './options.ts';

/** GitLab lets a user write 60 comments a minute. Source: docs.gitlab.com, GitLab.com settings and rate limits on note creation. */
const perMinute = { tell: 30, page: 30 };
/** The longest comment, characters. */
const longest = 60_000;
/** Comments come oldest first; in more than so many pages of a hundred nothing is looked for. */
const mostPages = 10;

/** Outcomes as comments on the commit, where `comment` is set. A status of the commit would be red or green for the code, which it is not about. */
export function openOrigin(given: Options, host: OriginHost): OriginConnection | null {
  if (given.comment !== true || given.apiToken === undefined) return null;
  const request = requesterOf(given, { fetch: host.reach([given.url]) });
  const mark = markWith(given.apiToken);
  return { perMinute, note: (alert, note) => comment(alert, note, { given, request, mark }) };
}

export type Request = (method: 'GET' | 'POST', path: string, body?: object) => Promise<unknown>;

/** Requests to the REST API. Source: docs.gitlab.com, REST API authentication. */
export function requesterOf(given: Options, tools: Pick<OriginApi, 'fetch' | 'signal'>): Request {
  const origin: OriginApi = {
    name: 'GitLab',
    ...tools,
    refusedKey: {
      because: 'The token is not valid.',
      remedy: 'Correct apiToken of the source in tocsin.yaml: GitLab, Settings of the project or group, Access tokens.',
    },
  };
  return (method, path, body) =>
    requestOrigin(
      `${given.url.replace(/\/+$/, '')}/api/v4${path}`,
      {
        method,
        headers: {
          accept: 'application/json',
          'private-token': given.apiToken ?? '',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      },
      origin,
    );
}

const comments = z.array(z.object({ note: z.string().nullish() }));

/** Idempotent: looks for the mark first, because an earlier attempt may have succeeded although its response was lost. */
async function comment(
  alert: Alert,
  note: { text: string; marker: string },
  { given, request, mark }: { given: Options; request: Request; mark: Mark },
): Promise<string | null> {
  const path = pathOf(alert, given);
  if (path === null) return null;
  for (let page = 1; page <= mostPages; page++) {
    const found = comments.parse(await request('GET', `${path}?per_page=100&page=${page}`));
    if (found.some(one => carries(one.note ?? '', note.marker))) return 'The comment is at GitLab already';
    if (found.length < 100) break;
  }
  await request('POST', path, { note: mark.sign(asWords(note.text), note.marker, longest) });
  return 'Wrote a comment on the commit at GitLab';
}

/** Null for an alert without a commit (a vulnerability), and for a project that is not taken any more. */
function pathOf({ labels }: Alert, given: Options): string | null {
  const [project = '', sha = ''] = [labels['project'], labels['sha']];
  const isPlace =
    /^[A-Za-z0-9_][A-Za-z0-9_./-]{0,1000}$/.test(project) && !project.split('/').some(part => /^\.*$/.test(part));
  if (!isPlace || !/^[0-9a-f]{8,64}$/.test(sha) || !isTaken(given, project)) return null;
  return `/projects/${encodeURIComponent(project)}/repository/commits/${sha}/comments`;
}
