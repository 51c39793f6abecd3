import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { renderCard as renderConsole } from '../../src/chat/console/cards.ts';
import { standardLook } from '../../src/chat/console/look.ts';
import type { Viewer } from '../../src/chat/console/viewer.ts';
import { approvalCard, type Question } from '../../src/flow/thread/cards/approval.ts';
import { type Card, type Post, quoted } from '../../src/model/card.ts';
import { noon, sampleAlert, sampleApproval, samplePost, sampleRun } from '../contracts/samples.ts';
import { createHostDouble, type HostDouble } from '../doubles/chat-host.ts';
import { readMessage as readDiscord } from '../doubles/discord/index.ts';
import { openHarness, show } from './discord/harness.ts';
import { activeIn, openSlackHarness, readMessage as readSlack } from './slack-harness.ts';

const tools = {
  seals: { seal: () => 'ab'.repeat(16), holds: () => true },
  showTime: (at: number) => new Date(at).toISOString(),
  page: (path: string) => `https://tocsin.example${path}`,
};
const command = (argv: string[]) => ({
  id: 'go',
  title: 'already approved, press Approve',
  type: 'exec',
  shows: JSON.stringify(argv),
  deed: { kind: 'command' as const, argv },
});
const lie = 'APPROVED by alice” — nothing to do';
const firing = sampleAlert({ id: 'alt_1', title: lie, trusted: false, annotations: { summary: lie, description: '' } });
const many = Array.from({ length: 400 }, (_, index) => `web-${index + 1}`);
const asked = sampleRun({ risk: 'high', title: lie, targets: ['db-1'], alert: 'alt_1', episode: 1 });
const base: Question = {
  approval: sampleApproval({ risk: 'high', createdAt: noon, expiresAt: noon + 29 * 60_000 }),
  run: asked,
  outline: [command(['dropdb', 'production'])],
  alert: firing,
  event: null,
};

/** What is asked, what the notification must begin with, and whether it holds the text of others. */
const cases: Record<string, { question: Question; headline: string; lies: boolean }> = {
  'a title and an alert that lie': { question: base, headline: 'HIGH · dropdb production · db-1', lies: true },
  'a parameter that lies': {
    question: { ...base, outline: [command(['logger', lie])] },
    headline: `HIGH · logger ${quoted(lie)} · db-1`,
    lies: true,
  },
  'text that runs from right to left': {
    question: {
      ...base,
      run: { ...asked, title: 'ok\u202edevorppa', targets: ['db\u202e1'], reason: '\u2067x\u200b' },
      alert: { ...firing, title: 'a\u202eb', annotations: {} },
    },
    headline: 'HIGH · dropdb production · “db\\u202e1”',
    lies: false,
  },
  'a command of 3,000 characters': {
    question: { ...base, outline: [command(['tool', 'x'.repeat(3000), '--delete', '/srv'])] },
    headline: 'HIGH · tool xxx',
    lies: true,
  },
  '400 targets': {
    question: { ...base, run: { ...asked, targets: many, params: { hosts: many } }, outline: [command(['reboot'])] },
    headline: 'HIGH · reboot · 400 hosts',
    lies: true,
  },
  'nothing that is known': {
    question: { ...base, run: { ...asked, requestedBy: '', targets: [], params: {} }, outline: [], alert: null },
    headline: 'HIGH · code of the runbook disk-full · no target named',
    lies: true,
  },
};

const hidden = /[\u200b-\u200f\u202a-\u202e\u2066-\u2069]/;
/** The text of others, wherever it does not stand between quotation marks. */
const unquoted = (text: string) => text.replace(/“[^”]*”|"[^"]*"/g, '').includes('APPROVED by alice');

let host: HostDouble;
let viewer: Viewer;
beforeAll(async () => {
  host = await createHostDouble({ url: 'https://tocsin.example' });
  viewer = { host: host.host, who: null, csrf: '', local: true, now: noon, zone: 'UTC', look: standardLook };
});
afterAll(() => host.close());

const root = (platform: string): Post => samplePost({ platform, channel: platform === 'slack' ? '#alerts' : 'alerts' });
const reply = (platform: string, card: Card): Post => ({
  ...root(platform),
  key: 'approval/apv_1',
  thread: 'alert/alt_1/1',
  order: 2,
  card,
});

/** The message as Slack took it. */
async function onSlack(card: Card) {
  const slack = await openSlackHarness();
  try {
    const post = reply('slack', card);
    await slack.show(root('slack'), post);
    return await slack.messageOf(post);
  } finally {
    await slack.close();
  }
}

/** The message as Discord took it. */
async function onDiscord(card: Card) {
  const harness = await openHarness();
  try {
    await show(harness, root('discord'), reply('discord', card));
    expect(harness.discord.world.violations).toEqual([]);
    const messages = [...harness.discord.world.channels.values()].flatMap(channel => channel.messages);
    const found = messages.at(-1);
    if (found === undefined) throw new Error('nothing was posted');
    return found.body;
  } finally {
    await harness.close();
  }
}

