import { createHmac } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp } from '../doubles/app.ts';
import { type SlackDouble, startSlack } from '../doubles/slack/index.ts';

const secret = 'a-signing-secret';
let slack: SlackDouble;
let app: TestApp;
let start: (options: { folder?: string; keep?: boolean }) => Promise<TestApp>;
let http: ReturnType<SlackDouble['useHttp']>;

beforeEach(async () => {
  slack = await startSlack();
  const config = `
people:
  alice: { accounts: { slack: T0ACME/U0ALICE } }
tokens:
  - { env: ALICE, person: alice }
routes:
  - { to: ["slack:#alerts"] }
sources:
  alertmanager: { token: alert-secret }
`;
  const policy = 'rules:\n  - { name: ask, decide: approve, by: alice }\n';
  const runbook =
    'title: Look\nrisk: none\non:\n  - { source: alertmanager }\nsteps:\n  - { id: look, exec: [echo, hi], idempotent: true }\n';
  start = async options => {
    const files = { 'tocsin.yaml': config, 'policy.yaml': policy, 'runbooks/look.yaml': runbook };
    const env = { ...slack.env, SLACK_APP_TOKEN: '', SLACK_SIGNING_SECRET: secret };
    const started = await startTestApp(files, { ...options, env });
    http = slack.useHttp(`${started.app.url}/slack/events`, secret);
    return started;
  };
  app = await start({ keep: true });
});
afterEach(async () => {
  await app.stop();
  await rm(app.folder, { recursive: true, force: true });
  await slack.close();
});

const json = 'application/json';
const challenge = JSON.stringify({ type: 'url_verification', challenge: 'c1' });

describe('requests of Slack', () => {
  it('answers the challenge, under whatever name Slack knows us', async () => {
    const answer = await http.raw({ body: challenge, type: json, headers: { host: 'tocsin.example.com' } });
    expect([answer.status, await answer.json()]).toEqual([200, { challenge: 'c1' }]);
  });

  it('are refused without a right signature, and with one that is too old or from the future', async () => {
    const minute = 60_000;
    const status = async (over: object) => (await http.raw({ body: challenge, type: json, ...over })).status;
    expect(await status({ key: 'another' })).toBe(401);
    expect(await status({ headers: { 'x-slack-signature': 'v0=' } })).toBe(401);
    expect(await status({ headers: { 'x-slack-signature': 'v1=00' } })).toBe(401);
    for (const skew of [-6, 6, 600]) expect(await status({ at: Date.now() + skew * minute })).toBe(401);
    // Signed rightly, but no number: Bolt alone would take it.
    expect(await status({ at: 'NaN' })).toBe(401);
    expect(await status({ at: `${Date.now() / 1000}` })).toBe(401);
    for (const skew of [-4, 4]) expect(await status({ at: Date.now() + skew * minute })).toBe(200);
  });

  it('that are no payload are refused', async () => {
    for (const body of ['[]', '"x"', 'nonsense']) expect((await http.raw({ body, type: json })).status).toBe(422);
    expect((await http.raw({ body: 'x'.repeat(2_000_000), type: json })).status).toBe(413);
  });

  it('carry commands, presses and modals, as the socket does', async () => {
    expect(slack.socket.links()).toBe(0);
    await slack.as('U0ALICE').slash('help');
    expect((await slack.toldTo('U0ALICE', 0)).text).toContain('run');
    await app.alert({ alertname: 'Any' });
    const question = await slack.until(() => slack.find('[Deny]'), 'the question');
    const before = slack.world.told.length;
    await slack.as('U0ALICE').press(question, 'Deny');
    await slack.as('U0ALICE').submit(await slack.modalOf('U0ALICE'), { reason: 'no need' });
    expect((await slack.toldTo('U0ALICE', before)).text).toContain('Denied');
    expect((await app.runs())[0]?.state).toBe('denied');
  });

  it('that are replayed do nothing', async () => {
    const typed = {
      command: '/tocsin',
      text: 'run look',
      user_id: 'U0ALICE',
      team_id: 'T0ACME',
      channel_id: 'C0ALERTS',
    };
    const body = String(
      new URLSearchParams({ ...typed, trigger_id: 't', response_url: `${slack.api.url()}/respond/none` }),
    );
    const at = Date.now();
    const send = () => http.raw({ body, type: 'application/x-www-form-urlencoded', at });
    expect([(await send()).status, (await send()).status]).toEqual([200, 200]);
    // The same signature in capital letters, and the same request after a restart, which another node would not know either.
    const key = createHmac('sha256', secret)
      .update(`v0:${Math.floor(at / 1000)}:${body}`)
      .digest('hex');
    const loud = { 'x-slack-signature': `v0=${key.toUpperCase()}` };
    const type = 'application/x-www-form-urlencoded';
    expect((await http.raw({ body, type, at, headers: loud })).status).toBe(200);
    await app.until(async () => (await app.runs()).length > 0);
    const { folder } = app;
    await app.stop();
    app = await start({ folder });
    expect((await http.raw({ body, type, at })).status).toBe(200);
    await app.until(async () => (await app.runs()).length > 0);
    await slack.as('U0ALICE').slash('help');
    await slack.until(() => slack.world.told.some(one => one.text.includes('<runbook>')), 'what came after it');
    expect(await app.runs()).toHaveLength(1);
  });

  it('something nobody listens for is acknowledged', async () => {
    const body = JSON.stringify({
      type: 'event_callback',
      event_id: 'Ev1',
      team_id: 'T0ACME',
      event: { type: 'channel_rename', channel: { id: 'C1' } },
    });
    expect((await http.raw({ body, type: json })).status).toBe(200);
  });
});
