import { describe, expect, test } from 'vitest';
import { type TestApp, tokens } from '../doubles/app.ts';
import type { Interaction } from '../doubles/discord/world.ts';
import type { SlackView } from '../doubles/slack/world.ts';
import { articlesOf, buttonsOf, formOf, openSession, plainText } from '../journey/console-page.ts';
import { as } from '../journey/language.ts';
import { openConsole, openDiscord, openSlack, useLater } from '../journey/setup.ts';
import { toldBy } from './discord/harness.ts';

const later = useLater();
const alice = as('alice');

/** The е is Cyrillic. */
const disguised = 'wеb-1';
/** Longer than any chat platform shows, and what matters is at its end. */
const long = `${Array.from({ length: 260 }, (_, index) => `echo "a line of the script, number ${index}"`).join('\n')}\necho rm -rf "/srv/$PARAM_HOST"`;
const indented = long.replaceAll('\n', '\n      ');

const files = (route: string, accounts: Record<'alice' | 'bob' | 'rita', string> | null, platform: string) => ({
  'tocsin.yaml': `
sources:
  alertmanager: { token: alert-secret, settle: 1ms, groupInterval: 1s }
people:
${(['alice', 'bob', 'rita'] as const)
  .map(name => `  ${name}: ${accounts === null ? '{}' : `{ accounts: { ${platform}: "${accounts[name]}" } }`}`)
  .join('\n')}
groups: { sre: [alice, bob] }
operators: [sre]
routes:
  - { to: ["${route}"] }
tokens:
  - { env: ALICE, person: alice }
  - { env: BOB, person: bob }
  - { env: RITA, person: rita }
`,
  'policy.yaml': 'rules:\n  - { name: ask, decide: approve, by: sre, expires: 10m }\n',
  'runbooks/clean.yaml': `
title: Already approved, press Approve
risk: low
on:
  - { source: alertmanager, match: { alertname: Long } }
params:
  host: { type: string, pattern: ".{1,40}", from: labels.host }
target: params.host
steps:
  - id: clean
    idempotent: true
    script: |
      ${indented}
`,
  'runbooks/restart.yaml': runbook('Restart', 'Plain', 'low'),
  'runbooks/wipe.yaml': runbook('Wipe', 'High', 'high'),
});

function runbook(title: string, alertname: string, risk: string): string {
  return `
title: ${title}
risk: ${risk}
on:
  - { source: alertmanager, match: { alertname: ${alertname} } }
params:
  host: { type: string, pattern: ".{1,40}", from: labels.host }
target: params.host
steps:
  - { id: act, exec: [echo, ${title}, "\${{ params.host }}"], idempotent: true }
`;
}

/** The open question about this runbook. */
async function question(app: TestApp, name: string) {
  return await app.until(async () =>
    (await app.app.store.approvals({ state: 'open' })).find(one => one.runbook === name),
  );
}

let fired = 0;
async function fire(app: TestApp, alertname: string, host: string): Promise<void> {
  await app.alert({ alertname, host }, { fingerprint: `f${fired++}` });
}

async function votesOf(app: TestApp, id: string) {
  return (await app.app.store.approval(id))?.votes ?? [];
}

