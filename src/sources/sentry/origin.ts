import { z } from 'zod';
import type { Clock } from '../../kernel/clock.ts';
import { isCode } from '../../kernel/errors.ts';
import { exactNumber } from '../../kernel/number.ts';
import { type OriginApi, requestOrigin } from '../../kernel/origin-request.ts';
import type { Alert } from '../../model/alert.ts';
import type { OriginConnection, OriginHost } from '../../ports/origin.ts';
import { asWords, carries, type Mark, markWith } from '../webhook/mark.ts';
import type { Options } from './options.ts';

/**
 * Sentry limits each caller by the second and endpoint and names no number; its headers say when to go on. Source: docs.sentry.io, API, rate
 * limits. A write-back takes up to four requests.
 */
const perMinute = { tell: 30, page: 30 };
/** The longest comment, characters. */
const longest = 8000;
/** Comments come newest first, a hundred on a page; more are not looked at. */
const pageSize = 100;

/** Comments on issues, and resolving them. Nobody is at work on an issue by a status of Sentry's, so nothing is acknowledged. */
export function openOrigin(given: Options, host: OriginHost): OriginConnection | null {
  if (given.apiToken === undefined || given.organization === undefined) return null;
  const way: Way = {
    request: requesterOf(given, { fetch: host.reach([given.url]), clock: host.clock }),
    mark: markWith(given.apiToken),
  };
  return {
    perMinute,
    resolve: alert => resolve(alert, way),
    note: (alert, note) => comment(alert, note, way),
  };
}

interface Way {
  request: Request;
  mark: Mark;
}

/** `path` is below the organization and begins with a slash. */
export type Request = (method: 'GET' | 'PUT' | 'POST', path: string, body?: object) => Promise<unknown>;

export type Tools = Pick<OriginApi, 'fetch' | 'signal'> & { clock: Pick<Clock, 'now'> };

export function requesterOf(given: Options, tools: Tools): Request {
  const origin: OriginApi = {
    name: 'Sentry',
    fetch: tools.fetch,
    signal: tools.signal,
    refusedKey: {
      because: 'The token is not valid.',
      remedy:
        'Correct apiToken of the source in tocsin.yaml: Sentry, Settings, Custom Integrations, the integration, Tokens.',
    },
    waitAfter(status, headers) {
      const reset = exactNumber((headers.get('x-sentry-rate-limit-reset') ?? '').trim());
      return status === 429 && reset !== null ? Math.max(1000, reset * 1000 - tools.clock.now()) : null;
    },
  };
  return (method, path, body) =>
    requestOrigin(
      `${given.url.replace(/\/+$/, '')}/api/0/organizations/${given.organization}${path}`,
      {
        method,
        headers: {
          accept: 'application/json',
          authorization: `Bearer ${given.apiToken}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      },
      origin,
    );
}

/** Null for a metric alert, which is a rule and no issue. */
function pathOf({ fingerprint }: Alert): string | null {
  const id = /^issue:(\d{1,20})$/.exec(fingerprint)?.[1];
  return id === undefined ? null : `/issues/${id}/`;
}

const issue = z.object({ status: z.string() });

/** Source: docs.sentry.io, API, update an issue. An event after it makes Sentry open it again by itself. */
async function resolve(alert: Alert, { request }: Way): Promise<string> {
  const path = pathOf(alert);
  if (path === null) return 'A metric alert of Sentry resolves by itself';
  const { status } = issue.parse(await request('GET', path));
  if (status === 'resolved') return 'The issue is resolved in Sentry already';
  // What somebody archived stays so.
  if (status !== 'unresolved') return `The issue is ${status} in Sentry, so it stays so`;
  await request('PUT', path, { status: 'resolved' });
  return 'Resolved the issue in Sentry';
}

const comments = z.array(z.object({ data: z.object({ text: z.string().nullish() }).nullish() }));

/** Idempotent: looks for the mark first, because an earlier attempt may have succeeded although its response was lost. */
async function comment(
  alert: Alert,
  note: { text: string; marker: string },
  { request, mark }: Way,
): Promise<string | null> {
  const path = pathOf(alert);
  if (path === null) return null;
  const known = comments.parse(await request('GET', `${path}comments/?per_page=${pageSize}`));
  if (known.some(({ data }) => carries(data?.text ?? '', note.marker))) return 'The comment is in Sentry already';
  try {
    await request('POST', `${path}comments/`, { text: mark.sign(asWords(note.text), note.marker, longest) });
  } catch (error) {
    // It refuses a comment that is the same as one of the last hour. Source: getsentry/sentry, group_notes.py.
    if (isCode(error, 'origin-refused') && /already posted that comment/i.test(error.message))
      return 'The comment is in Sentry already';
    throw error;
  }
  return 'Wrote a comment on the issue in Sentry';
}
