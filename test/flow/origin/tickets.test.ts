import { rm } from 'node:fs/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { hmacOf } from '../../../src/kernel/signature.ts';
import type { Alert } from '../../../src/model/alert.ts';
import { startTestApp, type TestApp } from '../../doubles/app.ts';
import { type JiraDouble, startJiraDouble } from '../../doubles/jira.ts';

const secret = 'a webhook secret';
let jira: JiraDouble;
let app: TestApp;
const files = () => ({
  'tocsin.yaml': `
sources:
  alertmanager: { token: alert-secret }
  servicenow: { token: now-secret }
  open: { type: webhook, map: { fingerprint: body.id, state: '"firing"', title: body.id } }
  jira:
    secret: ${secret}
    url: ${jira.url}
    user: ${jira.user}
    apiToken: ${jira.token}
    account: "${jira.account}"
    tickets: [{ when: 'alert.severity == "critical" || alert.source != "alertmanager"', project: OPS, done: Done }]
people: { alice: {} }
groups: { sre: [alice] }
operators: [sre]
tokens: [{ env: ALICE, person: alice }]
`,
  'policy.yaml': 'rules: [{ name: all, decide: auto }]\n',
  'runbooks/fix.yaml': `
title: Fix
risk: low
on: [{ source: alertmanager }]
params: {}
target: '"web-1"'
steps: [{ id: fix, exec: ["false"] }]
`,
});
beforeEach(async () => {
  jira = await startJiraDouble();
  app = await startTestApp(files(), { keep: true });
});
afterEach(async () => {
  await app.stop();
  await rm(app.folder, { recursive: true, force: true });
  jira.close();
});

const told = async (what?: string) =>
  (await app.journal()).flatMap(({ fact }) =>
    fact.kind === 'origin.told' && fact.source === 'jira' && (what === undefined || fact.what === what) ? [fact] : [],
  );
const untilTold = (what: string, count = 1) =>
  app.until(async () => {
    const found = await told(what);
    return found.length >= count ? found : null;
  });
const theAlert = (): Promise<Alert> =>
  app.until(async () => (await app.app.store.alerts({})).find(one => one.source === 'alertmanager'));
const thread = async (alert: Alert) => {
  const key = `alert/${alert.id}/${alert.episode}`;
  return (await app.app.store.posts({ platform: 'console', thread: key, limit: 100 })).map(post => post.card.title);
};

let count = 0;
function send(issue: { key: string; labels: string[] }, by: string, from = 'Open', to = 'Done') {
  const body = JSON.stringify({
    timestamp: Date.now() + count++,
    webhookEvent: 'jira:issue_updated',
    issue_event_type_name: 'issue_generic',
    user: { accountId: by, displayName: 'Mina' },
    issue: {
      id: '1',
      key: issue.key,
      fields: {
        summary: 's',
        labels: issue.labels,
        status: { name: to, statusCategory: { key: to === 'Done' ? 'done' : 'new' } },
      },
    },
    changelog: { items: [{ field: 'status', fromString: from, toString: to }] },
  });
  const signature = `sha256=${hmacOf(secret, [body]).toString('hex')}`;
  return fetch(`${app.app.url}/events/jira`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-hub-signature': signature },
    body,
  });
}

it('an alert opens one ticket, which hears what becomes of it and ends with it', async () => {
  await app.alert({ alertname: 'Disk', severity: 'critical' });
  const [opened] = await untilTold('ticket');
  expect(opened?.text).toBe(`Opened the ticket OPS-1: ${jira.url}/browse/OPS-1`);
  await untilTold('ticket-note');
  expect(jira.issues.get('OPS-1')?.comments).toEqual([expect.stringContaining('Tocsin: Fix failed')]);
  await app.alert({ alertname: 'Disk', severity: 'critical' });
  await app.alert({ alertname: 'Disk', severity: 'critical' }, { status: 'resolved' });
  const [done] = await untilTold('ticket-done');
  expect(done?.text).toBe('Moved OPS-1 to Done');
  expect([...jira.issues.values()]).toMatchObject([{ status: 'Done' }]);
  const alert = await theAlert();
  await app.until(async () => (await thread(alert)).includes('Moved OPS-1 to Done'));
  expect((await thread(alert)).filter(title => title.includes('OPS-1'))).toHaveLength(2);
});

