import { z } from 'zod';
import type { IncomingEvent } from '../../model/event.ts';
import { linkOf } from '../../model/incoming.ts';
import { isWatched } from '../github/branches.ts';
import { orderOf, stepOf } from '../github/hook.ts';
import { changeBy, commitOf, wholeCommit } from './changes.ts';
import { alertOf, fingerprintOf, flag, type Hook, noticeOf, quietly, readTime, text } from './hook.ts';

type Outcome = 'firing' | 'resolved' | 'none';

/** What a status means for the condition that pipelines or deployments fail. Source: docs.gitlab.com, REST API, pipelines, jobs, deployments. */
const statuses: Readonly<Record<string, Outcome>> = {
  failed: 'firing',
  success: 'resolved',
  created: 'none',
  waiting_for_resource: 'none',
  waiting_for_callback: 'none',
  preparing: 'none',
  pending: 'none',
  running: 'none',
  blocked: 'none',
  manual: 'none',
  scheduled: 'none',
  skipped: 'none',
  canceling: 'none',
  canceled: 'none',
};

function outcomeOf(status: string): Outcome | null {
  return Object.hasOwn(statuses, status) ? (statuses[status] ?? null) : null;
}

const pipeline = z.object({
  id: text,
  iid: text,
  name: text,
  ref: text,
  tag: flag,
  sha: text,
  source: text,
  status: z.string().min(1),
  detailed_status: text,
  url: text,
  duration: text,
  created_at: z.unknown().optional(),
  finished_at: z.unknown().optional(),
});
type Pipeline = z.infer<typeof pipeline>;

const about = z.object({
  merge_request: z
    .object({ iid: text, title: text, source_branch: text, target_branch: text, url: text })
    .nullish()
    .catch(null),
  source_pipeline: z
    .object({ project: z.object({ id: text, path_with_namespace: text }) })
    .nullish()
    .catch(null),
  builds: z.array(z.unknown()).max(10_000).catch([]),
});
const build = z.object({ name: text, stage: text, status: text, allow_failure: flag, failure_reason: text });

/** `pipeline`: pipelines fail on a ref until one that was created later succeeds there. Null for what does not fit. */
export function readPipeline(hook: Hook): IncomingEvent[] | null {
  const parsed = pipeline.safeParse(hook.told);
  const { project } = hook;
  if (!parsed.success || project === null) return null;
  const run = parsed.data;
  const outcome = outcomeOf(run.status);
  if (outcome === null || run.ref === null) return null;
  const { merge_request, source_pipeline, builds } = about.parse(hook.body);
  const source = run.source ?? 'unknown';
  const ofRequest = merge_request?.iid ? `!${merge_request.iid}` : null;
  const where = ofRequest ?? (run.tag ? `the tag ${run.ref}` : run.ref);
  // Pipelines that another project starts are others than those of a push; so are those of another project.
  const upstream = source === 'pipeline' ? [source_pipeline?.project.id ?? ''] : [];
  const key = [run.tag ? `tag:${run.ref}` : (ofRequest ?? run.ref), source, ...upstream];
  const created = readTime(run.created_at, hook.at);
  const happened = readTime(run.finished_at, hook.at) ?? (outcome === 'none' ? created : null);
  const by = source === 'push' ? '' : ` (${source.replaceAll('_', ' ')})`;
  const labels = {
    ...labelsOfPipeline(run),
    merge_request: merge_request?.iid,
    target_branch: merge_request?.target_branch,
    upstream: source_pipeline?.project.path_with_namespace,
    failed_jobs: failedIn(builds),
  };
  const links = [...linkOf('Pipeline', run.url), ...linkOf('Merge request', merge_request?.url)];
  const says = `Pipeline on ${where} of ${project.path}${by}: ${run.status.replaceAll('_', ' ')}`;
  // Several children run on one ref, and nothing tells them apart; nor does anything end the failure of one.
  if (source === 'parent_pipeline')
    return outcome === 'firing'
      ? [noticeOf(hook, says, { labels, links, at: happened })]
      : quietly(hook, says, { labels, links, at: happened });
  const isOurs = hook.given.branches === undefined || (ofRequest === null && run.tag !== true);
  if (outcome === 'none' || !isOurs || !isWatched(hook.given, run.ref, project.defaultBranch))
    return quietly(hook, says, { labels, links, at: happened, about: fingerprintOf(hook.name, project, key) });
  return [
    alertOf(hook, project, {
      key,
      state: outcome,
      title: `Pipeline fails on ${where} of ${project.path}${by}`,
      severity: hook.given.severity.pipeline,
      labels,
      annotations: { pipeline_name: run.name, merge_request_title: hook.isConfidential ? null : merge_request?.title },
      links,
      order: orderOf(created, stepOf(created, happened)),
      happened,
    }),
  ];
}

function labelsOfPipeline(run: Pipeline) {
  return {
    ref: run.ref,
    ...(run.tag === true ? { tag: run.ref } : { branch: run.ref }),
    sha: run.sha,
    trigger: run.source,
    status: run.status,
    detailed_status: run.detailed_status,
    pipeline: run.id,
    created_at: text.parse(run.created_at),
    finished_at: text.parse(run.finished_at),
  };
}

