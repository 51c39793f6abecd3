import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import source from '../../../src/sources/github/index.ts';
import { startTestApp, type TestApp } from '../../doubles/app.ts';
import { type GitHubDouble, startGitHub } from '../../doubles/github/index.ts';
import { about, run as workflowRun } from '../../sources/github/bodies.ts';

const [first, second] = ['a', 'b'].map(letter => letter.repeat(40)) as [string, string];
const gate = join(tmpdir(), `tocsin-report-gate-${process.pid}`);
let github: GitHubDouble;
let app: TestApp;
beforeEach(async () => {
  github = await startGitHub();
  for (const sha of [first, second]) github.statuses.set(`acme/shop/${sha}`, []);
  app = await startTestApp({
    'tocsin.yaml': `
sources:
  github: { secret: s, apiToken: ${github.token}, url: "${github.url}", report: [status] }
people: { alice: {} }
operators: [alice]
tokens: [{ env: ALICE, person: alice }]
`,
    'policy.yaml': 'rules: [{ name: all, decide: auto }]',
    'runbooks/look.yaml': `
title: Look at it
risk: none
on: [{ source: github }]
params: {}
steps: [{ id: look, exec: ["sh", "-c", "until [ -e ${gate} ]; do sleep 0.05; done"] }]
`,
  });
});
afterEach(async () => {
  await rm(gate, { force: true });
  await app.stop();
  github.close();
});

async function fails(created: string, head_sha: string): Promise<void> {
  const body = JSON.stringify({ ...about, ...workflowRun(created, created, 'failure', { head_sha }) });
  const proof = source.prove?.({ headers: {}, body: Buffer.from(body), at: 0 }, source.options.parse({ secret: 's' }));
  const headers = { 'x-github-event': 'workflow_run', 'content-type': 'application/json', ...proof };
  const answer = await fetch(`${app.app.url}/events/github`, { method: 'POST', headers, body });
  expect(answer.status).toBe(202);
}
const states = (sha: string) => github.statuses.get(`acme/shop/${sha}`)?.map(({ state }) => state);
const titlesOf = async (alert: string) =>
  (await app.app.store.posts({ platform: 'console', thread: `alert/${alert}/1`, limit: 100 })).map(
    post => post.card.title,
  );
const told = async () => (await app.journal()).flatMap(({ fact }) => (fact.kind === 'origin.told' ? [fact] : []));

test('a run stands on the commit that it was begun for, from its start to its end, and not in the thread', async () => {
  await fails('10:00', first);
  await app.until(async () => (states(first)?.length === 1 ? true : null));
  expect(states(first)).toEqual(['pending']);
  // The alert goes on, and is about another commit now.
  await fails('10:05', second);
  await app.until(async () => ((await app.app.store.alerts({}))[0]?.labels['sha'] === second ? true : null));
  await writeFile(gate, '');
  await app.until(async () => ((await told()).length === 2 ? true : null));
  expect(states(first)).toEqual(['success', 'pending']);
  expect(states(second)).toEqual([]);
  expect(await told()).toMatchObject([
    { what: 'report', ok: true, text: 'Wrote to GitHub: running (status)' },
    { what: 'report', ok: true, text: 'Wrote to GitHub: succeeded (status)' },
  ]);
  const { id = '' } = (await app.app.store.alerts({}))[0] ?? {};
  await app.call('POST', `/api/v1/alerts/${id}/acknowledge`, { body: {} });
  const titles = await app.until(async () => {
    const all = await titlesOf(id);
    return all.includes('Acknowledged by alice') ? all : null;
  });
  expect(titles.join()).not.toContain('Wrote to GitHub');
});

test('a commit that GitHub does not know is told in the thread', async () => {
  await writeFile(gate, '');
  await fails('10:00', 'c'.repeat(40));
  const [fact] = await app.until(async () => {
    const all = await told();
    return all.length > 0 ? all : null;
  });
  expect(fact).toMatchObject({ what: 'report', ok: false, text: 'GitHub answered 404: Not Found' });
  const title = 'github was not told (report): GitHub answered 404: Not Found';
  await app.until(async () => ((await titlesOf(fact?.alert ?? '')).includes(title) ? true : null));
});
