import { afterEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../../src/kernel/clock.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { startTestApp, type TestApp } from '../../doubles/app.ts';
import { type SlackDouble, startSlack } from '../../doubles/slack/index.ts';
import { config, openPlace, type Place } from '../origin/place.ts';

const look = (source: string) => `
title: Look
risk: none
on: [{ source: ${source} }]
params: {}
steps: [{ id: look, exec: ["true"] }]
`;

/** The system's clock, moved on by hand. */
function movable(): Clock & { ahead: number } {
  const clock = {
    ...systemClock,
    ahead: 0,
    now: () => Date.now() + clock.ahead,
    monotonic: () => performance.now() + clock.ahead,
  };
  return clock;
}

let place: Place | null = null;
afterEach(async () => {
  await place?.close();
  place = null;
});

const openApproval = (app: TestApp) =>
  app.until(async () => (await app.call('GET', '/api/v1/approvals?state=open')).body[0]);
const vote = (app: TestApp, id: string, as: 'ALICE' | 'BOB' | 'RITA') =>
  app.call('POST', `/api/v1/approvals/${id}/votes`, { as, body: { vote: 'approve' } });
const votes = async (app: TestApp) =>
  (await app.journal()).map(entry => entry.fact).filter(fact => fact.kind === 'approval.voted');
const texts = async (app: TestApp) =>
  (await app.app.store.posts({ platform: 'console', limit: 100 })).map(post => JSON.stringify(post.card));

describe('a vote while the keeper of the group is down', () => {
  const ask = 'rules: [{ name: ask, decide: approve, by: on-call, quorum: 2, expires: 2h }]';
  const withFallback = (text: string) =>
    text.replace(
      'groups: { sre: [alice, bob] }',
      'groups: { sre: [alice, bob], on-call: { onCall: pagerduty, members: [bob] } }',
    );

  it('counts by the last answer for 15 minutes, then by tocsin.yaml, and the journal and the card say so', async () => {
    const clock = movable();
    place = await openPlace(
      pagerduty => ({
        'tocsin.yaml': withFallback(config(pagerduty)),
        'policy.yaml': ask,
        'runbooks/look.yaml': look('pagerduty'),
      }),
      { clock },
    );
    const { app, pagerduty } = place;
    await place.incident('Q1');
    const { id, run } = await openApproval(app);
    // Asked live: bob is only the fallback.
    expect(await vote(app, id, 'BOB')).toMatchObject({ status: 403 });
    pagerduty.fail({ on: /oncalls/, times: 1000, how: { status: 503 } });
    clock.ahead = 61_000;
    const refused = await vote(app, id, 'BOB');
    expect([refused.status, JSON.stringify(refused.body)]).toEqual([
      403,
      expect.stringContaining('who is in on-call cannot be asked now; the last answer counts'),
    ]);
    expect(await vote(app, id, 'RITA')).toMatchObject({ status: 200 });
    clock.ahead = 16 * 60_000;
    expect(await vote(app, id, 'BOB')).toMatchObject({ status: 200 });
    expect((await votes(app)).map(fact => fact.vote)).toMatchObject([
      { person: 'mina', standing: { group: 'on-call', how: 'last', from: 'pagerduty' } },
      { person: 'bob', standing: { group: 'on-call', how: 'fallback', from: 'tocsin.yaml' } },
    ]);
    expect((await app.ended(run)).state).toBe('succeeded');
    await app.until(async () =>
      (await texts(app)).some(
        text => text.includes('pagerduty is down; a member of on-call') && text.includes('whose keeper is down'),
      ),
    );
  });
});

describe('an escalation to the people on call', () => {
  it('asks them, says in the thread who they are, and counts their vote', async () => {
    const clock = movable();
    const policy = 'rules: [{ name: ask, decide: approve, by: sre, expires: 10m, then: { escalate: web-on-call } }]';
    place = await openPlace(
      pagerduty => ({
        'tocsin.yaml': config(pagerduty).replace(
          'groups: { sre: [alice, bob] }',
          'groups: { sre: [alice, bob], web-on-call: { onCall: pagerduty, escalationPolicy: PEP1 } }',
        ),
        'policy.yaml': policy,
        'runbooks/look.yaml': look('alertmanager'),
      }),
      { clock },
    );
    const { app } = place;
    await app.alert({});
    const { id, run } = await openApproval(app);
    expect(await vote(app, id, 'RITA')).toMatchObject({ status: 403 });
    clock.ahead = 11 * 60_000;
    await app.until(async () => (await app.app.store.approval(id))?.escalated === true);
    const [told] = await place.untilTold('on-call');
    expect(told?.text).toContain('On call for DB on-call: Mina Okafor (mina)');
    expect(await vote(app, id, 'ALICE')).toMatchObject({ status: 403 });
    expect(await vote(app, id, 'RITA')).toMatchObject({ status: 200 });
    expect((await app.ended(run)).state).toBe('succeeded');
  });
});

describe('a user group of Slack', () => {
  let slack: SlackDouble;
  let app: TestApp;
  afterEach(async () => {
    await app.stop();
    await slack.close();
  });

  it('is asked live for a vote by HTTP, forgotten when Slack says that it changed, and stood in for by tocsin.yaml in an outage', async () => {
    slack = await startSlack();
    const clock = movable();
    const people = `
people: { alice: { accounts: { slack: T0ACME/U0ALICE } }, bob: { accounts: { slack: T0ACME/U0BOB } }, mina: {} }
groups: { leads: { slack: "@sre", members: [mina] } }
`;
    const text = config({ url: 'http://127.0.0.1:1', apiToken: 'x', routingKey: 'y', from: 'a@example.com' });
    app = await startTestApp(
      {
        'tocsin.yaml':
          text.slice(0, text.indexOf('people:')) +
          people +
          text.slice(text.indexOf('operators:')).replace('[sre]', '[leads]'),
        'policy.yaml': 'rules: [{ name: ask, decide: approve, by: leads, quorum: 3, expires: 2h }]',
        'runbooks/look.yaml': look('alertmanager'),
      },
      { clock, env: slack.env },
    );
    await app.alert({});
    const { id } = await openApproval(app);
    expect(await vote(app, id, 'RITA')).toMatchObject({ status: 403 });
    expect(await app.call('DELETE', '/api/v1/halt', { as: 'BOB' })).toMatchObject({ status: 200 });
    expect(await vote(app, id, 'ALICE')).toMatchObject({ status: 200 });
    const asked = slack.count('usergroups.users.list');

    slack.world.usergroups.set('S0SRE', { id: 'S0SRE', handle: 'sre', users: ['U0ALICE'] });
    const changed = { type: 'subteam_members_changed', subteam_id: 'S0SRE', team_id: 'T0ACME' };
    await slack.as('U0ALICE').event({ ...changed, added_users: [], removed_users: ['U0BOB'] });
    // Resuming what is not halted changes nothing, and tells whether bob is still an operator.
    await app.until(async () => (await app.call('DELETE', '/api/v1/halt', { as: 'BOB' })).status === 403);
    expect(await vote(app, id, 'BOB')).toMatchObject({ status: 403 });
    expect(slack.count('usergroups.users.list')).toBeGreaterThan(asked);

    slack.api.faults.add('*', { kind: 'status', status: 503 }, 10_000);
    clock.ahead = 16 * 60_000;
    expect(await vote(app, id, 'RITA')).toMatchObject({ status: 200 });
    expect((await votes(app)).map(fact => fact.vote)).toMatchObject([
      { person: 'alice', standing: { group: 'leads', how: 'live', from: 'slack' } },
      { person: 'mina', standing: { group: 'leads', how: 'fallback', from: 'tocsin.yaml' } },
    ]);
  });
});
