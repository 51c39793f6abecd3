import { expect, test } from 'vitest';
import { gateApprovalCard, gateCard, gateDetailsCard } from '../../src/flow/thread/cards/gate.ts';
import type { Card, Post } from '../../src/model/card.ts';
import type { Gate } from '../../src/model/gates/gate.ts';
import { sampleDigest, sampleGate } from '../contracts/gates.ts';
import { noon, sampleApproval, samplePost } from '../contracts/samples.ts';
import { readMessage } from '../doubles/discord/index.ts';
import { openHarness, show } from './discord/harness.ts';
import { activeIn, openSlackHarness, readMessage as readSlack } from './slack-harness.ts';

const hostile = '<!channel> <@U0BOB> @everyone **bold** `x` [y](http://evil.example)\u202Ecba\u200b';
const tools = {
  seals: { seal: () => 'ab'.repeat(16), holds: () => true },
  showTime: () => '12:00 UTC',
  page: (path: string) => `https://tocsin.example${path}`,
};

/** Everything as long and as many as it gets. */
const gate: Gate = sampleGate({
  approval: 'apv_1',
  because: `${hostile} ${'b'.repeat(2000)}`,
  subject: {
    ...sampleGate().subject,
    image: `registry.example/${'team/'.repeat(70)}checkout@${sampleDigest}`,
    repository: 'r'.repeat(200),
    sha: 'a'.repeat(64),
    change: 'c'.repeat(200),
    links: Array.from({ length: 10 }, (_, index) => ({
      label: 'l'.repeat(200),
      url: `https://ci.example/${'x'.repeat(900)}${index}`,
    })),
  },
  evidence: Array.from({ length: 20 }, (_, index) => ({
    kind: 'scan' as const,
    format: 'trivy',
    by: 'caller',
    digest: 'd'.repeat(64),
    from: 'request',
    verified: index % 2 === 0,
    because: index % 2 === 0 ? null : `${hostile} ${'e'.repeat(500)}`,
    says: `finding ${index} ${hostile}`,
  })),
  knownBad: Array.from({ length: 5 }, () => ({
    what: `pkg:npm/${'p'.repeat(200)}@1.0.0`,
    reason: `${hostile} ${'k'.repeat(500)}`,
    from: 'known-bad.yaml',
    by: 'person:alice',
    blocks: 'all' as const,
    until: null,
    sure: true,
    asOf: null,
  })),
});
const approval = sampleApproval({
  run: null,
  gate: gate.id,
  runbook: 'deploy',
  ask: { by: ['team'], quorum: 5, expires: 600_000, escalate: null, reasonRequired: false },
  votes: Array.from({ length: 4 }, (_, index) => ({
    person: `person-${index}`,
    account: null,
    via: 'slack',
    vote: 'approve' as const,
    reason: `${hostile} ${'v'.repeat(500)}`,
    at: noon,
  })),
});

const postsFor = (platform: string): Post[] => {
  const root = post(platform, 'gate/gat_1', null, gateCard(gate, tools));
  return [root, post(platform, 'approval/apv_1', root.key, gateApprovalCard(approval, gate, tools))];
};

function post(platform: string, key: string, thread: string | null, card: Card): Post {
  return samplePost({
    platform,
    key,
    thread,
    card,
    alert: null,
    run: null,
    channel: 'alerts',
    order: thread === null ? 1 : 2,
  });
}

test('the largest gate fits in Slack: the digest is whole, and data calls nobody', async () => {
  const harness = await openSlackHarness();
  try {
    const [root, question] = postsFor('slack') as [Post, Post];
    await harness.show({ ...root, channel: '#alerts' }, { ...question, channel: '#alerts' });
    for (const one of [root, question]) {
      const message = await harness.messageOf(one);
      expect(readSlack(message)).toContain(sampleDigest);
      expect(activeIn(message).filter(part => !part.includes('https://ci.example/'))).toEqual(
        // The two of the group who are asked; nobody whom a text names.
        one === question ? ['user ', 'user '] : [],
      );
      expect(/\u202e|\u200b/.test(JSON.stringify(message))).toBe(false);
    }
    harness.double.details.set('gate/gat_1', gateDetailsCard(gate, approval, tools));
    await harness.slack.as('U0ALICE').press(await harness.messageOf(root), 'Details');
    const view = await harness.slack.modalOf('U0ALICE');
    expect(JSON.stringify(view).includes('finding 18')).toBe(true);
  } finally {
    await harness.close();
  }
}, 60_000);

test('the largest gate fits in Discord: the digest is whole, and data calls nobody', async () => {
  const harness = await openHarness();
  try {
    const [root, question] = postsFor('discord') as [Post, Post];
    await show(harness, root, question);
    const messages = [...harness.discord.world.channels.values()].flatMap(channel => channel.messages);
    const cards = messages.filter(one => (one.body.embeds ?? []).length > 0);
    expect(cards).toHaveLength(2);
    for (const { body } of cards) {
      expect(readMessage(body).plain).toContain(sampleDigest);
      expect(body.allowed_mentions).toMatchObject({ parse: [], users: [] });
    }
    expect(harness.discord.world.violations).toEqual([]);
  } finally {
    await harness.close();
  }
}, 60_000);

test('Details show all that was found, and give no second way to what the thread has', () => {
  const open = gateDetailsCard(gate, approval, tools);
  expect(JSON.stringify(open).includes('finding 18')).toBe(true);
  expect(open.badge).toBe('1 approval missing');
  expect(open.buttons.map(button => button.label)).toEqual(['Approve', 'Deny']);
  const closed = { ...approval, state: 'approved' as const, closedAt: noon };
  expect(gateDetailsCard({ ...gate, state: 'allowed' }, closed, tools).buttons.map(one => one.label)).toEqual([
    'Revoke',
  ]);
  const held = { ...gate, state: 'allowed' as const, holdsUntil: noon };
  expect(JSON.stringify(gateCard(held, tools))).toContain('Holds until');
  expect(gateDetailsCard({ ...gate, state: 'denied' }, null, tools).buttons).toEqual([]);
});
