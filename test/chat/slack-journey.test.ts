import { afterEach, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../doubles/app.ts';
import { readable, type SlackDouble, startSlack } from '../doubles/slack/index.ts';

let slack: SlackDouble;
let app: TestApp | null = null;
afterEach(async () => {
  await app?.stop();
  await slack.close();
  app = null;
});

const config = `
sources:
  alertmanager: { token: alert-secret, settle: 1ms, groupInterval: 1s }
people:
  alice: { accounts: { slack: T0ACME/U0ALICE } }
  bob: { accounts: { slack: T0ACME/U0BOB } }
  rita: { accounts: { slack: T0ACME/U0RITA } }
  guest: { accounts: { slack: T0ACME/U0GUEST } }
groups: { sre: [alice, bob, guest] }
operators: [sre]
routes:
  - { to: ["slack:#alerts"] }
tokens:
  - { env: ALICE, person: alice }
`;

const files = {
  'tocsin.yaml': config,
  'policy.yaml': 'rules:\n  - { name: ask, decide: approve, by: sre, expires: 10m }\n',
  'runbooks/clean.yaml': `
title: Clean the disk
risk: low
on:
  - source: alertmanager
    match: { alertname: DiskFull }
params:
  host: { type: string, pattern: "[a-z0-9-]{1,40}", from: labels.host }
target: params.host
steps:
  - { id: clean, exec: [echo, "cleaned \${{ params.host }}"], idempotent: true }
  - { id: gone, verify: { resolved: true, within: 60s } }
`,
};

const labels = { alertname: 'DiskFull', host: 'web-1' };

async function start(env: Record<string, string> = {}): Promise<TestApp> {
  slack = await startSlack();
  app = await startTestApp(files, { env: { ...slack.env, ...env } });
  return app;
}

/** The newest text of a message that shows this. */
const shown = (text: string) => slack.until(() => slack.find(text), `a message with "${text}"`);

test('an alert opens a thread, is approved in Slack, runs, and its message says that it is resolved', async () => {
  const running = await start();
  await slack.socket.linked();
  const startsAt = new Date(Date.now() - 60_000).toISOString();
  await running.alert(labels, { startsAt });
  const question = await shown('[Approve]');
  const root = await shown('firing');
  expect(question.thread_ts).toBe(root.ts);
  expect(readable(question)).toMatch(/Clean the disk[\s\S]*web-1[\s\S]*echo "cleaned web-1"/);

  const before = slack.world.told.length;
  await slack.as('U0ALICE').press(question, 'Approve');
  expect((await slack.toldTo('U0ALICE', before)).text).toContain('Approved');
  const run = await running.until(async () => (await running.runs())[0]);
  await running.until(async () => (await running.app.store.run(run.id))?.steps.some(step => step.state === 'done'));
  await running.alert(labels, { status: 'resolved', startsAt });
  expect((await running.ended(run.id)).state).toBe('succeeded');

  await slack.until(() => readable(root).includes('resolved'), 'the resolved root');
  await slack.until(() => !readable(question).includes('[Approve]'), 'a question without buttons');
  expect(readable(question)).toContain('approved');
  expect(readable(question)).not.toContain('[Deny]');
  await slack.until(() => slack.find('succeeded'), 'the run that succeeded');
  await slack.until(
    () => root.reactions.has('white_check_mark') && !root.reactions.has('rotating_light'),
    'the reactions',
  );
  const roots = slack.world.messages.filter(message => message.thread_ts === undefined);
  expect(roots.map(message => message.ts)).toEqual([root.ts]);
  expect(slack.socket.wrongAcks).toEqual([]);
});

test('a denial asks for the reason in a modal, and the reason is in the thread', async () => {
  const running = await start();
  await slack.socket.linked();
  await running.alert(labels);
  const question = await shown('[Deny]');
  const before = slack.world.told.length;
  await slack.as('U0BOB').press(question, 'Deny');
  await slack.as('U0BOB').submit(await slack.modalOf('U0BOB'), { reason: 'the sale is on <!here>' });
  expect((await slack.toldTo('U0BOB', before)).text).toContain('Denied');
  await slack.until(() => readable(question).includes('the sale is on <!here>'), 'the reason');
  expect((await running.runs())[0]?.state).toBe('denied');
});

test('somebody whom Slack does not vouch for, or policy does not name, is told why, and it is journalled', async () => {
  const running = await start();
  await slack.socket.linked();
  await running.alert(labels);
  const question = await shown('[Approve]');
  for (const [user, why] of [
    ['U0GUEST', /guest/],
    ['U0GONE', /deactivated/],
    ['U0ROBOT', /bot/],
    ['U0FAR', /another workspace/],
    ['U0NOBODY', /people/],
    ['U0RITA', /sre/],
  ] as const) {
    const before = slack.world.told.length;
    await slack.as(user).press(question, 'Approve');
    expect((await slack.toldTo(user, before)).text).toMatch(why);
  }
  const refusals = (await running.journal()).filter(entry => entry.fact.kind === 'act.refused');
  expect(refusals.length).toBe(6);
  expect((await running.runs())[0]?.state).toBe('waiting');
});

test('a doubled click and both people at once come to one decision, and the loser is told who decided', async () => {
  const running = await start();
  await slack.socket.linked();
  await running.alert(labels);
  const question = await shown('[Approve]');
  await Promise.all([
    slack.as('U0ALICE').press(question, 'Approve'),
    slack.as('U0ALICE').press(question, 'Approve'),
    slack.as('U0BOB').press(question, 'Approve'),
  ]);
  await slack.until(() => slack.world.told.filter(one => one.how === 'ephemeral').length >= 2, 'two answers');
  const answers = slack.world.told.map(one => one.text).join('\n');
  expect(answers).toMatch(/Approved/);
  expect(answers).toMatch(/alice|bob/);
  const kinds = (await running.journal()).map(entry => entry.fact.kind);
  expect(kinds.filter(kind => kind === 'approval.closed')).toHaveLength(1);
  expect(kinds.filter(kind => kind === 'run.released')).toHaveLength(1);
});

test('Slack that is down harms nothing: the thread is complete when it is back, and nothing is there twice', async () => {
  const running = await start();
  await slack.socket.linked();
  slack.api.faults.add('chat.postMessage', { kind: 'status', status: 503 }, 1);
  slack.api.faults.add('chat.postMessage', { kind: 'answer-lost' }, 2);
  slack.api.faults.add('chat.postMessage', { kind: 'limited', retryAfter: 1 }, 1);
  await running.alert(labels);
  const run = await running.until(async () => (await running.runs())[0]);
  const question = await shown('[Approve]');
  const keys = slack.world.messages.map(message => message.metadata?.event_payload['key']);
  expect(new Set(keys).size).toBe(keys.length);
  expect(question.thread_ts).toBe(slack.world.messages[0]?.ts);
  expect(run.state).toBe('waiting');
});

test('a hundred presses by ten people at once make one decision', async () => {
  slack = await startSlack();
  const names = Array.from({ length: 10 }, (_, index) => `p${index}`);
  for (const name of names) {
    const id = `U0${name.toUpperCase()}`;
    slack.world.users.set(id, { id, name, team_id: 'T0ACME' });
  }
  const people = names.map(name => `  ${name}: { accounts: { slack: T0ACME/U0${name.toUpperCase()} } }`).join('\n');
  const crowd = config
    .replace('people:\n', `people:\n${people}\n`)
    .replace(/sre: \[.*\]/, `sre: [${names.join(', ')}]`);
  const policy = 'rules:\n  - { name: ask, decide: approve, by: sre, quorum: 2, expires: 10m }\n';
  app = await startTestApp({ ...files, 'tocsin.yaml': crowd, 'policy.yaml': policy }, { env: slack.env });
  await slack.socket.linked();
  await app.alert(labels);
  const question = await shown('[Approve]');
  const presses = Array.from({ length: 100 }, (_, index) => slack.as(`U0P${index % 10}`).press(question, 'Approve'));
  await Promise.all(presses);
  // Each press is another person, or a doubled one that shares the answer of the first.
  await slack.until(() => new Set(slack.world.told.map(one => one.user)).size === 10, 'an answer to everybody');
  const kinds = (await app.journal()).map(entry => entry.fact.kind);
  expect(kinds.filter(kind => kind === 'approval.voted')).toHaveLength(2);
  expect(kinds.filter(kind => kind === 'approval.closed')).toHaveLength(1);
  expect(kinds.filter(kind => kind === 'run.released')).toHaveLength(1);
  expect(slack.socket.wrongAcks).toEqual([]);
});

test('output is one message that is edited within the limits, and the full log is a file in the thread', async () => {
  const loud = files['runbooks/clean.yaml'].replace(
    '{ id: clean, exec: [echo, "cleaned ${{ params.host }}"], idempotent: true }',
    '{ id: clean, script: "for i in $(seq 1 3000); do echo line $i; done; sleep 0.5; echo the end", idempotent: true }',
  );
  slack = await startSlack();
  app = await startTestApp({ ...files, 'runbooks/clean.yaml': loud }, { env: slack.env });
  await slack.socket.linked();
  const startsAt = new Date(Date.now() - 60_000).toISOString();
  await app.alert(labels, { startsAt });
  await slack.as('U0ALICE').press(await shown('[Approve]'), 'Approve');
  const output = await shown('the end');
  await app.alert(labels, { status: 'resolved', startsAt });
  await app.ended((await app.runs())[0]?.id ?? '');
  const file = await slack.until(() => [...slack.world.files.values()].find(one => one.shared.length > 0), 'the log');
  expect(file.bytes?.toString()).toMatch(/line 1\n[\s\S]*line 3000\nthe end/);
  expect(file.shared[0]?.thread).toBe(output.thread_ts);
  expect(readable(output)).not.toContain('line 1000\n');
  const outputs = slack.world.messages.filter(one => String(one.metadata?.event_payload['key']).startsWith('output/'));
  expect(outputs).toHaveLength(1);
  expect(slack.api.rates.refused).toEqual([]);
}, 60_000);

test('a wrong token stops nothing: it is said on /readyz, the API goes on, and the thread comes when the token is right', async () => {
  slack = await startSlack();
  slack.world.botToken = 'xoxb-another';
  app = await startTestApp(files, { env: slack.env });
  const running = app;
  await running.alert(labels);
  const approval = await running.until(async () => (await running.app.store.approvals({ state: 'open' }))[0]);
  const ready = await running.until(async () => {
    const { status, body } = await running.call('GET', '/readyz', { as: null });
    return JSON.stringify(body).includes('SLACK_BOT_TOKEN') && { status, text: JSON.stringify(body) };
  });
  expect(ready.text).toContain('OAuth & Permissions');
  const vote = await running.call('POST', `/api/v1/approvals/${approval.id}/votes`, { body: { vote: 'approve' } });
  expect(vote.status).toBe(200);
  slack.world.botToken = slack.env['SLACK_BOT_TOKEN'] ?? '';
  const question = await shown('Run Clean the disk');
  await slack.until(() => readable(question).includes('approved'), 'what was decided meanwhile');
  expect(slack.world.messages[0]?.thread_ts).toBeUndefined();
}, 60_000);
