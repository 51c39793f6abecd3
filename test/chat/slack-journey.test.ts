import { expect, test } from 'vitest';
import { startSlack } from '../doubles/slack/index.ts';
import { as } from '../journey/language.ts';
import { openSlack, useLater } from '../journey/setup.ts';

const later = useLater();
const [alice, bob] = [as('alice'), as('bob')];

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

test('an alert opens a thread, is approved in Slack, runs, and its message says that it is resolved', async () => {
  const { slack, app, chat } = await openSlack(later, files);
  const startsAt = new Date(Date.now() - 60_000).toISOString();
  await app.alert(labels, { startsAt });
  const root = chat.channel('alerts').expectMessage('firing');
  const question = root.thread().expectMessage(/web-1[\s\S]*Clean the disk[\s\S]*echo "cleaned web-1"/);
  await question.expectButton('Deny').press('Approve', alice).expectTold('Approved');
  const run = await app.until(async () => (await app.runs())[0]);
  await app.until(async () => (await app.app.store.run(run.id))?.steps.some(step => step.state === 'done'));
  await app.alert(labels, { status: 'resolved', startsAt });
  expect((await app.ended(run.id)).state).toBe('succeeded');

  await root.expectUpdate('resolved').expectReaction('white_check_mark').expectNoReaction('rotating_light');
  await question.expectUpdate('approved').expectNoButton('Approve').expectNoButton('Deny');
  await root.thread().expectMessage('succeeded');
  await chat.channel('alerts').expectCount(1);
  expect(new Set(slack.world.messages.map(message => message.channel)).size).toBe(1);
});

test('a denial asks for the reason in a modal, and the reason is in the thread', async () => {
  const { app, chat } = await openSlack(later, files);
  await app.alert(labels);
  await chat
    .channel('alerts')
    .expectMessage('firing')
    .expectReply('May vote')
    .press('Deny', bob, 'the sale is on <!here>')
    .expectTold('Denied')
    .expectUpdate('the sale is on <!here>');
  expect((await app.runs())[0]?.state).toBe('denied');
});

test('somebody whom Slack does not vouch for, or policy does not name, is told why, and it is journalled', async () => {
  const { app, chat } = await openSlack(later, files);
  await app.alert(labels);
  const question = chat.channel('alerts').expectMessage('firing').expectReply('May vote');
  for (const [user, why] of [
    ['guest', /guest/],
    ['gone', /deactivated/],
    ['robot', /bot/],
    ['far', /another workspace/],
    ['nobody', /people/],
    ['rita', /sre/],
  ] as const)
    await question.press('Approve', as(user)).expectTold(why).expectButton('Approve');
  const refusals = (await app.journal()).filter(entry => entry.fact.kind === 'act.refused');
  expect(refusals.length).toBe(6);
  expect((await app.runs())[0]?.state).toBe('waiting');
});

test('a doubled click and both people at once come to one decision, and the loser is told who decided', async () => {
  const { slack, app, chat } = await openSlack(later, files);
  await app.alert(labels);
  const question = chat.channel('alerts').expectMessage('firing').expectReply('May vote');
  const message = (await question).of;
  await Promise.all(['U0ALICE', 'U0ALICE', 'U0BOB'].map(user => slack.as(user).press(message, 'Approve')));
  await slack.until(() => slack.world.told.filter(one => one.how === 'ephemeral').length >= 2, 'two answers');
  const answers = slack.world.told.map(one => one.text).join('\n');
  expect(answers).toMatch(/Approved/);
  expect(answers).toMatch(/alice|bob/);
  const kinds = (await app.journal()).map(entry => entry.fact.kind);
  expect(kinds.filter(kind => kind === 'approval.closed')).toHaveLength(1);
  expect(kinds.filter(kind => kind === 'run.released')).toHaveLength(1);
});

