import { createHmac } from 'node:crypto';
import { z } from 'zod';
import { type Answer, type Asked, type OriginServer, startOriginServer } from './origin-server.ts';

export interface MergeRequestDouble {
  project: string;
  iid: number;
  sha: string;
  state: 'opened' | 'merged' | 'closed';
  author: string;
  /** The responses to a check, the last one counts. */
  responses: { sha: string; check: number; status: 'passed' | 'failed' | 'pending' }[];
}

/** Merge requests and their external status checks. Source: docs.gitlab.com, external status checks API, merge requests API. */
export interface GitLabChecksDouble extends OriginServer {
  token: string;
  /** The shared secret of the check. */
  secret: string;
  check: { id: number; name: string; external_url: string };
  mergeRequests: MergeRequestDouble[];
  /** The delivery that it sends for a merge request. */
  delivery(of: MergeRequestDouble, user: string): { body: string; headers: Record<string, string> };
}

const response = z.strictObject({
  sha: z.string(),
  external_status_check_id: z.int(),
  status: z.enum(['passed', 'failed', 'pending']),
});

export async function startGitLabChecks(): Promise<GitLabChecksDouble> {
  const double: GitLabChecksDouble = Object.assign(await startOriginServer(asked => answerOf(asked, double)), {
    token: 'glpat-checks',
    secret: 'the-shared-secret-of-the-check',
    check: { id: 7, name: 'Tocsin', external_url: 'https://tocsin.example/gates/doors/gitlab' },
    mergeRequests: [],
    delivery: (of: MergeRequestDouble, user: string) => deliveryOf(of, user, double),
  });
  return double;
}

function deliveryOf(of: MergeRequestDouble, user: string, { url, check, secret }: GitLabChecksDouble) {
  const body = JSON.stringify({
    object_kind: 'merge_request',
    event_type: 'merge_request',
    user: { id: 1, name: user, username: user },
    project: { id: 6, path_with_namespace: of.project, web_url: `${url}/${of.project}`, default_branch: 'main' },
    object_attributes: {
      id: 93,
      iid: of.iid,
      state: of.state,
      target_branch: 'main',
      last_commit: { id: of.sha, message: 'Update README.md' },
    },
    external_approval_rule: check,
  });
  const signature = createHmac('sha256', secret).update(body).digest('hex');
  return { body, headers: { 'content-type': 'application/json', 'x-gitlab-signature': signature } };
}

function answerOf({ method, path, headers, body }: Asked, double: GitLabChecksDouble): Answer {
  if (headers['private-token'] !== double.token) return { status: 401, body: { message: '401 Unauthorized' } };
  const found = /^\/api\/v4\/projects\/([^/]+)\/merge_requests(?:\/([0-9]+))?(?:\/([a-z_]+))?$/.exec(path);
  const project = decodeURIComponent(found?.[1] ?? '');
  const own = double.mergeRequests.filter(one => one.project === project);
  if (found === null || own.length === 0) return { status: 404, body: { message: '404 Project Not Found' } };
  const [, , iid, what] = found;
  if (iid === undefined)
    return { status: 200, body: own.filter(one => one.state === 'opened').map(one => show(one, double)) };
  const of = own.find(one => String(one.iid) === iid);
  if (of === undefined) return { status: 404, body: { message: '404 Not Found' } };
  if (what === undefined && method === 'GET') return { status: 200, body: show(of, double) };
  if (what === 'status_checks' && method === 'GET') {
    const last = of.responses.findLast(one => one.sha === of.sha);
    return { status: 200, body: [{ ...double.check, status: last?.status ?? 'pending' }] };
  }
  if (what !== 'status_check_responses' || method !== 'POST')
    return { status: 404, body: { message: '404 Not Found' } };
  const parsed = response.safeParse(body);
  if (!parsed.success) return { status: 400, body: { error: 'status does not have a valid value' } };
  const { sha, external_status_check_id: check, status } = parsed.data;
  if (check !== double.check.id) return { status: 404, body: { message: '404 Not Found' } };
  if (sha !== of.sha) return { status: 409, body: { message: `SHA does not match HEAD of source branch: ${of.sha}` } };
  of.responses.push({ sha, check, status });
  return {
    status: 201,
    body: { id: of.responses.length, merge_request: { iid: of.iid }, external_status_check: double.check },
  };
}

function show(of: MergeRequestDouble, { url }: GitLabChecksDouble) {
  return {
    id: 93,
    iid: of.iid,
    state: of.state,
    sha: of.sha,
    target_branch: 'main',
    author: { id: 2, username: of.author },
    web_url: `${url}/${of.project}/-/merge_requests/${of.iid}`,
  };
}
