import { createHmac, timingSafeEqual } from 'node:crypto';
import { isCode, notProven, TocsinError } from '../kernel/errors.ts';
import { requestOrigin } from '../kernel/origin-request.ts';
import { cutText } from '../kernel/text.ts';
import { webUrl } from '../kernel/web-url.ts';
import type { TerraformDoor } from '../model/gates/doors.ts';
import type { DoorConnection, DoorHost, DoorQuestion, Heard, Telling, ToldAnswer } from '../ports/door.ts';
import type { Delivery } from '../ports/source.ts';
import { readEvent, runTask } from './read.ts';

/** What Terraform sends when somebody sets the task up; it only wants to see 200. Source: run tasks integration API. */
const testToken = 'test-token';
/** After so long a task that was not answered is over for certain, milliseconds. */
const taskTime = 60 * 60_000;
/** The longest message, characters. */
const mostMessage = 1000;

/** Run tasks: Terraform asks before it plans or applies, and is told by its callback. */
export function openTerraform(options: TerraformDoor, host: DoorHost): DoorConnection {
  return {
    title: 'Terraform',
    gate: options.gate,
    pace: { again: options.again, mostWaits: null, poll: null, changes: false, giveUp: taskTime },
    hear: async delivery => hear(delivery, options),
    tell: telling => tell(telling, host),
    wait: telling => send(telling, 'running', host),
  };
}

function hear({ headers, body }: Delivery, options: TerraformDoor): Heard {
  if (!isProven(headers['x-tfc-task-signature'] ?? '', body, options.secret))
    throw notProven('no X-TFC-Task-Signature header that is made with a configured key');
  const task = readEvent(runTask, body);
  if (task.access_token === testToken) return { kind: 'nothing', because: 'a test of the address' };
  if (options.organizations !== undefined && !options.organizations.includes(task.organization_name))
    throw new TocsinError('bad-body', {
      message: 'The organization is not among those of the door.',
      at: 'organization_name',
    });
  const { root, id } = callbackIn(task.task_result_callback_url, options);
  const commit = /\/([0-9a-f]{40}|[0-9a-f]{64})$/.exec(URL.parse(task.vcs_commit_url ?? '')?.pathname ?? '')?.[1];
  const repository = URL.parse(task.vcs_repo_url ?? '')?.pathname.replace(/^\/+|\/+$|\.git$/g, '');
  const link = webUrl(task.run_app_url ?? '');
  const question: DoorQuestion = {
    subject: {
      ...(repository ? { repository } : {}),
      ...(commit === undefined ? {} : { sha: commit }),
      environment: `${task.organization_name}/${task.workspace_name}`,
      service: task.workspace_name,
      change: `${task.run_id}, ${task.stage}, result ${id}`,
      ...(task.run_created_by ? { actor: task.run_created_by } : {}),
      ...(link === null ? {} : { links: [{ label: 'Terraform run', url: link.href }] }),
    },
    requesters: [],
    callback: { root, result: id, run: task.run_id, stage: task.stage },
    secret: task.access_token,
  };
  return { kind: 'asks', question };
}

/** Hex HMAC-SHA512 over the raw body. Constant time. Source: run tasks integration API, securing your run task. */
function isProven(given: string, body: Buffer, secrets: readonly string[]): boolean {
  const bytes = /^[0-9a-f]{128}$/i.test(given) ? Buffer.from(given, 'hex') : null;
  let right = false;
  for (const secret of secrets)
    right = timingSafeEqual(bytes ?? Buffer.alloc(64), createHmac('sha512', secret).update(body).digest()) || right;
  return right && bytes !== null;
}

/** The parts of a callback address at an allowed place. Throws `bad-body` for any other, so that no token goes where a body says. */
function callbackIn(callback: string, { urls }: TerraformDoor): { root: string; id: string } {
  const root = urls.find(one => callback.startsWith(`${one}/api/v2/task-results/`));
  const id = /\/api\/v2\/task-results\/([A-Za-z0-9-]{1,100})\/callback$/.exec(callback)?.[1];
  if (root !== undefined && id !== undefined && callback === callbackOf(root, id)) return { root, id };
  throw new TocsinError('bad-body', {
    message: 'The callback address is not at a place that the door names.',
    at: 'task_result_callback_url',
    allowed: urls,
  });
}

function callbackOf(root: string, id: string): string {
  return `${root}/api/v2/task-results/${id}/callback`;
}

async function tell(telling: Telling, host: DoorHost): Promise<ToldAnswer> {
  const status = telling.verdict === 'allow' ? 'passed' : 'failed';
  try {
    await send(telling, status, host);
    return { ok: true, text: `Terraform: ${status}.` };
  } catch (error) {
    // After its time the task is closed, and its result is not taken.
    if (!isCode(error, 'origin-refused')) throw error;
    return { ok: false, text: `Too late for Terraform, which did not take "${status}": ${error.message}` };
  }
}

async function send(
  { gate, because, link, secret }: Telling,
  status: 'running' | 'passed' | 'failed',
  host: DoorHost,
): Promise<void> {
  const { root = '', result = '' } = gate.callback;
  if (secret === null)
    throw new TocsinError('origin-refused', { message: 'The access token of the task is not kept any more.' });
  const attributes = { status, message: cutText(because, mostMessage), url: link };
  await requestOrigin(
    callbackOf(root, result),
    {
      method: 'PATCH',
      headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/vnd.api+json' },
      body: JSON.stringify({ data: { type: 'task-results', attributes } }),
    },
    {
      name: 'Terraform',
      fetch: host.fetch,
      refusedKey: { because: 'The access token of the task is not valid any more.', remedy: 'Start the run again.' },
    },
  );
}
