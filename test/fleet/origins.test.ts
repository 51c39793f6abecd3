import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type PagerDutyDouble, startPagerDuty } from '../doubles/pagerduty.ts';
import { type Fleet, type FleetNode, missingServers, startFleet, until } from './fleet.ts';

const config = (pagerduty: PagerDutyDouble) => `
sources:
  alertmanager: { token: alert-secret }
  pagerduty:
    secret: s
    apiToken: ${pagerduty.apiToken}
    from: ${pagerduty.from}
    routingKey: ${pagerduty.routingKey}
    apiUrl: ${pagerduty.url}
    eventsUrl: ${pagerduty.url}
people: { alice: {}, bob: {} }
groups: { sre: [alice, bob] }
tokens:
  - { env: ALICE, person: alice }
  - { env: BOB, person: bob }
`;
const fix = `
title: Fix it
risk: low
on: [{ source: alertmanager }]
params: {}
steps: [{ id: fix, exec: ["false"] }]
`;

describe.skipIf(missingServers() !== null)('pages of two nodes', { timeout: 90_000 }, () => {
  let fleet: Fleet;
  let pagerduty: PagerDutyDouble;
  let nodes: [FleetNode, FleetNode];
  beforeAll(async () => {
    pagerduty = await startPagerDuty();
    fleet = await startFleet(() => ({
      'tocsin.yaml': config(pagerduty),
      'policy.yaml': 'rules: [{ name: all, decide: auto }]\n',
      'runbooks/fix.yaml': fix,
    }));
    nodes = [await fleet.node(), await fleet.node()];
  });
  afterAll(async () => {
    await fleet.close();
    await pagerduty.close();
  });

  test('are sent by one of them; when it dies the other sends the next, and what it tells again is under the same key', async () => {
    const [first, other] = nodes;
    for (const [index, node] of [first, other, first, other].entries())
      expect(await node.alert({ alertname: 'Down' }, { fingerprint: `f${index}` })).toBe(202);
    await until(async () => pagerduty.calls.size === 4);
    await first.kill();
    expect(await other.alert({ alertname: 'Down' }, { fingerprint: 'late' })).toBe(202);
    await until(async () => pagerduty.calls.size === 5);
    const told = async () => (await fleet.journal(other)).filter(entry => entry.fact?.kind === 'origin.told');
    await until(async () => (await told()).length >= 5);
    expect((await told()).map(entry => entry.fact.what)).toEqual(['page', 'page', 'page', 'page', 'page']);
    // Who dies between sending a page and writing it down leaves it to the other, which says it again under the same key: one page still.
    const triggers = [...pagerduty.calls.values()].map(call => call.triggers);
    expect(triggers).toHaveLength(5);
    expect(triggers.every(times => times <= 2)).toBe(true);
    expect(triggers.at(-1)).toBe(1);
  });
});
