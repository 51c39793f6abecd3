import { createHmac } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import type { Run } from '../../../src/model/run.ts';
import { basicConfig, startTestApp, type TestApp } from '../../doubles/app.ts';
import { payload } from '../../sources/helpers.ts';
import { auto } from '../files.ts';

const config = basicConfig.replace(
  'sources:\n',
  'sources:\n  aws: { type: eventbridge, apiKey: { name: X-Api-Key, value: aws-secret } }\n',
);
const step = 'steps: [{ id: hello, exec: ["true"] }]\n';
const runbook = (trigger: string, more = '') => `title: A\nrisk: low\non: [{ source: aws${trigger} }]\n${more}${step}`;

let test: TestApp;
afterEach(() => test.stop());

const call = JSON.parse(payload('aws-eventbridge/cloudtrail-api-call.json').toString());

/** Delivers a call that CloudTrail recorded; the ids of its events. */
async function deliver(id: string, detail: object = {}): Promise<string[]> {
  const body = { ...call, id, detail: { ...call.detail, eventID: `trail-${id}`, ...detail } };
  const answer = await test.call('POST', '/events/aws', { as: null, headers: { 'x-api-key': 'aws-secret' }, body });
  expect(answer.status).toBe(202);
  expect(answer.body.accepted.every((one: { alert: string | null }) => one.alert === null)).toBe(true);
  return answer.body.accepted.map((one: { event: string }) => one.event);
}

/** The only run of an event, which is of this runbook. */
async function startedBy(event: string, runbook: string): Promise<Run> {
  const [run, ...more] = await test.until(async () => {
    const found = (await test.runs()).filter(one => one.event === event);
    return found.length > 0 ? found : null;
  });
  expect(more).toEqual([]);
  expect(run?.runbook).toBe(runbook);
  return run as Run;
}

async function journalInConsole(): Promise<string> {
  const { url } = test.app;
  const signedIn = await fetch(`${url}/login`, {
    method: 'POST',
    body: new URLSearchParams({ token: 'token-of-alice', to: '/' }),
    headers: { origin: url, 'sec-fetch-site': 'same-origin' },
    redirect: 'manual',
  });
  const cookie = signedIn.headers.get('set-cookie')?.split(';')[0] ?? '';
  return await (await fetch(`${url}/journal`, { headers: { cookie } })).text();
}

