import { afterEach, beforeEach, expect, it } from 'vitest';
import platform from '../../src/chat/slack/index.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import type { CheckTools } from '../../src/ports/check.ts';
import { type SlackDouble, startSlack } from '../doubles/slack/index.ts';

let slack: SlackDouble;
beforeEach(async () => {
  slack = await startSlack();
});
afterEach(() => slack.close());

/** What is not well, by what was looked at. */
async function check(over: Partial<Omit<CheckTools, 'env'>> = {}, env: Record<string, string> = {}) {
  const tools: CheckTools = {
    clock: systemClock,
    fetch,
    env: name => ({ ...slack.env, ...env })[name],
    signal: new AbortController().signal,
    url: null,
    name: 'slack',
    channels: [],
    groups: [],
    accounts: {},
    ...over,
  };
  const findings = (await platform.check?.({}, tools)) ?? [];
  return Object.fromEntries(findings.map(one => [one.what, one]));
}

it('finds nothing wrong where nothing is', async () => {
  const found = await check({
    channels: ['#alerts', 'C0OPS00'],
    groups: ['S0SRE', '@sre'],
    accounts: { alice: 'T0ACME/U0ALICE' },
  });
  expect(Object.values(found).map(one => one.state)).toEqual(Array.from({ length: 7 }, () => 'ok'));
  // It opens no connection: events would go there.
  expect(slack.socket.links()).toBe(0);
});

it('names the token that is wrong, and where it is found', async () => {
  const found = await check({}, { SLACK_BOT_TOKEN: 'xoxb-old', SLACK_APP_TOKEN: 'xapp-old' });
  expect(found['SLACK_BOT_TOKEN']).toMatchObject({
    state: 'bad',
    because: expect.stringContaining('SLACK_BOT_TOKEN (invalid_auth)'),
  });
  expect(found['receiving']).toMatchObject({ state: 'bad', remedy: expect.stringContaining('App-Level Tokens') });
});

it('names missing scopes, channels, groups and accounts, each with what to do', async () => {
  slack.world.scopes.delete('files:write');
  const accounts = { guest: 'T0ACME/U0GUEST', far: 'T0OTHER/U0FAR', typo: 'U0ALICE', gone: 'T0ACME/U0MISSING' };
  const found = await check({ channels: ['#elsewhere', '#nowhere'], groups: ['S0NONE'], accounts });
  expect(found['scope files:write']?.because).toContain('full logs');
  expect(found['channel #elsewhere']?.remedy).toContain('/invite');
  expect(found['channel #nowhere']?.state).toBe('bad');
  expect(found['group S0NONE']?.state).toBe('bad');
  expect(found['account of guest']?.because).toContain('guest');
  expect(found['account of far']?.because).toContain('another workspace');
  expect(found['account of typo']?.because).toContain('T012345/U067890');
  expect(found['account of gone']?.because).toContain('does not know');
});

it('says how to be heard', async () => {
  expect((await check({}, { SLACK_APP_TOKEN: '' }))['receiving']?.state).toBe('bad');
  const http = { SLACK_APP_TOKEN: '', SLACK_SIGNING_SECRET: 's' };
  expect((await check({ url: 'http://127.0.0.1:8080' }, http))['receiving']?.state).toBe('warning');
  expect((await check({ url: 'https://tocsin.example.com/' }, http))['receiving']?.because).toContain(
    'https://tocsin.example.com/slack/events',
  );
});

it('never rejects when Slack is not there', async () => {
  slack.api.faults.add('*', { kind: 'cut' }, 100);
  expect((await check())['SLACK_BOT_TOKEN']?.state).toBe('bad');
});
