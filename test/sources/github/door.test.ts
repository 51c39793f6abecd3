import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sha256 } from '../../../src/kernel/canonical.ts';
import { basicConfig, startTestApp, type TestApp } from '../../doubles/app.ts';
import { type GitHubDouble, startGitHub } from '../../doubles/github/index.ts';
import { about, run } from './bodies.ts';

/** GitHub at the real door, with the real store behind it. */
let place: TestApp;
let github: GitHubDouble;
const written = 'd'.repeat(40);
beforeAll(async () => {
  github = await startGitHub();
  for (const sha of [written, 'a'.repeat(40)]) github.commits.set(`acme/shop/${sha}`, []);
  const back = `comment: true, apiToken: ${github.token}, url: "${github.url}"`;
  const source = `github: { secret: s3cret, repositories: [acme], ${back} }`;
  const look = {
    title: 'Look',
    risk: 'none',
    on: [{ source: 'github' }],
    steps: [{ id: 'a', exec: ['true'], idempotent: true }],
  };
  place = await startTestApp({
    'tocsin.yaml': basicConfig.replace(/sources:\n.*\n/, `sources:\n  ${source}\n`),
    'policy.yaml': 'rules: [{ name: all, decide: auto }]\n',
    'runbooks/look.yaml': JSON.stringify(look),
  });
});
afterAll(async () => {
  await place.stop();
  github.close();
});

interface Answer {
  accepted?: { event: string; alert: string | null; duplicate: boolean }[];
  error?: object;
}

async function send(event: string, body: object, guid = 'a-guid') {
  const text = JSON.stringify({ ...about, ...body });
  const signature = createHmac('sha256', 's3cret').update(text).digest('hex');
  const answer = await fetch(`${place.app.url}/events/github`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-github-event': event,
      'x-github-delivery': guid,
      'x-hub-signature-256': `sha256=${signature}`,
    },
    body: text,
  });
  const { accepted = [], error }: Answer = JSON.parse(await answer.text());
  return { status: answer.status, accepted, first: accepted[0]?.alert ?? '', error, text };
}

const flow = (workflow_id: number, created: string, ended: string, conclusion: string) =>
  run(created, ended, conclusion, { workflow_id });
const runsOf = async (alert: string) => (await place.runs()).filter(one => one.alert === alert);
const toldAbout = async (alert: string) =>
  (await place.journal()).flatMap(({ fact }) => (fact.kind === 'origin.told' && fact.alert === alert ? [fact] : []));
const stateOf = async (alert: string) => (await place.app.store.alert(alert))?.state;

test('a failure starts a runbook once, also when its delivery is replayed under another id', async () => {
  const first = await send('workflow_run', flow(1, '10:00', '10:05', 'failure'), 'one');
  expect(first.status).toBe(202);
  const { first: alert } = first;
  await place.until(async () => (await runsOf(alert)).length > 0);
  const replayed = await send('workflow_run', flow(1, '10:00', '10:05', 'failure'), 'another');
  expect(replayed.accepted).toEqual([{ ...first.accepted[0], duplicate: true }]);
  const older = await send('workflow_run', flow(1, '09:00', '11:00', 'success'));
  expect([older.first, await stateOf(alert)]).toEqual([alert, 'firing']);
  await send('workflow_run', flow(1, '10:10', '10:15', 'success'));
  expect(await stateOf(alert)).toBe('resolved');
  expect(await runsOf(alert)).toHaveLength(1);
});

test('a failure of a run that began before the success of an older one ended opens its thread and starts a runbook', async () => {
  const { first: alert } = await send('workflow_run', flow(2, '10:00', '10:30', 'success'));
  expect(await stateOf(alert)).toBe('resolved');
  await send('workflow_run', flow(2, '10:10', '10:40', 'failure'));
  expect(await stateOf(alert)).toBe('firing');
  await place.until(async () => (await runsOf(alert)).length === 1);
  await place.until(async () =>
    (await place.app.store.posts({ platform: 'console' })).some(post => post.key.startsWith(`alert/${alert}/`)),
  );
});

test('what says nothing is answered and leaves nothing', async () => {
  const heard = async () => (await place.journal()).filter(({ fact }) => fact.kind === 'event.accepted').length;
  const before = await heard();
  const { status, accepted, text } = await send('workflow_run', {
    ...flow(3, '10:00', '10:00', ''),
    action: 'requested',
  });
  expect([status, accepted]).toEqual([202, []]);
  expect(await heard()).toBe(before);
  expect(await place.app.store.blob(sha256(Buffer.from(text)))).toBeNull();
});

test('the outcome of a run is a comment on the commit, once, and no news when it comes back', async () => {
  const failed = run('10:00', '10:05', 'failure', { workflow_id: 5, head_sha: written });
  const { first: alert } = await send('workflow_run', failed);
  const told = await place.until(async () => (await toldAbout(alert))[0]);
  expect(told).toMatchObject({ source: 'github', what: 'note' });
  const [comment, ...more] = github.commits.get(`acme/shop/${written}`) ?? [];
  expect(comment).toMatch(/^~~~text\nTocsin: .*Look[\s\S]*<!-- tocsin note\/run_[a-z0-9]+\/\d+ -->$/);
  expect(more).toEqual([]);
  const back = await send('commit_comment', { action: 'created', comment: { body: comment, commit_id: written } });
  expect([back.status, back.accepted]).toEqual([202, []]);
});

test('a repository that is not taken is refused, and the operators are told', async () => {
  const other = { repository: { id: 8, full_name: 'evil/shop' } };
  const { status, error } = await send('workflow_run', { ...flow(4, '10:00', '10:05', 'failure'), ...other });
  expect(status).toBe(422);
  expect(error).toMatchObject({ code: 'bad-body', at: 'repository.full_name' });
  expect(JSON.stringify(error)).not.toContain('evil');
  const refused = await place.until(async () =>
    (await place.journal()).find(({ fact }) => fact.kind === 'source.refused'),
  );
  expect(refused.fact).toMatchObject({ source: 'github', code: 'bad-body', at: 'repository.full_name' });
});