/** The most jobs that are named. */
const mostNamed = 10;

function failedIn(builds: readonly unknown[]): string | null {
  const failed = builds.flatMap(one => {
    const found = build.safeParse(one).data;
    return found?.status === 'failed' && found.allow_failure !== true && found.name !== null ? [found.name] : [];
  });
  if (failed.length <= mostNamed) return failed.join(', ');
  return `${failed.slice(0, mostNamed).join(', ')} and ${failed.length - mostNamed} more`;
}

const deployment = z.object({
  status: z.string().min(1),
  status_changed_at: z.unknown().optional(),
  deployment_id: text,
  deployable_url: text,
  environment: z.string().trim().min(1),
  environment_tier: text,
  environment_external_url: text,
  short_sha: text,
  commit_url: text,
  commit_title: text,
  ref: text,
});

type Deployment = z.infer<typeof deployment>;

/** `deployment`: deployments to an environment fail until one succeeds. Null for what does not fit. */
export function readDeployment(hook: Hook): IncomingEvent[] | null {
  const parsed = deployment.safeParse(hook.body);
  const { project } = hook;
  if (!parsed.success || project === null) return null;
  const made = parsed.data;
  const outcome = outcomeOf(made.status);
  if (outcome === null) return null;
  const happened = readTime(made.status_changed_at, hook.at);
  const labels = {
    environment: made.environment,
    tier: made.environment_tier,
    status: made.status,
    deployment: made.deployment_id,
    sha: made.short_sha,
    ref: made.ref,
    changed_at: text.parse(made.status_changed_at),
  };
  const links = [
    ...linkOf('Job', made.deployable_url),
    ...linkOf('Commit', made.commit_url),
    ...linkOf('Environment', made.environment_external_url),
  ];
  const key = [made.environment];
  if (outcome === 'none') {
    const about = fingerprintOf(hook.name, project, key);
    const title = `Deployment to ${made.environment} of ${project.path}: ${made.status}`;
    return quietly(hook, title, { labels, links, at: happened, about });
  }
  const alert = alertOf(hook, project, {
    key,
    state: outcome,
    title: `Deployment to ${made.environment} of ${project.path} fails`,
    severity: hook.given.severity.deployment,
    labels,
    annotations: { commit: made.commit_title },
    links,
    order: happened,
    happened,
  });
  return [alert, changeOfDeployment(hook, alert, made, outcome === 'resolved')];
}

/** A deployment that ended: what was, or was to be, deployed where. */
function changeOfDeployment(hook: Hook, alert: IncomingEvent, made: Deployment, isDone: boolean): IncomingEvent {
  const place = hook.project?.path ?? '';
  const commit = wholeCommit(made.short_sha, made.commit_url);
  const what = [made.ref, made.short_sha].filter(Boolean).join(' at ') || 'something';
  return changeBy(hook, alert, {
    title: `${hook.actor ?? 'Somebody'} deployed ${what} of ${place} to ${made.environment}${isDone ? '' : ', which failed'}`,
    resource: { type: 'environment', id: `${place}:${made.environment}`, name: made.environment },
    after: commitOf(commit),
    environment: made.environment,
    outcome: isDone ? 'success' : { error: null },
    changeId: made.deployment_id === null ? null : `deployment/${made.deployment_id}`,
  });
}

const job = z.object({
  build_name: z.string().min(1),
  build_stage: text,
  build_status: z.string().min(1),
  build_id: text,
  build_finished_at: z.unknown().optional(),
  build_finished_at_iso: z.unknown().optional(),
  build_allow_failure: flag,
  build_failure_reason: text,
  pipeline_id: text,
  ref: text,
  sha: text,
});

/** `build`: a job that fails is a notice; its pipeline is the alert. Null for what does not fit. */
export function readJob(hook: Hook): IncomingEvent[] | null {
  const parsed = job.safeParse(hook.body);
  const { project } = hook;
  if (!parsed.success || project === null) return null;
  const one = parsed.data;
  const outcome = outcomeOf(one.build_status);
  if (outcome === null) return null;
  const title = `Job ${one.build_name} of ${project.path} on ${one.ref ?? 'no ref'}: ${one.build_status.replaceAll('_', ' ')}`;
  const more = {
    labels: {
      job: one.build_name,
      stage: one.build_stage,
      status: one.build_status,
      reason: outcome === 'firing' ? one.build_failure_reason : null,
      allow_failure: one.build_allow_failure,
      build: one.build_id,
      pipeline: one.pipeline_id,
      ref: one.ref,
      sha: one.sha,
    },
    links: project.url === null || one.build_id === null ? [] : linkOf('Job', `${project.url}/-/jobs/${one.build_id}`),
    at: readTime(one.build_finished_at_iso, hook.at) ?? readTime(one.build_finished_at, hook.at),
  };
  const isNews = outcome === 'firing' && one.build_allow_failure !== true;
  return isNews ? [noticeOf(hook, title, more)] : quietly(hook, title, more);
}
