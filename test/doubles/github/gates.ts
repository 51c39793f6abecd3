import { z } from 'zod';
import type { Permissions, Reply } from './report.ts';

/** A run of a workflow with the environments that it waits for. */
export interface RunDouble {
  repository: string;
  id: number;
  head_sha: string;
  run_attempt: number;
  status: 'waiting' | 'in_progress' | 'completed';
  actor: string;
  /** The environments that wait, each with the rules that it waits for. */
  pending: Map<string, Set<'app' | 'reviewers'>>;
  /** What the app answered, by environment. */
  reviews: { environment: string; state: 'approved' | 'rejected'; comment: string }[];
  reports: { environment: string; comment: string }[];
}

export interface GatesDouble {
  runs: Map<string, RunDouble>;
  /** Environments, as `owner/name/environment`, that have the app as a rule. */
  rules: Set<string>;
  deliveries: { id: number; guid: string; delivered_at: string; event: string; status_code: number }[];
  redelivered: number[];
  /** So many of the next answers have their effect, and the connection breaks. */
  loseNext: number;
}

const review = z.strictObject({
  environment_name: z.string(),
  state: z.enum(['approved', 'rejected']).optional(),
  comment: z.string().max(1024),
});
/** The most status reports of a deployment. */
const mostReports = 10;

export function createGates(): GatesDouble {
  return { runs: new Map(), rules: new Set(), deliveries: [], redelivered: [], loseNext: 0 };
}

/**
 * Answers what a custom deployment protection rule asks; null for any other path. Source: docs.github.com, creating custom deployment
 * protection rules; REST API endpoints for workflow runs and deployment protection rules.
 */
export function answerGates(
  method: string,
  asked: URL,
  text: string,
  gates: GatesDouble,
  appId: string,
  may: Permissions,
): Reply | null {
  const found = /^\/api\/v3\/repos\/([^/]+\/[^/]+)\/(actions\/runs|environments)(?:\/([^/]+))?(?:\/([a-z_]+))?$/.exec(
    asked.pathname,
  );
  if (found === null) return null;
  const [, repository = '', part = '', name = '', what = ''] = found;
  const can = (permission: string, level: string) =>
    may === 'all' || may[permission] === 'write' || (level === 'read' && may[permission] === 'read');
  const refuse = (status: number, message: string): Reply => ({ status, body: { message } });
  if (!can('actions', 'read')) return refuse(403, 'Resource not accessible by integration');
  if (part === 'environments') {
    if (method !== 'GET' || what !== 'deployment_protection_rules') return refuse(404, 'Not Found');
    const ours = gates.rules.has(`${repository}/${decodeURIComponent(name)}`);
    const all = ours ? [{ id: 1, node_id: 'x', enabled: true, app: { id: Number(appId), slug: 'tocsin' } }] : [];
    return { status: 200, body: { total_count: all.length, custom_deployment_protection_rules: all } };
  }
  if (name === '' && method === 'GET') {
    const status = asked.searchParams.get('status');
    const runs = [...gates.runs.values()].filter(one => one.repository === repository && one.status === status);
    return { status: 200, body: { total_count: runs.length, workflow_runs: runs.map(runBody) } };
  }
  const run = gates.runs.get(name);
  if (run === undefined || run.repository !== repository) return refuse(404, 'Not Found');
  if (method === 'GET' && what === '') return { status: 200, body: runBody(run) };
  if (method === 'GET' && what === 'pending_deployments') return { status: 200, body: pendingBody(run) };
  if (method !== 'POST' || what !== 'deployment_protection_rule') return refuse(404, 'Not Found');
  if (!can('deployments', 'write')) return refuse(403, 'Resource not accessible by integration');
  return takeReview(text, run);
}

function takeReview(text: string, run: RunDouble): Reply {
  const refuse = (message: string): Reply => ({ status: 422, body: { message } });
  const parsed = review.safeParse(JSON.parse(text));
  if (!parsed.success) return refuse('Validation Failed');
  const { environment_name: environment, state, comment } = parsed.data;
  const waits = run.pending.get(environment);
  if (waits?.has('app') !== true) return refuse('No pending deployment requests to approve or reject');
  if (state === undefined) {
    if (run.reports.filter(one => one.environment === environment).length >= mostReports)
      return refuse('Too many status reports');
    run.reports.push({ environment, comment });
    return { status: 204, body: null };
  }
  run.reviews.push({ environment, state, comment });
  waits.delete('app');
  if (waits.size === 0 || state === 'rejected') run.pending.delete(environment);
  return { status: 204, body: null };
}

function runBody(run: RunDouble) {
  const user = { login: run.actor, id: 1, type: 'User' };
  return {
    id: run.id,
    head_sha: run.head_sha,
    run_attempt: run.run_attempt,
    status: run.status,
    conclusion: null,
    html_url: `https://github.com/${run.repository}/actions/runs/${run.id}`,
    actor: user,
    triggering_actor: user,
  };
}

function pendingBody(run: RunDouble) {
  return [...run.pending.keys()].map((name, index) => ({
    environment: { id: index + 1, node_id: 'x', name, url: '', html_url: '' },
    wait_timer: 0,
    wait_timer_started_at: null,
    current_user_can_approve: false,
    reviewers: [],
  }));
}

/** Answers what the app asks about its webhook; null for any other path. Source: docs.github.com, REST API endpoints for GitHub App webhooks. */
export function answerHook(method: string, asked: URL, gates: GatesDouble): Reply | null {
  if (asked.pathname === '/api/v3/app/hook/deliveries' && method === 'GET')
    return { status: 200, body: gates.deliveries };
  const [, id] = /^\/api\/v3\/app\/hook\/deliveries\/([0-9]+)\/attempts$/.exec(asked.pathname) ?? [];
  if (id === undefined || method !== 'POST') return null;
  if (!gates.deliveries.some(one => String(one.id) === id)) return { status: 404, body: { message: 'Not Found' } };
  gates.redelivered.push(Number(id));
  return { status: 202, body: {} };
}
