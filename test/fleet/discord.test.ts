import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { messageOf, toldBy } from '../chat/discord/ground.ts';
import { addMember, addRole, type DiscordDouble, readMessage, startDiscord } from '../doubles/discord/index.ts';
import type { Member } from '../doubles/discord/world.ts';
import { type Fleet, type FleetNode, missingServers, startFleet, until } from './fleet.ts';

const config = (alice: Member, bob: Member, role: string) => `
sources:
  alertmanager: { token: alert-secret }
people:
  alice: { accounts: { discord: "${alice.id}" } }
  bob: { accounts: { discord: "${bob.id}" } }
groups: { sre: { discord: "${role}" } }
routes:
  - to: ["discord:alerts"]
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

describe.skipIf(missingServers() !== null)('Discord on two nodes', { timeout: 90_000 }, () => {
  let fleet: Fleet;
  let discord: DiscordDouble;
  let nodes: [FleetNode, FleetNode];
  let [alice, bob] = [] as unknown as [Member, Member];
  beforeAll(async () => {
    discord = await startDiscord();
    alice = addMember(discord.world, 'alice');
    bob = addMember(discord.world, 'bob');
    const role = addRole(discord.world, 'sre', [alice, bob]);
    fleet = await startFleet(ledger => ({
      'tocsin.yaml': config(alice, bob, role),
      'policy.yaml': policy,
      'runbooks/restart.yaml': runbook(ledger),
    }));
    nodes = [await fleet.node('all', discord.env), await fleet.node('all', discord.env)];
  });
  afterAll(async () => {
    await fleet.close();
    await discord.close();
  });

  test('one has the gateway; when it dies the other takes over, and goes on with the same messages', async () => {
    await until(async () => discord.gateway.connected() === 1);
    // The first one up took the duty.
    const [first, other] = nodes;
    // The alert comes in where the connection is not.
    expect(await other.alert({ alertname: 'Down' })).toBe(202);
    const approval = await until(async () => {
      const { body } = await other.call('GET', '/api/v1/approvals?state=open');
      const key = `approval/${body[0]?.id}`;
      const posted = [...discord.world.channels.values()].flatMap(channel => channel.messages);
      return posted.some(message => message.body.embeds?.at(-1)?.footer?.text === key) ? key : null;
    });
    expect(toldBy(await discord.press(messageOf(discord, approval), 'Approve', alice))).toContain('1 more is needed');
    expect(discord.gateway.connected()).toBe(1);
    // A node that does not hear asks for roles all the same: what it refuses, it refuses because of them.
    const path = `/api/v1/approvals/${approval.replace('approval/', '')}/votes`;
    const again = await other.call('POST', path, { vote: 'approve' }, 'ALICE');
    expect([again.status, JSON.stringify(again.body)]).toEqual([409, expect.stringContaining('voted already')]);

    await first.kill();
    await until(async () => discord.gateway.connected() === 0);
    await until(async () => discord.gateway.connected() === 1);
    expect(toldBy(await discord.press(messageOf(discord, approval), 'Approve', bob))).toContain('Approved');
    await until(async () => fleet.ledger().includes('restarted'));
    await until(async () => readMessage(messageOf(discord, approval).body).plain.includes('approved'));
    const keys = [...discord.world.channels.values()]
      .flatMap(channel => channel.messages)
      .map(message => message.body.embeds?.at(-1)?.footer?.text);
    expect(new Set(keys).size).toBe(keys.length);
    expect(discord.channel('alerts').messages).toHaveLength(1);
    expect(fleet.ledger()).toEqual(['restarted']);
    expect(discord.world.violations).toEqual([]);
  });
});