test('Slack that is down harms nothing: the thread is complete when it is back, and nothing is there twice', async () => {
  const { slack, app, chat } = await openSlack(later, files);
  slack.api.faults.add('chat.postMessage', { kind: 'status', status: 503 }, 1);
  slack.api.faults.add('chat.postMessage', { kind: 'answer-lost' }, 2);
  slack.api.faults.add('chat.postMessage', { kind: 'limited', retryAfter: 1 }, 1);
  await app.alert(labels);
  const run = await app.until(async () => (await app.runs())[0]);
  await chat.channel('alerts').expectMessage('firing').expectReply('May vote').expectButton('Approve');
  await chat.channel('alerts').expectCount(1);
  const keys = slack.world.messages.map(message => message.metadata?.event_payload['key']);
  expect(new Set(keys).size).toBe(keys.length);
  expect(slack.world.messages[0]?.thread_ts).toBeUndefined();
  expect(run.state).toBe('waiting');
});

test('a hundred presses by ten people at once make one decision', async () => {
  const slack = await startSlack();
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
  const { app, chat } = await openSlack(later, { ...files, 'tocsin.yaml': crowd, 'policy.yaml': policy }, { slack });
  await app.alert(labels);
  const question = (await chat.channel('alerts').expectMessage('firing').expectReply('May vote')).of;
  const presses = Array.from({ length: 100 }, (_, index) => slack.as(`U0P${index % 10}`).press(question, 'Approve'));
  await Promise.all(presses);
  // Each press is another person, or a doubled one that shares the answer of the first.
  await slack.until(() => new Set(slack.world.told.map(one => one.user)).size === 10, 'an answer to everybody');
  const kinds = (await app.journal()).map(entry => entry.fact.kind);
  expect(kinds.filter(kind => kind === 'approval.voted')).toHaveLength(2);
  expect(kinds.filter(kind => kind === 'approval.closed')).toHaveLength(1);
  expect(kinds.filter(kind => kind === 'run.released')).toHaveLength(1);
});

test('output is one message that is edited within the limits, and the full log is a file in the thread', async () => {
  const loud = files['runbooks/clean.yaml'].replace(
    '{ id: clean, exec: [echo, "cleaned ${{ params.host }}"], idempotent: true }',
    '{ id: clean, script: "for i in $(seq 1 3000); do echo line $i; done; sleep 0.5; echo the end", idempotent: true }',
  );
  const { slack, app, chat } = await openSlack(later, { ...files, 'runbooks/clean.yaml': loud });
  const startsAt = new Date(Date.now() - 60_000).toISOString();
  await app.alert(labels, { startsAt });
  const root = chat.channel('alerts').expectMessage('firing');
  await root.thread().expectMessage('May vote').press('Approve', alice).expectTold('Approved');
  await root.thread().expectMessage('the end').expectNo('line 1000\n');
  await app.alert(labels, { status: 'resolved', startsAt });
  await app.ended((await app.runs())[0]?.id ?? '');
  await root.thread().expectFile(/line 1\n[\s\S]*line 3000\nthe end/);
  const outputs = slack.world.messages.filter(one => String(one.metadata?.event_payload['key']).startsWith('output/'));
  expect(outputs).toHaveLength(1);
  expect(slack.api.rates.refused).toEqual([]);
}, 60_000);

test('a wrong token stops nothing: it is said on /readyz, the API goes on, and the thread comes when the token is right', async () => {
  const slack = await startSlack();
  slack.world.botToken = 'xoxb-another';
  const { app, chat } = await openSlack(later, files, { slack, linked: false });
  await app.alert(labels);
  const approval = await app.until(async () => (await app.app.store.approvals({ state: 'open' }))[0]);
  const ready = await app.until(async () => {
    const { status, body } = await app.call('GET', '/readyz', { as: null });
    return JSON.stringify(body).includes('SLACK_BOT_TOKEN') && { status, text: JSON.stringify(body) };
  });
  expect(ready.text).toContain('OAuth & Permissions');
  const vote = await app.call('POST', `/api/v1/approvals/${approval.id}/votes`, { body: { vote: 'approve' } });
  expect(vote.status).toBe(200);
  slack.world.botToken = slack.env['SLACK_BOT_TOKEN'] ?? '';
  const root = chat.channel('alerts').expectMessage('a test alert');
  await root.thread().expectMessage('May vote').expectUpdate('approved');
  expect(slack.world.messages[0]?.thread_ts).toBeUndefined();
}, 60_000);
