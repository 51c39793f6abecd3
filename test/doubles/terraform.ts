import { createHmac } from 'node:crypto';
import { z } from 'zod';
import { type Answer, type Asked, type OriginServer, startOriginServer } from './origin-server.ts';

export interface TaskDouble {
  /** In the callback address. */
  id: string;
  token: string;
  state: 'pending' | 'running' | 'passed' | 'failed' | 'errored';
  updates: { status: string; message: string; url: string }[];
}

/** Terraform Cloud as a run task knows it. Source: developer.hashicorp.com, run tasks integration API. */
export interface TerraformDouble extends OriginServer {
  /** The HMAC key of the task. */
  secret: string;
  tasks: TaskDouble[];
  /** The request of a task, which it sends again until it is answered 200. */
  request(task: TaskDouble, facts?: Record<string, unknown>): { body: string; headers: Record<string, string> };
  /** The request when somebody sets the task up. */
  test(): { body: string; headers: Record<string, string> };
}

const result = z.strictObject({
  data: z.strictObject({
    type: z.literal('task-results'),
    attributes: z.strictObject({
      status: z.enum(['running', 'passed', 'failed']),
      message: z.string(),
      url: z.url(),
    }),
  }),
});

export async function startTerraform(): Promise<TerraformDouble> {
  const double: TerraformDouble = Object.assign(await startOriginServer(asked => answerOf(asked, double)), {
    secret: 'the-hmac-key-of-the-run-task',
    tasks: [],
    request: (task: TaskDouble, facts = {}) => signed(payloadOf(task, double.url, facts), double.secret),
    test: () =>
      signed(
        payloadOf({ id: 'x', token: 'test-token', state: 'pending', updates: [] }, double.url, {
          stage: 'test',
          task_result_enforcement_level: 'test',
        }),
        double.secret,
      ),
  });
  return double;
}

function signed(payload: object, secret: string) {
  const body = JSON.stringify(payload);
  const signature = createHmac('sha512', secret).update(body).digest('hex');
  return { body, headers: { 'content-type': 'application/json', 'x-tfc-task-signature': signature } };
}

function payloadOf({ id, token }: TaskDouble, url: string, facts: object) {
  return {
    payload_version: 1,
    stage: 'post_plan',
    access_token: token,
    capabilities: { outcomes: true },
    is_speculative: false,
    organization_name: 'acme',
    run_app_url: 'https://app.terraform.io/app/acme/shop/runs/run-i3Df5to9ELvibKpQ',
    run_created_at: '2026-11-30T00:00:00.000Z',
    run_created_by: 'dana',
    run_id: 'run-i3Df5to9ELvibKpQ',
    run_message: 'Triggered via UI',
    task_result_callback_url: `${url}/api/v2/task-results/${id}/callback`,
    task_result_enforcement_level: 'mandatory',
    task_result_id: `taskrs-${id}`,
    vcs_branch: 'main',
    vcs_commit_url: 'https://github.com/acme/infra/commit/3484a3fb816e0859fd6e1cea078d76385ff50625',
    vcs_pull_request_url: null,
    vcs_repo_url: 'https://github.com/acme/infra',
    workspace_id: 'ws-ck4G5bb1Yei5szRh',
    workspace_name: 'shop',
    workspace_working_directory: '/',
    ...facts,
  };
}

function answerOf({ method, path, headers, body }: Asked, double: TerraformDouble): Answer {
  const [, id] = /^\/api\/v2\/task-results\/([A-Za-z0-9-]+)\/callback$/.exec(path) ?? [];
  const task = double.tasks.find(one => one.id === id);
  if (headers.authorization !== `Bearer ${task?.token}`) return { status: 401, body: { errors: ['unauthorized'] } };
  if (task === undefined || method !== 'PATCH') return { status: 404, body: { errors: ['not found'] } };
  if (headers['content-type'] !== 'application/vnd.api+json') return { status: 415, body: { errors: ['media type'] } };
  const parsed = result.safeParse(body);
  if (!parsed.success) return { status: 422, body: { errors: ['invalid request body'] } };
  // What is over takes no further result.
  if (task.state !== 'pending' && task.state !== 'running')
    return { status: 422, body: { errors: ['task result is already complete'] } };
  const { attributes } = parsed.data.data;
  task.state = attributes.status;
  task.updates.push(attributes);
  return { status: 200, body: {} };
}
