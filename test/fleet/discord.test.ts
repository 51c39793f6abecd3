import { describe, expect, test } from 'vitest';
import { addMember, addRole, type DiscordDouble, startDiscord } from '../doubles/discord/index.ts';
import { discordChat } from '../journey/discord.ts';
import { as } from '../journey/language.ts';
import { patience, useChatFleet } from './chat-fleet.ts';
import { missingServers, until } from './fleet.ts';

describe.skipIf(missingServers() !== null)('Discord on two nodes', { timeout: 90_000 }, () => {
  const place = useChatFleet<DiscordDouble>(async () => {
    const double = await startDiscord();
    const alice = addMember(double.world, 'alice');
    const bob = addMember(double.world, 'bob');
    const group = addRole(double.world, 'sre', [alice, bob]);
    const accounts = { alice: alice.id, bob: bob.id };
    return { double, platform: 'discord', accounts, group, route: 'discord:alerts' };
  });

  test('one has the gateway; when it dies the other takes over, and goes on with the same messages', async () => {
    // The first one up took the duty.
    const { fleet, double: discord, first, other } = place();
    const chat = discordChat(discord, patience);
    await until(async () => discord.gateway.connected() === 1);
    // The alert comes in where the connection is not.
    expect(await other.alert({ alertname: 'Down' })).toBe(202);
    const question = chat.channel('alerts').expectMessage('firing').expectReply('May vote');
    await question.press('Approve', as('alice')).expectTold('1 more is needed');
    expect(discord.gateway.connected()).toBe(1);
    // A node that does not hear asks for roles all the same: what it refuses, it refuses because of them.
    const { body } = await other.call('GET', '/api/v1/approvals?state=open');
    const path = `/api/v1/approvals/${body[0]?.id}/votes`;
    const again = await other.call('POST', path, { vote: 'approve' }, 'ALICE');
    expect([again.status, JSON.stringify(again.body)]).toEqual([409, expect.stringContaining('voted already')]);

    await first.kill();
    await until(async () => discord.gateway.connected() === 0);
    await until(async () => discord.gateway.connected() === 1);
    await question.press('Approve', as('bob')).expectTold('Approved');
    await until(async () => fleet.ledger().includes('restarted'));
    await question.expectUpdate('approved');
    const keys = [...discord.world.channels.values()]
      .flatMap(channel => channel.messages)
      .map(message => message.body.embeds?.at(-1)?.footer?.text);
    expect(new Set(keys).size).toBe(keys.length);
    await chat.channel('alerts').expectCount(1);
    expect(fleet.ledger()).toEqual(['restarted']);
    expect(discord.world.violations).toEqual([]);
    chat.expectAllAwaited();
  });
});
