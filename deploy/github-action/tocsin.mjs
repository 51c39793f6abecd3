// Asks Tocsin over HTTP. Exit codes: 0 allowed, 1 denied, 2 still pending when the time was over, 3 not reachable.
import { randomUUID } from 'node:crypto';
import { appendFileSync } from 'node:fs';

const env = process.env;
const input = name => (env[`INPUT_${name.toUpperCase()}`] ?? '').trim();
const token = input('token');
const url = input('url').replace(/\/+$/, '');
const end = Date.now() + Number(input('wait') || '30') * 60_000;
/** The first and the longest pause between tries while Tocsin does not answer, milliseconds. */
const pauses = { first: 500, longest: 15_000 };

const sleep = ms => new Promise(resolve => setTimeout(resolve, ms));
/** Words of others must not become commands of the runner. */
const line = text => String(text).replace(/%/g, '%25').replace(/\r/g, '%0D').replace(/\n/g, '%0A');

function output(name, value) {
  if (!env.GITHUB_OUTPUT) return;
  const mark = `end-${randomUUID()}`;
  appendFileSync(env.GITHUB_OUTPUT, `${name}<<${mark}\n${value ?? ''}\n${mark}\n`);
}

class Unreachable extends Error {}

/** Tries again while it cannot be reached or is overloaded, until the time is over. */
async function call(method, path, body) {
  for (let pause = pauses.first; ; pause = Math.min(pause * 2, pauses.longest)) {
    try {
      const answer = await fetch(url + path, {
        method,
        headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
        ...(body && { body: JSON.stringify(body) }),
        redirect: 'error',
        signal: AbortSignal.timeout(60_000),
      });
      const json = await answer.json();
      if (answer.ok) return json;
      if (answer.status < 500 && answer.status !== 429) {
        const { message, remedy } = json.error ?? {};
        return { refused: `${answer.status} ${message ?? ''} ${remedy ?? ''}`.trim() };
      }
    } catch (error) {
      if (Date.now() + pause >= end) throw new Unreachable(error.message);
    }
    if (Date.now() + pause >= end) throw new Unreachable('it is overloaded');
    await sleep(pause);
  }
}

function finish(code, { id, verdict, because, thread }) {
  for (const [name, value] of Object.entries({ id, verdict, because, thread })) output(name, value);
  console.log(`${code === 0 ? '::notice' : '::error'} title=Tocsin::${line(`${verdict}: ${because} ${thread ?? ''}`)}`);
  process.exitCode = code;
}

async function gate() {
  const names = ['environment', 'service', 'image', 'change', 'repository', 'sha', 'actor'];
  const given = names.flatMap(name => (input(name) === '' ? [] : [[name, input(name)]]));
  const run = `${env.GITHUB_SERVER_URL}/${env.GITHUB_REPOSITORY}/actions/runs/${env.GITHUB_RUN_ID}`;
  const links = env.GITHUB_RUN_ID ? { links: [{ label: 'Workflow run', url: run }] } : {};
  const asked = { gate: input('gate') || 'deploy', subject: { ...Object.fromEntries(given), ...links } };
  let answer = await call('POST', '/gates', asked);
  if (answer.verdict === 'pending') console.log(line(`Waiting for people: ${answer.thread}`));
  while (answer.verdict === 'pending' && Date.now() < end) {
    const wait = Math.min(30, Math.max(1, Math.ceil((end - Date.now()) / 1000)));
    answer = await call('GET', `/gates/${encodeURIComponent(answer.id)}?wait=${wait}s`);
  }
  if (answer.refused) return finish(1, { verdict: 'deny', because: answer.refused });
  finish(answer.verdict === 'allow' ? 0 : answer.verdict === 'pending' ? 2 : 1, answer);
}

const ended = ['succeeded', 'failed', 'ineffective', 'unconfirmed', 'cancelled', 'denied', 'expired'];

async function run() {
  const reason = `GitHub Actions, ${env.GITHUB_REPOSITORY} run ${env.GITHUB_RUN_ID}`;
  let answer = await call('POST', '/api/v1/runs', {
    runbook: input('runbook'),
    params: JSON.parse(input('params') || '{}'),
    reason,
  });
  while (!answer.refused && !ended.includes(answer.state) && Date.now() < end) {
    await sleep(1000);
    answer = await call('GET', `/api/v1/runs/${encodeURIComponent(answer.id)}`);
  }
  if (answer.refused) return finish(1, { verdict: 'denied', because: answer.refused });
  const code = answer.state === 'succeeded' ? 0 : ended.includes(answer.state) ? 1 : 2;
  finish(code, {
    id: answer.id,
    verdict: answer.state,
    because: answer.because ?? answer.state,
    thread: `${url}/run/${answer.id}`,
  });
}

console.log(`::add-mask::${token}`);
try {
  await (input('mode') === 'run' ? run() : gate());
} catch (error) {
  const open = input('fail-open') === 'true' && error instanceof Unreachable;
  if (open) console.log(`::warning title=Tocsin::${line(`not reachable, and fail-open goes on: ${error.message}`)}`);
  else console.log(`::error title=Tocsin::${line(`not reachable: ${error.message}`)}`);
  output('verdict', 'pending');
  process.exitCode = open ? 0 : 3;
}
