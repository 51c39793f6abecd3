import { afterEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../src/kernel/clock.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { config, openPlace, type Place } from './origin-place.ts';

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

let place: Place;
afterEach(() => place.close());

const openApproval = () =>
  place.app.until(async () => (await place.app.call('GET', '/api/v1/approvals?state=open')).body[0]);
const vote = (id: string, as: 'ALICE' | 'BOB' | 'RITA') =>
  place.app.call('POST', `/api/v1/approvals/${id}/votes`, { as, body: { vote: 'approve' } });
const votes = async () =>
  (await place.app.journal()).map(entry => entry.fact).filter(fact => fact.kind === 'approval.voted');
const texts = async () =>
  (await place.app.app.store.posts({ platform: 'console', limit: 100 })).map(post => JSON.stringify(post.card));

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
    await place.incident('Q1');
    const { id, run } = await openApproval();
    // Asked live: bob is only the fallback.
    expect(await vote(id, 'BOB')).toMatchObject({ status: 403 });
    place.pagerduty.fail({ on: /oncalls/, times: 1000, how: { status: 503 } });
    clock.ahead = 61_000;
    expect(await vote(id, 'BOB')).toMatchObject({ status: 403 });
    expect(await vote(id, 'RITA')).toMatchObject({ status: 200 });
    clock.ahead = 16 * 60_000;
    expect(await vote(id, 'BOB')).toMatchObject({ status: 200 });
    expect((await votes()).map(fact => fact.vote)).toMatchObject([
      { person: 'mina', standing: { group: 'on-call', how: 'last', from: 'pagerduty' } },
      { person: 'bob', standing: { group: 'on-call', how: 'fallback', from: 'tocsin.yaml' } },
    ]);
    expect((await place.app.ended(run)).state).toBe('succeeded');
    await place.app.until(async () =>
      (await texts()).some(
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
    await place.app.alert({});
    const { id, run } = await openApproval();
    expect(await vote(id, 'RITA')).toMatchObject({ status: 403 });
    clock.ahead = 11 * 60_000;
    await place.app.until(async () => (await place.app.app.store.approval(id))?.escalated === true);
    const [told] = await place.untilTold('on-call');
    expect(told?.text).toContain('On call for DB on-call: Mina Okafor (mina)');
    expect(await vote(id, 'ALICE')).toMatchObject({ status: 403 });
    expect(await vote(id, 'RITA')).toMatchObject({ status: 200 });
    expect((await place.app.ended(run)).state).toBe('succeeded');
  });
});