it('an end that is no cure is told in the ticket, and does not end it', async () => {
  const tell = async (state: string, updated_at: string) => {
    const incident = { sys_id: '9d38', number: 'INC1', operation: 'update', state, updated_at };
    const headers = { authorization: 'Bearer now-secret' };
    expect((await app.call('POST', '/events/servicenow', { as: null, headers, body: incident })).status).toBe(202);
  };
  await tell('1', '2026-01-01 10:00:00');
  await untilTold('ticket');
  await tell('8', '2026-01-01 11:00:00');
  expect(await untilTold('ticket-note')).toMatchObject([{ ok: true }]);
  expect([...jira.issues.values()]).toMatchObject([
    { status: 'Open', comments: [expect.stringContaining('no cure: it was canceled in ServiceNow')] },
  ]);
  await tell('1', '2026-01-01 12:00:00');
  await tell('7', '2026-01-01 13:00:00');
  await untilTold('ticket-done');
  expect(await told('ticket-done')).toHaveLength(1);
});

it('a ticket that was opened just before the process ended is ended with its alert', async () => {
  jira.faults.push('none', 'lost');
  await app.alert({ alertname: 'Disk', severity: 'critical' });
  await app.until(async () => jira.issues.size === 1 && jira.faults.length === 0);
  await app.alert({ alertname: 'Disk', severity: 'critical' }, { status: 'resolved' });
  const { folder } = app;
  await app.stop();
  app = await startTestApp(files(), { folder, keep: true });
  await untilTold('ticket-done');
  expect([...jira.issues.values()]).toMatchObject([{ status: 'Done' }]);
});

it('who closes the ticket in Jira is told in the thread; what Tocsin does there is not', async () => {
  await app.alert({ alertname: 'Disk', severity: 'critical' });
  await untilTold('ticket');
  const labels = jira.issues.get('OPS-1')?.labels ?? [];
  const alert = await theAlert();
  const words = 'Mina closed OPS-1: Open → Done';
  expect((await send({ key: 'OPS-1', labels }, jira.account)).status).toBe(202);
  // A label that Tocsin did not make leads into no thread.
  const forged = labels.map(label => label.replace(/-2-|-1-/, '-1-').replace(/[0-9a-f]{16}$/, '0123456789abcdef'));
  expect((await send({ key: 'OPS-9', labels: forged }, 'mina')).status).toBe(202);
  expect((await send({ key: 'OPS-1', labels }, 'mina')).status).toBe(202);
  await app.until(async () => (await thread(alert)).includes(words));
  const titles = await thread(alert);
  expect(titles.filter(title => title === words)).toHaveLength(1);
  expect(titles.join('\n')).not.toContain('OPS-9');
  expect((await theAlert()).state).toBe('firing');
});

it('alerts that no rule wants, or that proved nothing, get no ticket', async () => {
  await app.alert({ alertname: 'Small', severity: 'warning' }, { fingerprint: 'small' });
  const body = JSON.stringify({ id: 'anybody' });
  const answer = await fetch(`${app.app.url}/events/open`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  expect(answer.status).toBe(202);
  // An issue of Jira is an alert of its own, and has a ticket: itself.
  expect((await send({ key: 'OPS-77', labels: [] }, 'mina', 'Done', 'Open')).status).toBe(202);
  await app.until(async () => (await app.app.store.alerts({})).find(one => one.source === 'jira'));
  await app.alert({ alertname: 'Disk', severity: 'critical' });
  await untilTold('ticket');
  expect([...jira.issues.values()].map(one => one.description)).toEqual([expect.stringContaining('alertname: Disk')]);
  expect(await told('ticket')).toHaveLength(1);
});
