import { describe, expect, test } from 'vitest';
import { hiddenByConsole } from '../../src/chat/console/hides.ts';
import { hiddenByDiscord } from '../../src/chat/discord/hides.ts';
import { renderCard } from '../../src/chat/discord/render.ts';
import { hiddenBySlack } from '../../src/chat/slack/hides.ts';
import { renderMessage } from '../../src/chat/slack/render.ts';
import type { Card } from '../../src/model/card.ts';

const cardOf = (...blocks: Card['blocks']): Card => ({
  tone: 'ask',
  title: 'HIGH · rm',
  badge: null,
  blocks,
  buttons: [],
  mention: [],
});
const code = (text: string) => ({ kind: 'code' as const, text });
const fields = (...values: string[]) => ({
  kind: 'fields' as const,
  fields: values.map((value, index) => ({ label: `p${index}`, value, code: true })),
});

const platforms = {
  slack: { hides: hiddenBySlack, shown: (card: Card) => renderMessage(card, { post: null, mentions: [], now: 0 }) },
  discord: {
    hides: hiddenByDiscord,
    shown: (card: Card) =>
      renderCard(card, { reference: () => null, accounts: () => [], mark: 'approval/'.padEnd(60, '.'), now: 0 }),
  },
};

describe.each(Object.entries(platforms))('what %s hides', (_, { hides, shown }) => {
  test('of commands: the count that the message says itself, and the end', () => {
    const card = cardOf(code(`${'echo *a*\n'.repeat(3000)}rm -rf /data`));
    const [one, ...others] = hides(card);
    expect(others).toEqual([]);
    expect(one).toMatchObject({ what: 'the commands', end: expect.stringMatching(/rm -rf \/data$/) });
    expect(JSON.stringify(shown(card))).toContain(`… ${one?.count.toLocaleString('en-GB')} more characters`);
  });

  test('nothing of what it shows whole, also where the text says that it was cut', () => {
    const card = cardOf(code('["df","-h"] … 5 more characters'), fields('web-1', '… 12 more characters'));
    expect(hides(card)).toEqual([]);
    expect(JSON.stringify(shown(card))).toContain('web-1');
  });

  test('values in between and at the end, and none of them silently', () => {
    const card = cardOf(fields(...Array.from({ length: 300 }, (_, index) => `${index}-${'x'.repeat(900)}`)));
    const hidden = hides(card);
    expect(hidden).toHaveLength(300);
    expect(hidden.at(-1)?.what).toBe('p299');
  });

  test('what there is to know stays, whatever else is there', () => {
    const items = ['The parameter host: "wеb-1" is not web-1: the "е" is Cyrillic.', 'It hides 9 characters.'];
    const card = cardOf(...Array.from({ length: 60 }, () => code('x'.repeat(5000))), { kind: 'warnings', items });
    const text = JSON.stringify(shown(card));
    expect(text).toContain('Before you press');
    expect(text).toContain('is Cyrillic');
    expect(text).toContain('It hides 9 characters');
  });
});

test('the console shows whole what chat cuts, and tells what it cuts itself', () => {
  expect(hiddenByConsole(cardOf(code('x'.repeat(50_000)), fields('y'.repeat(500))))).toEqual([]);
  expect(hiddenByConsole(cardOf(fields(`${'y'.repeat(2000)}rm`)))).toMatchObject([
    { what: 'p0', end: expect.stringMatching(/rm$/) },
  ]);
});
