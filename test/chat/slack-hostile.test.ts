import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSeals } from '../../src/flow/people/seal.ts';
import { approvalCard } from '../../src/flow/thread/cards/approval.ts';
import { alertCard, runCard } from '../../src/flow/thread/cards/cards.ts';
import type { Card, Post } from '../../src/model/card.ts';
import { sampleAlert, sampleApproval, samplePost, sampleRun } from '../contracts/samples.ts';
import { activeIn, openSlackHarness, readMessage, type SlackHarness } from './slack-harness.ts';

let harness: SlackHarness;
beforeEach(async () => {
  harness = await openSlackHarness();
});
afterEach(() => harness.close());

const fixtures = join(import.meta.dirname, '../fixtures');
const tools = {
  seals: createSeals('k'.repeat(64)),
  showTime: (at: number) => new Date(at).toISOString(),
  page: (path: string) => `https://tocsin.example${path}`,
};

/** The alert of a saved Alertmanager payload, its texts untouched. */
function alertOf(name: string) {
  const [alert] = JSON.parse(readFileSync(join(fixtures, 'hostile', `${name}.json`), 'utf8')).alerts;
  const { labels, annotations, generatorURL } = alert;
  const links = [
    { label: 'Source', url: generatorURL },
    { label: '<!channel>', url: annotations.runbook_url ?? 'javascript:alert(1)' },
  ];
  return sampleAlert({ title: annotations.summary, labels, annotations, links, severity: 'critical' });
}

async function shown(card: Card, key = 'alert/alt_1/1'): Promise<Post> {
  const post = samplePost({ key, card });
  await harness.show(post);
  return post;
}

describe('hostile texts in Slack', () => {
  for (const name of ['bidi-and-homoglyph', 'shell-injection', 'template-injection']) {
    it(`${name} is the text that it is, in the message and in its fallback`, async () => {
      const post = await shown(alertCard(alertOf(name), tools));
      const { text, blocks, attachments } = await harness.messageOf(post);
      const whole = JSON.stringify({ text, blocks, attachments }, null, 1);
      await expect(whole).toMatchFileSnapshot(join(fixtures, 'slack', `${name}.json`));
      expect(whole).not.toMatch(
        /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u00a0\u200b-\u200f\u202a-\u202e\u2066-\u2069]/,
      );
      for (const part of activeIn(await harness.messageOf(post))) expect(part).toMatch(/^link https?:\/\//);
    });
  }

  it('a question with hostile parameters and a plan that is too long says how much was cut', async () => {
    const { labels } = alertOf('shell-injection');
    const run = sampleRun({
      params: { ...labels, host: '<@U0ALICE> `x` *b* _i_ ~s~ :tada: &amp; <https://evil.example|bank>' },
    });
    const outline = Array.from({ length: 400 }, (_, index) => ({
      id: `s${index}`,
      title: '',
      type: 'exec',
      shows: `rm -rf /srv/${index} <!here>`,
    }));
    const approval = sampleApproval({ question: 'Run <!everyone> now?', expiresAt: 1_700_000_000_000 });
    const post = await shown(
      approvalCard({ approval, run, outline, alert: null, event: null }, tools),
      'approval/apv_1',
    );
    const { text, blocks, attachments } = await harness.messageOf(post);
    await expect(JSON.stringify({ text, blocks, attachments }, null, 1)).toMatchFileSnapshot(
      join(fixtures, 'slack', 'question.json'),
    );
    expect(readMessage(await harness.messageOf(post))).toMatch(/more characters[\s\S]*\[Approve\] \[Deny\]/);
    expect(activeIn(await harness.messageOf(post))).toEqual([]);
  });

  it('output keeps its last lines, without escape sequences', async () => {
    const noise = Array.from({ length: 5000 }, (_, index) => `\u001b[31mline ${index}\u001b[0m <!channel>`).join('\n');
    const card: Card = {
      ...runCard(sampleRun()),
      blocks: [{ kind: 'output', run: 'run_1', step: 's', tail: noise, live: true }],
    };
    const text = readMessage(await harness.messageOf(await shown(card, 'output/run_1/s')));
    expect(text).toContain('line 4999 <!channel>');
    expect(text).toMatch(/more characters above\nline \d+/);
    expect(text).not.toContain('\u001b');
  });
});

describe('a card that is too large', () => {
  const wide = (count: number, length: number): Card => ({
    tone: 'info',
    title: 'T'.repeat(5000),
    badge: 'b'.repeat(500),
    blocks: Array.from({ length: count }, (_, index) => ({
      kind: 'fields' as const,
      fields: Array.from({ length: 80 }, (__, field) => ({
        label: `${index}.${field}`,
        value: 'v'.repeat(length),
        code: true,
      })),
    })),
    buttons: [],
    mention: [],
  });

  it.each([
    [1, 2000],
    [10, 500],
    [100, 10],
  ])('of %i blocks with values of %i characters is taken by Slack all the same', async (count, length) => {
    const text = readMessage(await harness.messageOf(await shown(wide(count, length))));
    expect(text).toMatch(/more characters/);
  });

  it('a button whose meaning is too long for Slack is looked up in its post', async () => {
    const params = { text: 'x'.repeat(5000) };
    const act = { kind: 'run' as const, runbook: 'r', params, alert: null, reason: null };
    const buttons = [
      { label: 'Run again', style: 'plain' as const, reason: 'none' as const, does: { kind: 'act' as const, act } },
    ];
    const post = samplePost({ platform: 'slack', card: { ...wide(0, 0), title: 'Ended', buttons } });
    await harness.show(post);
    await harness.press('U0ALICE', post, 'Run again');
    expect(harness.double.acts[0]?.act).toEqual(act);
    const later = await harness.double.store.post('slack', post.key);
    if (later !== null) await harness.double.put({ ...later, card: { ...post.card, buttons: [] } });
    expect(await harness.press('U0BOB', post, 'Run again')).toContain('not there any more');
  });
});
