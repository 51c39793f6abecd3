import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { renderCard } from '../../src/chat/discord/render.ts';
import { codeBlock, codeTail, escapeLine, escapeText, inlineCode } from '../../src/chat/discord/text.ts';
import { visible, visibleLine } from '../../src/kernel/text.ts';
import type { Block, Card, Span } from '../../src/model/card.ts';
import { startTestApp } from '../doubles/app.ts';
import { readMessage, startDiscord } from '../doubles/discord/index.ts';
import { readMarkup } from '../doubles/discord/markup.ts';
import { messageCreate } from '../doubles/discord/rules.ts';

const harnesses: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of harnesses.splice(0).reverse()) await close();
});

const config = `
sources:
  alertmanager: { token: alert-secret }
people: { alice: {} }
tokens:
  - { env: ALICE, person: alice }
routes:
  - to: ["discord:alerts"]
`;

/** The message of an alert as it goes to Discord, without what differs from run to run. */
async function rendered(fixture: string) {
  const discord = await startDiscord();
  harnesses.push(discord.close);
  const app = await startTestApp({ 'tocsin.yaml': config, 'policy.yaml': 'rules: []\n' }, { env: discord.env });
  harnesses.push(app.stop);
  const body = JSON.parse(await readFile(new URL(`../fixtures/hostile/${fixture}.json`, import.meta.url), 'utf8'));
  const headers = { authorization: 'Bearer alert-secret' };
  const answer = await app.call('POST', '/events/alertmanager', { as: null, headers, body });
  expect(answer.status).toBe(202);
  const message = await app.until(async () => discord.channel('alerts').messages[0]);
  expect(discord.world.violations).toEqual([]);
  const text = JSON.stringify(message.body, null, 2)
    .replace(/alt_[0-9a-z]+/g, 'alt_1')
    .replace(/b\.n\.[\w-]{16}/g, 'b.n.digest');
  return { body: message.body, text };
}

describe('hostile alerts', () => {
  test.each(['bidi-and-homoglyph', 'mention-and-link', 'shell-injection', 'template-injection'])(
    '%s is shown as the text it is',
    async fixture => {
      const { body, text } = await rendered(fixture);
      const { active, plain } = readMessage(body);
      // The links of the alert itself are links; their labels are ours and their hosts stand beside them.
      expect(active.filter(one => !/^link: \[[\w ]+\]\(https:\/\/[\w.-]+\.example[^)]*\)$/.test(one))).toEqual([]);
      expect(plain).not.toMatch(
        /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069\u{e0000}-\u{e007f}]/u,
      );
      await expect(`${text}\n`).toMatchFileSnapshot(`../fixtures/discord/${fixture}.json`);
    },
    30_000,
  );
});

/** Text made of what Discord acts upon. */
const spiky = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '`',
        '``',
        '```',
        '*',
        '**',
        '_',
        '__',
        '~~',
        '||',
        '<',
        '>',
        '@everyone',
        '@here',
        '<@1234567890123456>',
        '[a](https://x.example)',
        'https://x.example/y',
        '\\',
        '\\\\',
        '# ',
        '-# ',
        '> ',
        '- ',
        '1. ',
        '\n',
        ':',
        '/',
        '(',
        ')',
        ' ',
        '\u202e',
        '\u200b',
        '\r',
        '\u001b[31m',
      ),
      fc.string({ unit: 'grapheme', maxLength: 6 }),
    ),
    { maxLength: 24 },
  )
  .map(parts => parts.join(''));

