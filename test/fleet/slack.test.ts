import { describe, expect, test } from 'vitest';
import { type SlackDouble, startSlack } from '../doubles/slack/index.ts';
import { as } from '../journey/language.ts';
import { slackChat } from '../journey/slack.ts';
import { patience, useChatFleet } from './chat-fleet.ts';
import { missingServers, until } from './fleet.ts';

describe.skipIf(missingServers() !== null)('Slack on two nodes', { timeout: 90_000 }, () => {
  const place = useChatFleet<SlackDouble>(async () => ({
    double: await startSlack(),
    platform: 'slack',
    accounts: { alice: 'T0ACME/U0ALICE', bob: 'T0ACME/U0BOB' },
    group: 'S0SRE',
    route: 'slack:#alerts',
  }));

  test('both hear; the one that posts dies before it wrote down what it posted, and the other goes on with it', async () => {
    const { fleet, double: slack, first, other } = place();
    const chat = slackChat(slack, patience);
    await until(async () => slack.socket.links() === 2);
    const { faults } = slack.api;
    // The first message is posted, its answer is lost, and nobody can be asked where it is.
    faults.add('chat.postMessage', { kind: 'answer-lost' });
    faults.add('conversations.history', { kind: 'cut' }, 1000);
    expect(await other.alert({ alertname: 'Down' })).toBe(202);
    const root = chat.channel('alerts').expectMessage('firing');
    const posted = await root;
    await until(async () => slack.api.calls.some(call => call.method === 'conversations.history'));
    expect(slack.world.messages).toEqual([posted.of]);
    await first.kill();
    faults.clear();
    const question = root.thread().expectMessage('May vote').expectButton('Approve');
    await question;
    await chat.channel('alerts').expectCount(1);

    await until(async () => slack.socket.links() === 1);
    await question.press('Approve', as('alice')).expectTold('1 more is needed');
    await question.press('Approve', as('bob')).expectTold('Approved');
    await until(async () => fleet.ledger().includes('restarted'));
    await question.expectNoButton('Approve');
    const keys = slack.world.messages.flatMap(message => message.metadata?.event_payload['key'] ?? []);
    expect(new Set(keys).size).toBe(keys.length);
    expect(fleet.ledger()).toEqual(['restarted']);
    expect(slack.socket.wrongAcks).toEqual([]);
    chat.expectAllAwaited();
  });
});
