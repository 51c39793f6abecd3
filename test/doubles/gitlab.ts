import { z } from 'zod';
import { type Answer, type Asked, type OriginServer, startOriginServer } from './origin-server.ts';

/**
 * The comments on commits of GitLab's REST API. A line of a comment that begins with a slash is carried out, as GitLab does it. Source:
 * docs.gitlab.com, commits API and quick actions; gitlab-org/gitlab issue 505099.
 */
export interface GitLabDouble extends OriginServer {
  token: string;
  /** By `path of project/sha`; a commit that is not here does not exist. */
  commits: Map<string, string[]>;
  /** The quick actions that comments had. */
  carriedOut: string[];
}

const comment = z.strictObject({ note: z.string().min(1).max(1_000_000) });

export async function startGitLabDouble(): Promise<GitLabDouble> {
  const double: GitLabDouble = Object.assign(await startOriginServer(asked => answerOf(asked, double)), {
    token: 'glpat-double',
    commits: new Map(),
    carriedOut: [],
  });
  return double;
}

function answerOf({ method, path, query, headers, body }: Asked, double: GitLabDouble): Answer {
  if (headers['private-token'] !== double.token) return { status: 401, body: { message: '401 Unauthorized' } };
  if (path === '/api/v4/user' && method === 'GET') return { status: 200, body: { username: 'project_1_bot' } };
  const [, project = '', sha] =
    /^\/api\/v4\/projects\/([^/]+)\/repository\/commits\/([0-9a-f]+)\/comments$/.exec(path) ?? [];
  const notes = double.commits.get(`${decodeURIComponent(project)}/${sha}`);
  if (notes === undefined) return { status: 404, body: { message: '404 Commit Not Found' } };
  if (method === 'GET') {
    const size = Math.min(100, Number(query.get('per_page') ?? 20));
    const from = (Number(query.get('page') ?? 1) - 1) * size;
    return { status: 200, body: notes.slice(from, from + size).map(note => ({ note })) };
  }
  const parsed = comment.safeParse(body);
  if (method !== 'POST' || !parsed.success) return { status: 400, body: { error: 'note is missing' } };
  double.carriedOut.push(...parsed.data.note.split('\n').filter(line => line.startsWith('/')));
  notes.push(parsed.data.note);
  return { status: 201, body: { note: parsed.data.note } };
}