describe('a change', () => {
  it('starts what asks for changes, and nothing else; people are told once, and the rest shows what it was', async () => {
    test = await startTestApp({
      'tocsin.yaml': config,
      'policy.yaml': `rules:
  - { name: not to production, when: 'event.change.after.facts.groupId == "sg-prod"', decide: deny }
  - { name: ours, when: 'event.change.actor.type == "AssumedRole"', decide: auto }
`,
      'runbooks/all.yaml': runbook(''),
      'runbooks/alerts.yaml': runbook(', kind: alert'),
      'runbooks/notes.yaml': runbook(', kind: notice'),
      'runbooks/done.yaml': runbook(
        ', kind: change, where: event.change.outcome == "success" && event.change.account == "123456789012"',
        'params: { group: { type: string, from: event.change.resource.id }, by: { type: string, from: event.change.actor.name } }\n',
      ),
      'runbooks/refused.yaml': runbook(', kind: change, where: event.change.error.startsWith("Client.")'),
    });
    const [notice = '', change = ''] = await deliver('one');
    const run = await startedBy(change, 'done');
    expect((await startedBy(notice, 'notes')).params).toEqual({});
    const { body } = await test.call('GET', `/api/v1/explain/${change}`);
    const applies = (id: string) => body.runbooks.find((one: { runbook: string }) => one.runbook === id);
    expect(run).toMatchObject({
      alert: null,
      params: { group: 'sg-0a1b2c3d4e5f67890', by: 'deploy-bot' },
      decision: { verdict: 'auto', rule: 'ours' },
    });
    await test.ended(run.id);
    expect(body.title).toContain('AuthorizeSecurityGroupIngress');
    expect(applies('done')).toMatchObject({ holds: true, decision: { verdict: 'auto', rule: 'ours' } });
    expect(applies('all').because).toBe('kind is change, which only a trigger with kind: change takes');
    expect(applies('alerts').because).toBe('kind is change, not alert');
    expect(applies('notes').because).toBe('kind is change, not notice');
    expect(applies('refused')).toMatchObject({ holds: false, because: expect.stringContaining('where is false') });

    const [, refused = ''] = await deliver('two', { errorCode: 'Client.UnauthorizedOperation' });
    await startedBy(refused, 'refused');
    await test.until(async () => (await test.runs()).length === 4);
    expect((await test.runs()).map(one => one.runbook).sort()).toEqual(['done', 'notes', 'notes', 'refused']);

    const entry = (await test.journal()).find(({ fact }) => fact.kind === 'event.accepted' && fact.event.id === change);
    const { event } = entry?.fact.kind === 'event.accepted' ? entry.fact : { event: null };
    expect(event).toMatchObject({ trusted: true, body: { kind: 'change', changeId: 'trail-one' } });
    const raw = await test.app.store.blob(event?.raw ?? '');
    expect(JSON.parse(Buffer.from(raw ?? '').toString())).toMatchObject({ id: 'one' });
    const posts = await test.until(async () => {
      const found = await test.app.store.posts({ platform: 'console', limit: 100 });
      return found.filter(post => post.key.startsWith('note/')).length === 2 ? found : null;
    });
    // Of the changes only the runs are posted.
    const roots = posts.filter(post => post.thread === null).map(post => post.key.split('/')[0]);
    expect(roots.filter(root => root === 'note')).toHaveLength(2);
    expect(roots.every(root => root === 'note' || root === 'run')).toBe(true);
  });

  it('is one, however often it is delivered, and is counted', async () => {
    test = await startTestApp({
      'tocsin.yaml': config,
      'policy.yaml': auto,
      'runbooks/done.yaml': runbook(', kind: change'),
    });
    const first = await deliver('one');
    for (let again = 0; again < 5; again++) expect(await deliver('one')).toEqual(first);
    await test.until(async () => (await test.runs()).length === 1);
    const text = await (await fetch(`${test.app.url}/metrics`)).text();
    expect(text).toContain('tocsin_changes_total{source="aws",outcome="success"} 1');
    expect(text).toContain('tocsin_events_accepted_total{source="aws"} 2');
    expect((await test.runs()).length).toBe(1);
  });

  it('comes beside the alert of the same delivery, and neither starts what the other does', async () => {
    test = await startTestApp({
      'tocsin.yaml': basicConfig.replace('sources:\n', 'sources:\n  github: { secret: hub-secret }\n'),
      'policy.yaml': auto,
      'runbooks/back.yaml': `title: Back\nrisk: low\non: [{ source: github }]\n${step}`,
      'runbooks/record.yaml': `title: Record\nrisk: low\non: [{ source: github, kind: change, where: event.change.environment == "production" }]\n${step}`,
    });
    const raw = payload('github/deployment_status.failure.json').toString();
    const signature = createHmac('sha256', 'hub-secret').update(raw).digest('hex');
    const headers = { 'x-github-event': 'deployment_status', 'x-hub-signature-256': `sha256=${signature}` };
    const send = async () => {
      const answer = await fetch(`${test.app.url}/events/github`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: raw,
      });
      expect(answer.status).toBe(202);
      return (await answer.json()) as { accepted: { event: string; alert: string | null }[] };
    };
    const { accepted } = await send();
    await send();
    expect(accepted).toMatchObject([{ alert: expect.stringMatching(/^alt_/) }, { alert: null }]);
    const back = await startedBy(accepted[0]?.event ?? '', 'back');
    const record = await startedBy(accepted[1]?.event ?? '', 'record');
    expect([back.alert, record.alert]).toEqual([accepted[0]?.alert, null]);
    await test.ended(back.id);
    await test.ended(record.id);
    const roots = await test.until(async () => {
      const posts = await test.app.store.posts({ platform: 'console', limit: 100 });
      const found = posts.filter(post => post.thread === null).map(post => post.key);
      return found.includes(`run/${record.id}`) ? found : null;
    });
    expect(roots.sort()).toEqual([`alert/${back.alert}/1`, `run/${record.id}`]);
    expect(await journalInConsole()).toContain('change: github-actions[bot] deployed main at 3484a3f of acme/checkout');
    expect(await test.runs()).toHaveLength(2);
  });
});
