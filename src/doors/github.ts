import { isCode, notProven, TocsinError } from '../kernel/errors.ts';
import type { Place } from '../kernel/github-app.ts';
import { checkHmac } from '../kernel/signature.ts';
import { cutText } from '../kernel/text.ts';
import type { GitHubDoor } from '../model/gates/doors.ts';
import type { DoorConnection, DoorHost, DoorQuestion, Heard, Telling, ToldAnswer } from '../ports/door.ts';
import type { Delivery } from '../ports/source.ts';
import { createGitHubApi, type GitHubApi, type WorkflowRun } from './github-api.ts';
import { findMissed } from './github-missed.ts';
import { readEvent, ruleEvent } from './read.ts';

/** The longest comment, characters, and the most status reports of a deployment. Source: docs.github.com, custom deployment protection rules. */
const limits = { comment: 1024, reports: 10 };

/** How often a deployment that is not listed as waiting yet is looked for, and how long apart, milliseconds. */
const looks = { times: 3, apart: 500 };

/** Custom deployment protection rules: GitHub asks by webhook, and is answered as the app. */
export function openGitHub(options: GitHubDoor, host: DoorHost): DoorConnection {
  const api = createGitHubApi(options, host);
  return {
    title: 'GitHub',
    gate: options.gate,
    pace: { again: null, mostWaits: limits.reports, poll: options.poll, changes: false, giveUp: 48 * 3_600_000 },
    hear: delivery => hear(delivery, options, api, host),
    tell: telling => tell(telling, api),
    async wait(telling) {
      const { place, run, environment } = contextOf(telling);
      await api.review(place, run, { environment_name: environment, comment: commentOf(telling) });
    },
    missed: () => findMissed(options, api, host, questionOf),
  };
}

async function hear(delivery: Delivery, options: GitHubDoor, api: GitHubApi, host: DoorHost): Promise<Heard> {
  checkProof(delivery, options);
  const kind = delivery.headers['x-github-event'] ?? '';
  if (kind !== 'deployment_protection_rule') return { kind: 'nothing', because: `${kind || 'no event'} asks nothing` };
  const event = readEvent(ruleEvent, delivery.body);
  if (event.action !== 'requested') return { kind: 'nothing', because: `${event.action} asks nothing` };
  const [owner = '', name = ''] = event.repository.full_name.split('/');
  const place = { owner, name };
  if (!isTaken(options, place))
    throw new TocsinError('bad-body', { message: 'The repository is not among those of the door.', at: 'repository' });
  const run = runIn(event.deployment_callback_url, place, options);
  for (let look = 1; ; look++) {
    const truth = await api.run(place, run);
    if (await api.isPending(place, run, event.environment)) {
      const requesters = [event.sender?.login, event.deployment?.creator?.login].filter(one => one !== undefined);
      return { kind: 'asks', question: questionOf(place, truth, event.environment, requesters) };
    }
    if (look === looks.times || truth.status === 'completed') break;
    await host.clock.sleep(looks.apart);
  }
  return { kind: 'nothing', because: 'the run does not wait for this environment' };
}

/** `sha256=<hex>` over the raw body. Source: docs.github.com, validating webhook deliveries. */
function checkProof({ headers, body }: Delivery, { secret }: GitHubDoor): void {
  const given = headers['x-hub-signature-256'] ?? '';
  if (!given.startsWith('sha256=')) throw notProven('no X-Hub-Signature-256 header with sha256=');
  const signatures = [given.slice('sha256='.length)];
  if (!checkHmac({ secrets: secret, parts: [body], signatures, encoding: 'hex' }))
    throw notProven('the signature is not made with a configured secret');
}

function isTaken({ repositories }: GitHubDoor, { owner, name }: Place): boolean {
  const who = owner.toLowerCase();
  return (
    repositories === undefined || repositories.includes(who) || repositories.includes(`${who}/${name.toLowerCase()}`)
  );
}

/**
 * The run of the callback address. The address itself is used for nothing: it is compared with the one that we make, so that no token goes
 * where a body says. Throws `bad-body` for any other.
 */
function runIn(callback: string, { owner, name }: Place, { url }: GitHubDoor): string {
  const run = /\/actions\/runs\/([1-9][0-9]{0,17})\/deployment_protection_rule$/.exec(callback)?.[1] ?? '';
  const expected = `${url}/repos/${owner}/${name}/actions/runs/${run}/deployment_protection_rule`;
  if (run !== '' && callback === expected) return run;
  throw new TocsinError('bad-body', {
    message: 'The callback address is not one of the API that the door names.',
    at: 'deployment_callback_url',
    allowed: `${url}/repos/…/deployment_protection_rule`,
  });
}

/** A rerun has another attempt, so it is another question. */
function questionOf(
  { owner, name }: Place,
  run: WorkflowRun,
  environment: string,
  requesters: readonly string[] = [],
): DoorQuestion {
  const repository = `${owner}/${name}`.toLowerCase();
  const attempt = String(run.run_attempt);
  const actor = run.triggering_actor?.login ?? run.actor?.login ?? requesters[0];
  return {
    subject: {
      repository,
      sha: run.head_sha,
      environment,
      service: name.toLowerCase(),
      change: `workflow run ${run.id}, attempt ${attempt}`,
      ...(actor === undefined ? {} : { actor }),
      links: [{ label: 'Workflow run', url: run.html_url }],
    },
    requesters: [run.actor?.login, ...requesters].filter(one => one !== undefined),
    callback: { repository: `${owner}/${name}`, run: String(run.id), attempt, environment, sha: run.head_sha },
    secret: null,
  };
}

function contextOf({ gate: { callback } }: Telling) {
  const { repository = '', run = '', attempt = '', environment = '', sha = '' } = callback;
  const [owner = '', name = ''] = repository.split('/');
  return { place: { owner, name }, run, attempt, environment, sha };
}

async function tell(telling: Telling, api: GitHubApi): Promise<ToldAnswer> {
  const { place, run, attempt, environment, sha } = contextOf(telling);
  const truth = await api.run(place, run);
  if (truth.head_sha !== sha || String(truth.run_attempt) !== attempt)
    return { ok: false, text: 'Not answered: the run is another attempt, or of another commit, by now.' };
  if (!(await api.isPending(place, run, environment))) return over;
  const state = telling.verdict === 'allow' ? 'approved' : 'rejected';
  try {
    await api.review(place, run, { environment_name: environment, state, comment: commentOf(telling) });
  } catch (error) {
    // It was answered between the look and the answer.
    if (isCode(error, 'origin-refused') && !(await api.isPending(place, run, environment))) return over;
    throw error;
  }
  return { ok: true, text: `GitHub: ${state}.` };
}

const over: ToldAnswer = {
  ok: false,
  text: 'GitHub does not wait for it any more: it was answered, bypassed or cancelled there.',
};

function commentOf({ because, link }: Telling): string {
  const end = `\n\n${link}`;
  return cutText(because, limits.comment - end.length) + end;
}
