import { z } from 'zod';
import { type Answer, type Asked, type OriginServer, startOriginServer } from './origin-server.ts';

export interface SentryIssue {
  status: 'resolved' | 'unresolved' | 'ignored';
  /** Newest first. */
  comments: string[];
}

/** Issues and their comments of Sentry's API. Source: docs.sentry.io, API, issues; getsentry/sentry, group_notes.py and update of an issue. */
export interface SentryDouble extends OriginServer {
  token: string;
  organization: string;
  issues: Map<string, SentryIssue>;
}

const status = z.strictObject({ status: z.enum(['resolved', 'unresolved']) });
const comment = z.strictObject({ text: z.string().min(1) });

export async function startSentryDouble(): Promise<SentryDouble> {
  const double: SentryDouble = Object.assign(await startOriginServer(asked => answerOf(asked, double)), {
    token: 'sentry token',
    organization: 'acme',
    issues: new Map(),
  });
  return double;
}

function answerOf({ method, path, query, headers, body }: Asked, double: SentryDouble): Answer {
  if (headers.authorization !== `Bearer ${double.token}`) return { status: 401, body: { detail: 'Invalid token' } };
  const root = `/api/0/organizations/${double.organization}/issues/`;
  if (path === root && method === 'GET') return { status: 200, body: [] };
  const [, id = '', rest] = /^(\d+)\/(comments\/)?$/.exec(path.slice(root.length)) ?? [];
  const issue = double.issues.get(id);
  if (!path.startsWith(root) || issue === undefined)
    return { status: 404, body: { detail: 'The requested resource does not exist' } };
  if (rest === undefined) {
    if (method === 'PUT') issue.status = status.parse(body).status;
    else if (method !== 'GET') return { status: 405, body: { detail: 'Method not allowed' } };
    return { status: 200, body: { id, status: issue.status } };
  }
  if (method === 'GET')
    return {
      status: 200,
      body: issue.comments
        .slice(0, Number(query.get('per_page') ?? 20))
        .map(text => ({ type: 'note', data: { text } })),
    };
  const { text } = comment.parse(body);
  if (issue.comments.includes(text)) return { status: 400, body: { detail: 'You have already posted that comment.' } };
  issue.comments.unshift(text);
  return { status: 201, body: { type: 'note', data: { text } } };
}
