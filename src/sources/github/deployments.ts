import { z } from 'zod';
import type { IncomingEvent } from '../../model/event.ts';
import { keyPart, linkOf, toldTime } from '../../model/incoming.ts';
import { actorOf, changeBy, commitOf } from './changes.ts';
import {
  account,
  alertOf,
  branchOf,
  fingerprintOf,
  flag,
  type Hook,
  id,
  noticeOf,
  orderOf,
  ownId,
  quietly,
  stepOf,
  text,
} from './hook.ts';

/** What a state means for the condition that deployments to an environment fail. Source: REST API, deployment statuses; @octokit/openapi-webhooks. */
const states: Readonly<Record<string, 'firing' | 'resolved' | 'none'>> = {
  failure: 'firing',
  error: 'firing',
  success: 'resolved',
  pending: 'none',
  queued: 'none',
  waiting: 'none',
  in_progress: 'none',
  // An older deployment becomes inactive when a newer one succeeds.
  inactive: 'none',
};

const deployment = z.object({
  id: ownId,
  sha: text,
  ref: text,
  task: text,
  environment: text,
  description: text,
  production_environment: flag,
  transient_environment: flag,
  created_at: text,
  creator: account,
});
type Deployment = z.infer<typeof deployment>;

const status = z.object({
  id,
  state: z.string().min(1),
  description: text,
  environment: text,
  target_url: text,
  log_url: text,
  environment_url: text,
  created_at: text,
});

const workflowRun = z.object({ id, head_branch: text, html_url: text }).nullish().catch(null);

/** `deployment_status`: deployments to an environment fail until one that was created later succeeds. Null for what does not fit. */
export function readDeploymentStatus(hook: Hook): IncomingEvent[] | null {
  const parsed = z.object({ deployment, deployment_status: status }).safeParse(hook.body);
  const about = hook.repository;
  if (!parsed.success || about === null) return null;
  const { deployment: made, deployment_status: now } = parsed.data;
  const outcome = Object.hasOwn(states, now.state) ? states[now.state] : undefined;
  if (outcome === undefined) return null;
  const environment = now.environment || made.environment || 'no environment';
  const created = toldTime(made.created_at, hook.at);
  const happened = toldTime(now.created_at, hook.at);
  const order = orderOf(created, stepOf(created, happened));
  const labels = { ...labelsOfDeployment(hook, made), environment, state: now.state, updated_at: now.created_at };
  const links = [
    ...linksOf(hook),
    ...linkOf('Log', now.log_url || now.target_url),
    ...linkOf('Environment', now.environment_url),
  ];
  // Another task than to deploy, such as a migration, is another thing that fails or succeeds.
  const isDeploy = !made.task || made.task === 'deploy';
  const place = keyPart(environment);
  const key = [place, ...(isDeploy ? [] : [made.task ?? ''])];
  if (outcome === 'none') {
    const title = `Deployment to ${environment} of ${about.name}: ${now.state.replaceAll('_', ' ')}`;
    return quietly(hook, title, { labels, links, at: happened, about: fingerprintOf(hook.name, about, key) });
  }
  const alert = alertOf(hook, about, {
    key,
    state: outcome,
    title: `Deployment to ${environment} of ${about.name} fails${isDeploy ? '' : ` (${made.task})`}`,
    severity: hook.given.severity.deployment,
    labels,
    annotations: { description: now.description, deployment_description: made.description },
    links,
    start: order,
    order,
    happened,
  });
  return [
    alert,
    changeOfDeployment(hook, alert, made, { environment, isDone: outcome === 'resolved', because: now.description }),
  ];
}

/** A deployment that ended: what was, or was to be, deployed where. The next status of it is told with the same id. */
function changeOfDeployment(
  hook: Hook,
  alert: IncomingEvent,
  made: Deployment,
  { environment, isDone, because }: { environment: string; isDone: boolean; because: string | null | undefined },
): IncomingEvent {
  const place = hook.repository?.name ?? '';
  const actor = actorOf(made.creator) ?? actorOf(hook.sender);
  const what = [made.ref, made.sha?.slice(0, 7)].filter(Boolean).join(' at ') || 'something';
  return changeBy(hook, alert, {
    title: `${actor?.name ?? 'Somebody'} deployed ${what} of ${place} to ${environment}${isDone ? '' : ', which failed'}`,
    action: made.task || 'deploy',
    actor,
    resource: { type: 'environment', id: `${place}:${environment}`, name: environment },
    after: commitOf(made.sha),
    environment,
    outcome: isDone ? 'success' : { error: because },
    changeId: `deployment/${made.id}`,
  });
}

/** `deployment`: somebody deploys something. Null for what does not fit. */
export function readDeployment(hook: Hook): IncomingEvent[] | null {
  const parsed = deployment.safeParse(hook.body['deployment']);
  const about = hook.repository;
  // Releases of GitHub Enterprise Server before 3.6 name no action. Source: @octokit/webhooks-examples.
  // The name of the event is not signed, and bodies of others have a deployment too.
  const isOther = ['deployment_callback_url', 'deployment_status'].some(name => Object.hasOwn(hook.body, name));
  const isMade = (hook.action ?? 'created') === 'created' && !isOther;
  if (!parsed.success || about === null || !isMade) return null;
  const made = parsed.data;
  const who = made.creator?.login ?? hook.actor ?? 'somebody';
  const what = [made.ref, made.sha?.slice(0, 7)].filter(Boolean).join(' at ');
  const title = `${who} deploys ${what || 'something'} of ${about.name} to ${made.environment || 'no environment'}`;
  const labels = { ...labelsOfDeployment(hook, made), environment: made.environment };
  return [noticeOf(hook, title, { labels, links: linksOf(hook), at: toldTime(made.created_at, hook.at) })];
}

function labelsOfDeployment({ body }: Hook, made: Deployment) {
  const run = workflowRun.parse(body['workflow_run']);
  return {
    deployment: made.id,
    sha: made.sha,
    ref: made.ref,
    branch: run?.head_branch ?? branchOf(made.ref) ?? (made.ref === made.sha ? null : made.ref),
    task: made.task,
    production: made.production_environment,
    transient: made.transient_environment,
    created_by: made.creator?.login,
    run: run?.id,
    created_at: made.created_at,
  };
}

function linksOf({ body }: Hook) {
  return linkOf('Run', workflowRun.parse(body['workflow_run'])?.html_url);
}