describe('escapes', () => {
  test('nothing of a text is active, and people read exactly what it says', () => {
    fc.assert(
      fc.property(spiky, text => {
        expect(readMarkup(escapeText(text, 10_000))).toEqual({ plain: visible(text), active: [] });
        expect(readMarkup(escapeLine(text, 10_000))).toEqual({ plain: visibleLine(text), active: [] });
        expect(readMarkup(codeBlock(text, 10_000)).active).toEqual([]);
        expect(readMarkup(inlineCode(text, 10_000)).active).toEqual([]);
      }),
      { numRuns: 2000 },
    );
  });

  test('a cut never opens what it closes, is never longer than allowed, and tells how much is missing', () => {
    fc.assert(
      fc.property(spiky, fc.integer({ min: 40, max: 120 }), (text, max) => {
        for (const write of [escapeText, escapeLine, inlineCode, codeBlock, codeTail]) {
          const shown = write(text.repeat(8), max);
          expect(shown.length).toBeLessThanOrEqual(max);
          expect(readMarkup(shown).active).toEqual([]);
        }
      }),
      { numRuns: 1000 },
    );
    expect(escapeText('x'.repeat(500), 50)).toMatch(/^x+… 4\d\d more characters$/);
    expect(codeTail(`${'old line\n'.repeat(100)}the last line`, 100)).toMatch(
      /^```\n… [\d,]+ more characters above\n[\s\S]*the last line\n```$/,
    );
  });
});

const blocks: fc.Arbitrary<Block> = fc.oneof(
  fc.record({ kind: fc.constant('text' as const), text: spiky }),
  fc.record({ kind: fc.constant('code' as const), text: spiky.map(text => text.repeat(50)) }),
  fc.record({
    kind: fc.constant('fields' as const),
    fields: fc.array(fc.record({ label: spiky, value: spiky.map(text => text.repeat(9)), code: fc.boolean() }), {
      maxLength: 300,
    }),
  }),
  fc.record({
    kind: fc.constant('links' as const),
    links: fc.array(fc.record({ label: spiky, url: fc.oneof(fc.webUrl(), spiky) }), { maxLength: 30 }),
  }),
  fc.record({
    kind: fc.constant('facts' as const),
    facts: fc.array(
      fc.record({
        label: spiky,
        spans: fc.array(
          fc.oneof(
            fc.record({ kind: fc.constantFrom('said', 'quoted', 'code'), text: spiky.map(text => text.repeat(9)) }),
            fc.record({ kind: fc.constant('page'), text: spiky, url: fc.oneof(fc.webUrl(), spiky) }),
            fc.record({ kind: fc.constantFrom('ago', 'left'), at: fc.nat(), text: spiky }),
          ) as fc.Arbitrary<Span>,
          { maxLength: 30 },
        ),
      }),
      { maxLength: 30 },
    ),
  }),
  fc.record({ kind: fc.constant('quote' as const), by: spiky, text: spiky.map(text => text.repeat(50)) }),
  fc.record({ kind: fc.constant('small' as const), text: spiky.map(text => text.repeat(50)) }),
  fc.record({
    kind: fc.constant('progress' as const),
    done: fc.nat(9),
    total: fc.option(fc.nat(9)),
    startedAt: fc.option(fc.nat()),
    finishedAt: fc.option(fc.nat()),
    steps: fc.array(
      fc.record({ id: spiky, title: spiky, state: fc.constantFrom('done', 'running'), because: fc.option(spiky) }),
      { maxLength: 50 },
    ),
  }),
  fc.record({
    kind: fc.constant('output' as const),
    run: spiky,
    step: spiky,
    tail: spiky.map(text => text.repeat(200)),
    live: fc.boolean(),
  }),
);

test('Discord takes every card, whatever is in it', () => {
  const cards: fc.Arbitrary<Card> = fc.record({
    tone: fc.constantFrom('critical', 'ask', 'good'),
    title: spiky.map(text => text.repeat(20)),
    badge: fc.option(spiky),
    blocks: fc.array(blocks, { maxLength: 12 }),
    buttons: fc.constant([]),
    mention: fc.array(spiky, { maxLength: 30 }),
    risk: fc.constantFrom('high' as const, 'none' as const),
  });
  fc.assert(
    fc.property(cards, card => {
      const tools = { reference: () => null, accounts: () => [], mark: 'note/1', now: 0 };
      const parsed = messageCreate.safeParse(renderCard(card, tools));
      expect(parsed.error?.message).toBeUndefined();
    }),
    { numRuns: 300 },
  );
});
