import { z } from 'zod';
import type { IncomingEvent } from '../../model/event.ts';
import { linkOf, toldTime } from '../../model/incoming.ts';
import { isWatched } from './branches.ts';
import {
  account,
  alertOf,
  type Condition,
  fingerprintOf,
  type Hook,
  id,
  noticeOf,
  orderOf,
  ownId,
  quietly,
  repository,
  stepOf,
  text,
} from './hook.ts';

/**
 * What a conclusion means for the condition that a workflow or the checks of an app fail. `none`: it says nothing about the code.
 * Source: @octokit/openapi-webhooks, workflow-run-completed and check-suite-completed.
 */
const conclusions: Readonly<Record<string, 'firing' | 'resolved' | 'none'>> = {
  failure: 'firing',
  timed_out: 'firing',
  startup_failure: 'firing',
  success: 'resolved',
  cancelled: 'none',
  skipped: 'none',
  neutral: 'none',
  stale: 'none',
  action_required: 'none',
};

function outcomeOf(conclusion: string | null | undefined): 'firing' | 'resolved' | 'none' | null {
  return conclusion && Object.hasOwn(conclusions, conclusion) ? (conclusions[conclusion] ?? null) : null;
}

const workflowRun = z.object({
  id: ownId,
  workflow_id: id,
  name: text,
  display_title: text,
  head_branch: text,
  head_sha: text,
  head_repository: repository,
  event: text,
  run_number: id,
  run_attempt: z.int().nullish().catch(null),
  conclusion: text,
  html_url: text,
  created_at: text,
  run_started_at: text,
  updated_at: text,
  triggering_actor: account,
});
const workflow = z.object({ name: text, html_url: text }).nullish().catch(null);

/** `workflow_run`: a workflow fails on a branch until a run of it that was created later succeeds there. Null for what does not fit. */
export function readWorkflowRun(hook: Hook): IncomingEvent[] | null {
  const parsed = workflowRun.safeParse(hook.body['workflow_run']);
  const about = hook.repository;
  // The name of the event is not signed, and a review of a deployment is about a run too.
  const isOther = Object.hasOwn(hook.body, 'since') || Object.hasOwn(hook.body, 'environment');
  if (!parsed.success || about === null || isOther) return null;
  const run = parsed.data;
  const flow = workflow.parse(hook.body['workflow']);
  const name = flow?.name || run.name || `workflow ${run.workflow_id ?? run.id}`;
  const branch = placeOf(run.head_branch, run.head_repository, about);
  const created = toldTime(run.created_at, hook.at);
  const ended = toldTime(run.updated_at, hook.at);
  const order = orderOf(created, run.run_attempt ?? 1);
  const told = {
    what: `${name} on ${branch?.name ?? 'no branch'} of ${about.name}`,
    conclusion: run.conclusion,
    branch,
    links: [...linkOf('Run', run.html_url), ...linkOf('Workflow', flow?.html_url)],
  };
  return eventsOf(hook, about, told, {
    key: [run.workflow_id ?? name, branch?.name ?? ''],
    title: `${name} fails on ${branch?.name} in ${about.name}`,
    severity: hook.given.severity.workflow,
    labels: {
      workflow: name,
      branch: branch?.name,
      sha: run.head_sha,
      conclusion: run.conclusion,
      trigger: run.event,
      run: run.id,
      run_number: run.run_number,
      attempt: run.run_attempt,
      started_by: run.triggering_actor?.login,
      created_at: run.created_at,
      started_at: run.run_started_at,
      updated_at: run.updated_at,
    },
    annotations: { run_title: run.display_title },
    start: order,
    order,
    happened: ended,
  });
}

const checkSuite = z.object({
  id: ownId,
  head_branch: text,
  head_sha: text,
  conclusion: text,
  created_at: text,
  updated_at: text,
  app: z.object({ id, slug: text, name: text }).nullish().catch(null),
});

/** `check_suite`: the checks of an app fail on a branch until a suite that was created later succeeds there. Null for what does not fit. */
export function readCheckSuite(hook: Hook): IncomingEvent[] | null {
  const parsed = checkSuite.safeParse(hook.body['check_suite']);
  const about = hook.repository;
  if (!parsed.success || about === null) return null;
  const suite = parsed.data;
  const app = suite.app?.name || suite.app?.slug || 'an app';
  // Null for a branch of a fork. Source: docs.github.com, REST API endpoints for check suites.
  const branch = suite.head_branch ? { name: suite.head_branch, isFork: false } : null;
  const created = toldTime(suite.created_at, hook.at);
  const ended = toldTime(suite.updated_at, hook.at);
  const order = orderOf(created, stepOf(created, ended));
  const told = {
    what: `Checks of ${app} on ${branch?.name ?? 'a fork'} of ${about.name}`,
    conclusion: suite.conclusion,
    branch,
    links: suite.head_sha && about.url ? linkOf('Checks', `${about.url}/commit/${suite.head_sha}/checks`) : [],
  };
  return eventsOf(hook, about, told, {
    key: [suite.app?.id ?? app, branch?.name ?? ''],
    title: `Checks of ${app} fail on ${branch?.name} in ${about.name}`,
    severity: hook.given.severity.checks,
    labels: {
      app,
      branch: branch?.name,
      sha: suite.head_sha,
      conclusion: suite.conclusion,
      suite: suite.id,
      created_at: suite.created_at,
      updated_at: suite.updated_at,
    },
    start: order,
    order,
    happened: ended,
  });
}

interface Told {
  what: string;
  conclusion: string | null | undefined;
  branch: Branch | null;
  links: Condition['links'];
}

function eventsOf(
  hook: Hook,
  about: NonNullable<Hook['repository']>,
  { what, conclusion, branch, links }: Told,
  condition: Omit<Condition, 'state' | 'links'>,
): IncomingEvent[] | null {
  const { action, given } = hook;
  const isBegin = action === 'requested' || action === 'in_progress' || action === 'rerequested';
  const outcome = isBegin ? 'none' : action === 'completed' ? outcomeOf(conclusion) : null;
  if (outcome === null) return null;
  const isOurs = branch !== null && !(branch.isFork && given.branches !== undefined);
  if (outcome !== 'none' && isOurs && isWatched(given, branch.name, about.defaultBranch))
    return [alertOf(hook, about, { ...condition, state: outcome, links })];
  const says = `${what}: ${(isBegin ? action : conclusion)?.replaceAll('_', ' ')}`;
  const more = { labels: condition.labels, links, at: condition.happened };
  // Without a branch nobody could tell when a failure is over.
  if (outcome !== 'none' && branch === null && given.branches === undefined) return [noticeOf(hook, says, more)];
  const thread = branch === null ? null : fingerprintOf(hook.name, about, condition.key);
  return quietly(hook, says, { ...more, about: thread });
}

interface Branch {
  name: string;
  isFork: boolean;
}

/** `main`, or `somebody/repository:main` in a fork: a pull request from a fork's own main says nothing about ours. Null without a branch. */
function placeOf(
  branch: string | null | undefined,
  head: z.infer<typeof repository>,
  about: NonNullable<Hook['repository']>,
): Branch | null {
  if (!branch) return null;
  const isOwn = head != null && (head.id ?? head.full_name) === about.id;
  return isOwn ? { name: branch, isFork: false } : { name: `${head?.full_name ?? 'a fork'}:${branch}`, isFork: true };
}