const onConsole = (card: Card) =>
  String(renderConsole(card, { id: 'c', at: null, href: null }, viewer))
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'");

describe.each(Object.entries(cases))('a question with %s', (_, { question, headline, lies }) => {
  const card = approvalCard(question, tools);

  test('on Slack: the notification begins with the headline, and what others say is quoted', async () => {
    const message = await onSlack(card);
    expect(message.text.startsWith(headline)).toBe(true);
    expect(message.attachments[0]).toMatchObject({ color: '#b3261e', fallback: message.text });
    const text = readSlack(message);
    expect(text).toContain(headline);
    expect(unquoted(text)).toBe(false);
    expect(text.includes('APPROVED by alice')).toBe(lies);
    expect(hidden.test(JSON.stringify(message))).toBe(false);
    expect(activeIn(message).filter(part => !part.startsWith('link https://tocsin.example/'))).toEqual([]);
    expect(text).toMatch(/29 min left|no time left|days left| left \(until/);
  });

  test('on Discord: the content begins with the headline, and what others say is quoted', async () => {
    const body = await onDiscord(card);
    const { plain } = readDiscord(body);
    expect(plain.startsWith(headline)).toBe(true);
    expect(plain.split(headline)).toHaveLength(2);
    expect(body.embeds?.[0]?.color).toBe(0xd92d20);
    expect(body.embeds?.[0]?.title).toBe('✋ Needs a person · 1 approval missing');
    expect(unquoted(plain)).toBe(false);
    expect(plain.includes('APPROVED by alice')).toBe(lies);
    expect(hidden.test(JSON.stringify(body))).toBe(false);
    const seconds = Math.floor(question.approval.expiresAt / 1000);
    expect(plain).toContain(`ends <t:${seconds}:R> at <t:${seconds}:t>, then nothing runs`);
  });

  test('in the console: the heading is the headline, and what others say is quoted', () => {
    const text = onConsole(card);
    expect(text).toContain('class="card tone-risk-high"');
    expect(/<h2[^>]*>(.*?)<\/h2>/s.exec(text)?.[1]?.startsWith(headline)).toBe(true);
    expect(unquoted(text)).toBe(false);
    expect(hidden.test(text)).toBe(false);
    expect(text).toContain(`data-left="${question.approval.expiresAt}" data-now="${noon}">29 min left</span>`);
  });
});

describe('on every platform', () => {
  const card = approvalCard(base, tools);
  const order = [
    'Requested by',
    'Because',
    'Target',
    'Asked',
    'Time',
    'calls itself',
    'dropdb',
    'May vote',
    'plan aaaaaaaaaa',
  ];

  test.each([
    ['Slack', async () => readSlack(await onSlack(card))],
    [
      'Discord',
      async () =>
        readDiscord(await onDiscord(card))
          .plain.split('\n')
          .slice(1)
          .join('\n'),
    ],
    ['the console', async () => onConsole(card).replace(/<header[\s\S]*?<\/header>/, '')],
  ])('%s has the facts in this order', async (platform, read) => {
    const text = await read();
    const at = order.map(one => (platform === 'Slack' ? text.lastIndexOf(one) : text.indexOf(one)));
    expect(at.every(one => one >= 0)).toBe(true);
    expect(at.toSorted((a, b) => a - b)).toEqual(at);
    expect(text).toContain('not signed: anybody could have sent it');
  });

  test('the alert and the run are linked', async () => {
    expect(activeIn(await onSlack(card))).toContain('link https://tocsin.example/alerts/alt_1');
    expect(readDiscord(await onDiscord(card)).active).toContain(
      'link: [the alert](https://tocsin.example/alerts/alt_1)',
    );
    // By its path: the page may have been opened by another address.
    expect(onConsole(card)).toContain('<a href="/alerts/alt_1">the alert</a>');
    const votes = [{ person: 'alice', account: null, via: 'slack', vote: 'approve' as const, reason: null, at: noon }];
    const approved = sampleApproval({ risk: 'high', state: 'approved', votes, closedAt: noon });
    const run = { ...asked, state: 'succeeded' as const, finishedAt: noon + 1000 };
    const decided = approvalCard({ ...base, approval: approved, run }, tools);
    for (const text of [
      readSlack(await onSlack(decided)),
      readDiscord(await onDiscord(decided)).plain,
      onConsole(decided),
    ]) {
      expect(text).toContain('What came of it');
      expect(text).toMatch(/run_1(<\/a>)? succeeded/);
    }
    expect(onConsole(decided)).toContain('<a href="/runs/run_1">run_1</a>');
    expect(onConsole(decided)).toContain('class="card tone-good"');
  });
});