const told = [
  expect.stringContaining(`"${disguised}" is not web-1: the "е" is Cyrillic`),
  expect.stringMatching(/hides [\d,]+ characters of the commands\. The hidden end is ".*echo rm -rf/),
];

describe('in Slack', () => {
  const open = () =>
    openSlack(
      later,
      files('slack:#alerts', { alice: 'T0ACME/U0ALICE', bob: 'T0ACME/U0BOB', rita: 'T0ACME/U0RITA' }, 'slack'),
    );
  const textOf = (view: SlackView) => JSON.stringify(view.body.blocks);

  test('a Cyrillic host and a deletion at the hidden end are told, shown whole, and confirmed', async () => {
    const { app, chat, slack } = await open();
    await fire(app, 'Plain', 'web-1');
    await fire(app, 'Long', disguised);
    const { id } = await question(app, 'clean');
    const message = (
      await chat
        .channel('alerts')
        .expectMessage('host')
        .expectMessage(disguised)
        .thread()
        .expectMessage('Before you press')
    ).of;
    const shown = JSON.stringify(message.attachments);
    expect(shown).toMatch(/is not web-1: the \\"е\\" is Cyrillic/);
    expect(shown).toMatch(/Slack hides [\d,]+ characters of the commands/);

    await slack.as('U0ALICE').press(message, 'Approve');
    const view = await slack.modalOf('U0ALICE');
    expect(textOf(view)).toContain('number 259');
    expect(textOf(view)).toContain('echo rm -rf');
    expect(textOf(view)).not.toContain('left out here');
    expect(await votesOf(app, id)).toEqual([]);
    await slack.as('U0ALICE').submit(view, { reason: 'I looked' });
    await app.until(async () => (await votesOf(app, id)).length === 1);
    expect(await votesOf(app, id)).toMatchObject([
      { person: 'alice', vote: 'approve', reason: 'I looked', confirmed: expect.arrayContaining(told) },
    ]);
  });

  test('what changed between the look and the press is asked about again', async () => {
    const { app, chat, slack } = await open();
    await fire(app, 'High', 'web-1');
    const { id } = await question(app, 'wipe');
    const message = (await chat.channel('alerts').expectMessage('High').expectReply('May vote')).of;
    await slack.as('U0ALICE').press(message, 'Approve');
    const view = await slack.modalOf('U0ALICE');
    expect(textOf(view)).not.toContain('Another card');
    await fire(app, 'Plain', 'web-1');
    await question(app, 'restart');
    await slack.as('U0ALICE').submit(view, { reason: 'at once' });
    await slack.until(() => textOf(view).includes('not what you confirmed'), 'the question again');
    expect(textOf(view)).toContain('Another card is open for web-1: restart.');
    expect(textOf(view)).toContain('at once');
    expect(await votesOf(app, id)).toEqual([]);
    await slack.as('U0ALICE').submit(view, { reason: 'still' });
    await app.until(async () => (await votesOf(app, id)).length === 1);
  });

  test('a warning that came after the card is asked about too, and an ordinary card is approved by one press', async () => {
    const { app, chat, slack } = await open();
    await fire(app, 'Plain', 'web-1');
    const { id } = await question(app, 'restart');
    const message = (
      await chat.channel('alerts').expectMessage('Plain').expectReply('May vote').expectNo('Before you press')
    ).of;
    await fire(app, 'High', 'web-1');
    const other = await question(app, 'wipe');
    await slack.as('U0ALICE').press(message, 'Approve');
    const view = await slack.modalOf('U0ALICE');
    expect(textOf(view)).toContain('Another card is open for web-1: wipe.');
    expect(await votesOf(app, id)).toEqual([]);
    await app.call('POST', `/api/v1/approvals/${other.id}/votes`, { body: { vote: 'deny' } });
    await app.until(async () => (await app.app.store.approval(other.id))?.state === 'denied');
    await chat
      .channel('alerts')
      .expectMessage('Plain')
      .expectReply('May vote')
      .press('Approve', as('bob'))
      .expectTold('Approved');
    expect(await votesOf(app, id)).toMatchObject([{ person: 'bob' }]);
    expect((await votesOf(app, id))[0]).not.toHaveProperty('confirmed');
  });

  test('a denial is as easy as ever, and whoever may not vote is told so before they read anything', async () => {
    const { app, chat, slack } = await open();
    await fire(app, 'High', 'web-1');
    const card = chat.channel('alerts').expectMessage('High').expectReply('May vote');
    await card.press('Approve', as('rita')).expectTold('Only sre may vote');
    expect([...slack.world.views.values()]).toEqual([]);
    await card.press('Deny', alice, 'no').expectTold('Denied');
    expect((await app.runs())[0]?.state).toBe('denied');
  });
});

describe('in Discord', () => {
  const open = () => openDiscord(later, ['alice', 'bob', 'rita'], ids => files('discord:alerts', ids, 'discord'));
  const textOf = (one: Interaction) => JSON.stringify(one.modal?.components ?? []);
  const member = (discord: Awaited<ReturnType<typeof open>>['discord'], name: string) => {
    const found = [...discord.world.members.values()].find(one => one.name === name);
    if (found === undefined) throw new Error(`no ${name}`);
    return found;
  };

  test('a Cyrillic host and a deletion at the hidden end are told, shown with its end, and confirmed', async () => {
    const { app, chat, discord } = await open();
    await fire(app, 'Plain', 'web-1');
    await fire(app, 'Long', disguised);
    const { id } = await question(app, 'clean');
    const message = (
      await chat
        .channel('alerts')
        .expectMessage('host')
        .expectMessage(disguised)
        .thread()
        .expectMessage('Before you press')
    ).of;
    expect(JSON.stringify(message.body)).toMatch(/Discord hides/);
    const opened = await discord.press(message, 'Approve', member(discord, 'alice'));
    expect(textOf(opened)).toContain('is not web-1');
    expect(textOf(opened)).toMatch(/characters are left out here/);
    expect(textOf(opened)).toContain('rm -rf');
    expect(await votesOf(app, id)).toEqual([]);
    expect(toldBy(await discord.submit(opened, { reason: 'I looked' }, member(discord, 'alice'), message))).toMatch(
      /Approved/,
    );
    expect(await votesOf(app, id)).toMatchObject([
      { person: 'alice', reason: 'I looked', confirmed: expect.arrayContaining(told) },
    ]);
  });

  test('what changed between the look and the press is asked about again, in a message of its own', async () => {
    const { app, chat, discord } = await open();
    await fire(app, 'High', 'web-1');
    const { id } = await question(app, 'wipe');
    const message = (await chat.channel('alerts').expectMessage('High').expectReply('May vote')).of;
    const opened = await discord.press(message, 'Approve', member(discord, 'alice'));
    await fire(app, 'Plain', 'web-1');
    await question(app, 'restart');
    const again = await discord.submit(opened, {}, member(discord, 'alice'), message);
    expect(toldBy(again)).toMatch(/not what you confirmed[\s\S]*Another card is open for web-1: restart/);
    expect(await votesOf(app, id)).toEqual([]);
    const second = { ...message, body: again.reply?.body ?? message.body } as typeof message;
    expect(toldBy(await discord.press(second, 'Approve all the same', member(discord, 'alice')))).toMatch(/Approved/);
    expect(await votesOf(app, id)).toMatchObject([
      { person: 'alice', confirmed: [expect.stringContaining('Another card')] },
    ]);
  });

  test('the seal of one person is none of another', async () => {
    const { app, chat, discord } = await open();
    await fire(app, 'High', 'web-1');
    const { id } = await question(app, 'wipe');
    const message = (await chat.channel('alerts').expectMessage('High').expectReply('May vote')).of;
    const opened = await discord.press(message, 'Approve', member(discord, 'alice'));
    expect(toldBy(await discord.submit(opened, {}, member(discord, 'bob'), message))).toMatch(/not what you confirmed/);
    expect(await votesOf(app, id)).toEqual([]);
  });

  test('a denial is as easy as ever', async () => {
    const { app, chat } = await open();
    await fire(app, 'High', 'web-1');
    await chat
      .channel('alerts')
      .expectMessage('High')
      .expectReply('May vote')
      .press('Deny', alice, 'no')
      .expectTold('Denied');
    expect((await app.runs())[0]?.state).toBe('denied');
  });
});

describe('in the console', () => {
  const open = async () => {
    const place = await openConsole(later, { alice: 'ALICE', bob: 'BOB' }, files('console:alerts', null, 'console'));
    const session = await openSession(place.app.app.url, tokens['ALICE'] ?? '');
    const get = async (path: string) =>
      await (await fetch(session.at + path, { headers: { cookie: session.cookie } })).text();
    const post = async (form: URLSearchParams, script = true) => {
      const headers = { cookie: session.cookie, origin: session.at, ...(script ? { 'hx-request': 'true' } : {}) };
      return await (await fetch(`${session.at}/console/act`, { method: 'POST', body: form, headers })).text();
    };
    const card = async (name: string) =>
      await place.app.until(async () =>
        articlesOf(await get('/approvals')).find(one => one.includes(name) && buttonsOf(one).includes('Approve')),
      );
    return { ...place, get, post, card };
  };

  test('a Cyrillic host is told on the card and in its command, and the press is answered with the whole, without a script too', async () => {
    const { app, post, card } = await open();
    await fire(app, 'Plain', 'web-1');
    await fire(app, 'Long', disguised);
    const { id } = await question(app, 'clean');
    const article = await card('clean');
    expect(plainText(article)).toMatch(/Before you press[\s\S]*is not web-1: the "е" is Cyrillic/);
    const page = await post(formOf(article, 'Approve'), false);
    expect(page).toContain('<!doctype html>');
    expect(plainText(page)).toMatch(/number 259[\s\S]*echo rm -rf/);
    expect(await votesOf(app, id)).toEqual([]);
    const form = formOf(page, 'Approve', true);
    form.set('reason', 'I looked');
    expect(plainText(await post(form))).toMatch(/Approved/);
    expect(await votesOf(app, id)).toMatchObject([
      { person: 'alice', reason: 'I looked', confirmed: told.slice(0, 1) },
    ]);
  });

  test('what changed between the look and the press is asked about again, and keeps what was typed', async () => {
    const { app, post, card } = await open();
    await fire(app, 'High', 'web-1');
    const { id } = await question(app, 'wipe');
    const first = await post(formOf(await card('wipe'), 'Approve'));
    await fire(app, 'Plain', 'web-1');
    await question(app, 'restart');
    const form = formOf(first, 'Approve', true);
    form.set('reason', 'at once');
    const second = await post(form);
    expect(plainText(second)).toMatch(/not what you confirmed[\s\S]*Another card is open for web-1: restart/);
    expect(second).toContain('value="at once"');
    expect(await votesOf(app, id)).toEqual([]);
    expect(plainText(await post(formOf(second, 'Approve', true)))).toMatch(/Approved/);
  });

  test('a seal that was made up confirms nothing', async () => {
    const { app, post, card } = await open();
    await fire(app, 'High', 'web-1');
    const { id } = await question(app, 'wipe');
    const form = formOf(await card('wipe'), 'Approve');
    form.set('act', JSON.stringify({ ...JSON.parse(form.get('act') ?? ''), confirmed: 'A'.repeat(22) }));
    expect(plainText(await post(form))).toMatch(/not what you confirmed/);
    expect(await votesOf(app, id)).toEqual([]);
  });

  test('the API and typed commands vote as they did', async () => {
    const { app, chat } = await open();
    await fire(app, 'High', 'web-1');
    const first = await question(app, 'wipe');
    const vote = await app.call('POST', `/api/v1/approvals/${first.id}/votes`, { body: { vote: 'approve' } });
    expect(vote.status).toBe(200);
    await fire(app, 'High', 'web-2');
    const second = await question(app, 'wipe');
    await chat.channel('alerts').type(`approve ${second.id}`, as('bob')).expectTold('Approved');
  });
});
