import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readable, type SlackDouble, startSlack } from '../doubles/slack/index.ts';
import { type Fleet, type FleetNode, missingServers, startFleet, until } from './fleet.ts';

const config = `
sources:
  alertmanager: { token: alert-secret }
people:
  alice: { accounts: { slack: T0ACME/U0ALICE } }
  bob: { accounts: { slack: T0ACME/U0BOB } }
groups: { sre: { slack: S0SRE } }
routes:
  - to: ["slack:#alerts"]
tokens:
  - { env: ALICE, person: alice }
  - { env: BOB, person: bob }
`;
const policy = 'rules:\n  - { name: ask, decide: approve, by: sre, quorum: 2, expires: 10m }\n';
const runbook = (ledger: string) => `
title: Restart it
risk: low
on: [{ source: alertmanager, match: { alertname: Down } }]
steps:
  - { id: act, script: 'echo restarted >> ${ledger}' }
`;

describe.skipIf(missingServers() !== null)('Slack on two nodes', { timeout: 90_000 }, () => {
  let fleet: Fleet;
  let slack: SlackDouble;
  let nodes: [FleetNode, FleetNode];
  beforeAll(async () => {
    slack = await startSlack();
    fleet = await startFleet(ledger => ({
      'tocsin.yaml': config,
      'policy.yaml': policy,
      'runbooks/restart.yaml': runbook(ledger),
    }));
    nodes = [await fleet.node('all', slack.env), await fleet.node('all', slack.env)];
  });
  afterAll(async () => {
    await fleet.close();
    await slack.close();
  });

  test('both hear; the one that posts dies before it wrote down what it posted, and the other goes on with it', async () => {
    await until(async () => slack.socket.links() === 2);
    const [first, other] = nodes;
    const { faults } = slack.api;
    // The first message is posted, its answer is lost, and nobody can be asked where it is.
    faults.add('chat.postMessage', { kind: 'answer-lost' });
    faults.add('conversations.history', { kind: 'cut' }, 1000);
    expect(await other.alert({ alertname: 'Down' })).toBe(202);
    await until(async () => slack.world.messages.length === 1);
    await until(async () => slack.api.calls.some(call => call.method === 'conversations.history'));
    await first.kill();
    faults.clear();
    const question = await until(async () => slack.find('[Approve]') ?? null);
    expect(slack.world.messages.filter(message => message.thread_ts === undefined)).toHaveLength(1);
    expect(question.thread_ts).toBe(slack.world.messages[0]?.ts);

    await until(async () => slack.socket.links() === 1);
    const before = slack.world.told.length;
    await slack.as('U0ALICE').press(question, 'Approve');
    expect((await slack.toldTo('U0ALICE', before)).text).toContain('1 more is needed');
    await slack.as('U0BOB').press(question, 'Approve');
    expect((await slack.toldTo('U0BOB', before)).text).toContain('Approved');
    await until(async () => fleet.ledger().includes('restarted'));
    await until(async () => !readable(question).includes('[Approve]'));
    const keys = slack.world.messages.flatMap(message => message.metadata?.event_payload['key'] ?? []);
    expect(new Set(keys).size).toBe(keys.length);
    expect(fleet.ledger()).toEqual(['restarted']);
    expect(slack.socket.wrongAcks).toEqual([]);
  });
});
