import { z } from 'zod';
import { isCode, notProven, TocsinError } from '../kernel/errors.ts';
import { requestOrigin } from '../kernel/origin-request.ts';
import { checkHmac } from '../kernel/signature.ts';
import type { GitLabDoor } from '../model/gates/doors.ts';
import type { DoorConnection, DoorHost, DoorQuestion, Heard, Telling, ToldAnswer } from '../ports/door.ts';
import type { Delivery } from '../ports/source.ts';
import { readEvent, statusCheckEvent } from './read.ts';

const mergeRequest = z.object({
  iid: z.int(),
  state: z.string(),
  sha: z.string().regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/),
  target_branch: z.string(),
  web_url: z.url({ protocol: /^https?$/ }),
  author: z.object({ username: z.string() }),
});
type MergeRequest = z.infer<typeof mergeRequest>;

const checks = z.array(z.object({ id: z.int(), name: z.string(), external_url: z.string(), status: z.string() }));

/** The path that status checks of this door have, wherever it is served. */
const ownPath = /\/gates\/doors\/gitlab\/?$/;

type Request = (method: 'GET' | 'POST', path: string, body?: object) => Promise<unknown>;

/** External status checks of merge requests: GitLab sends, and is told `pending` until there is an answer. */
export function openGitLab(options: GitLabDoor, host: DoorHost): DoorConnection {
  const request = requesterOf(options, host);
  return {
    title: 'GitLab',
    gate: options.gate,
    pace: { again: options.again, mostWaits: null, poll: options.again, changes: true, giveUp: 48 * 3_600_000 },
    hear: delivery => hear(delivery, options, request),
    tell: telling => tell(telling, request),
    wait: telling => respond(telling, 'pending', request),
    missed: () => findMissed(options, request),
  };
}

function requesterOf({ url, apiToken }: GitLabDoor, host: DoorHost): Request {
  return (method, path, body) =>
    requestOrigin(
      `${url}/api/v4/projects/${path}`,
      {
        method,
        headers: { 'private-token': apiToken, ...(body && { 'content-type': 'application/json' }) },
        ...(body && { body: JSON.stringify(body) }),
      },
      {
        name: 'GitLab',
        fetch: host.fetch,
        refusedKey: {
          because: 'The token is not valid.',
          remedy: 'Correct apiToken of the door in gates.yaml: the project, Settings, Access tokens.',
        },
      },
    );
}

async function hear({ headers, body }: Delivery, options: GitLabDoor, request: Request): Promise<Heard> {
  // The header and what it covers: gitlab-org/gitlab, ExternalStatusChecks::DispatchService.
  const signatures = [headers['x-gitlab-signature'] ?? ''];
  if (!checkHmac({ secrets: options.secret, parts: [body], signatures, encoding: 'hex' }))
    throw notProven('no X-Gitlab-Signature header that is made with a configured secret');
  const event = readEvent(statusCheckEvent, body);
  const { project, object_attributes: about, external_approval_rule: check } = event;
  if (event.object_kind !== 'merge_request') return { kind: 'nothing', because: `${event.object_kind} asks nothing` };
  const path = project.path_with_namespace;
  if (!isTaken(options, path))
    throw new TocsinError('bad-body', { message: 'The project is not among those of the door.', at: 'project' });
  if (project.web_url !== `${options.url}/${path}`)
    throw new TocsinError('bad-body', {
      message: 'The project is of another GitLab than the door names.',
      at: 'project.web_url',
      allowed: options.url,
    });
  const truth = await readMergeRequest(path, about.iid, request);
  if (truth.state !== 'opened') return { kind: 'nothing', because: `the merge request is ${truth.state}` };
  const requesters = event.user === undefined ? [] : [event.user.username];
  return { kind: 'asks', question: questionOf(path, truth, String(check.id), requesters) };
}

function isTaken({ projects }: GitLabDoor, path: string): boolean {
  const wanted = path.toLowerCase();
  return projects === undefined || projects.some(one => wanted === one || wanted.startsWith(`${one}/`));
}

async function readMergeRequest(project: string, iid: number | string, request: Request): Promise<MergeRequest> {
  return mergeRequest.parse(await request('GET', `${encodeURIComponent(project)}/merge_requests/${iid}`));
}

function questionOf(project: string, of: MergeRequest, check: string, requesters: readonly string[]): DoorQuestion {
  return {
    subject: {
      repository: project,
      sha: of.sha,
      environment: of.target_branch,
      service: project.split('/').at(-1) ?? project,
      change: `merge request !${of.iid}, check ${check}`,
      actor: of.author.username,
      links: [{ label: 'Merge request', url: of.web_url }],
    },
    requesters,
    callback: { project, mergeRequest: String(of.iid), check, sha: of.sha },
    secret: null,
  };
}

async function tell(telling: Telling, request: Request): Promise<ToldAnswer> {
  const { project = '', mergeRequest: iid = '', sha = '' } = telling.gate.callback;
  const truth = await readMergeRequest(project, iid, request);
  if (truth.sha !== sha) return { ok: false, text: 'Not answered: the merge request has another commit by now.' };
  if (truth.state !== 'opened') return { ok: false, text: `Too late for GitLab: the merge request is ${truth.state}.` };
  const status = telling.verdict === 'allow' ? 'passed' : 'failed';
  await respond(telling, status, request);
  return { ok: true, text: `GitLab: ${status}.` };
}

/** Source: docs.gitlab.com, external status checks API. GitLab takes the commit at the head of the source branch only. */
async function respond({ gate }: Telling, status: 'passed' | 'failed' | 'pending', request: Request): Promise<void> {
  const { project = '', mergeRequest: iid = '', check = '', sha = '' } = gate.callback;
  const path = `${encodeURIComponent(project)}/merge_requests/${iid}/status_check_responses`;
  await request('POST', path, { sha, external_status_check_id: Number(check), status });
}

/** The open merge requests of the named projects that wait for a check of this door. */
async function findMissed(options: GitLabDoor, request: Request): Promise<DoorQuestion[]> {
  const found: DoorQuestion[] = [];
  for (const project of options.projects ?? []) {
    const listed = await request(
      'GET',
      `${encodeURIComponent(project)}/merge_requests?state=opened&per_page=100`,
    ).catch(error => {
      // A group, which is no project of its own.
      if (isCode(error, 'origin-refused')) return [];
      throw error;
    });
    for (const one of z.array(mergeRequest).parse(listed)) {
      const path = `${encodeURIComponent(project)}/merge_requests/${one.iid}/status_checks`;
      for (const check of checks.parse(await request('GET', path)))
        if (check.status === 'pending' && ownPath.test(URL.parse(check.external_url)?.pathname ?? ''))
          found.push(questionOf(project, one, String(check.id), []));
    }
  }
  return found;
}
