import { describe, expect, test } from 'vitest';
import type { TestApp } from '../doubles/app.ts';
import { addMember, addRole, type DiscordDouble, fieldsOf } from '../doubles/discord/index.ts';
import type { Member, Message } from '../doubles/discord/world.ts';
import { as, type Chat } from '../journey/language.ts';
import { openDiscord, useLater } from '../journey/setup.ts';
import { toldBy } from './discord/harness.ts';

const later = useLater();
const [alice, bob, mallory] = [as('alice'), as('bob'), as('mallory')];

const policy = `
rules:
  - { name: ask sre, decide: approve, by: sre, quorum: 2, expires: 10m }
`;
const runbook = `
title: Restart it
risk: low
on:
  - source: alertmanager
    match: { alertname: Down }
params:
  instance: { type: string, pattern: "[a-z0-9.-]{1,60}", from: labels.instance }
  how: { type: enum, options: [soft, hard], default: soft }
target: params.instance
steps:
  - id: say
    exec: [echo, "restarting \${{ params.instance }} \${{ params.how }}"]
`;

const loud = `
title: Say much
risk: low
on:
  - source: alertmanager
    match: { alertname: Down }
steps:
  - id: say
    script: for i in $(seq 1 3000); do echo "line $i"; done
`;

const people = ['alice', 'bob', 'carol', 'mallory'] as const;
type Name = (typeof people)[number];

interface Place {
  discord: DiscordDouble;
  app: TestApp;
  chat: Chat<Message>;
  ids: Record<Name, string>;
  /** For what a person does that is no part of a journey. */
  member(name: Name): Member;
}

async function openPlace(files: Record<string, string> = {}, env: Record<string, string> = {}): Promise<Place> {
  const whole = (ids: Record<Name, string>) => ({
    'tocsin.yaml': `
sources:
  alertmanager: { token: alert-secret }
people:
  alice: { accounts: { discord: "${ids.alice}" } }
  bob: { accounts: { discord: "${ids.bob}" } }
  carol: { accounts: { discord: "${ids.carol}" } }
groups: { sre: [alice, bob, carol] }
operators: [sre]
routes:
  - to: ["discord:alerts"]
tokens:
  - { env: ALICE, person: alice }
  - { env: BOB, person: bob }
`,
    'policy.yaml': policy,
    'runbooks/restart.yaml': runbook,
    ...files,
  });
  const linked = env['DISCORD_TOKEN'] === undefined;
  // A role that is called as the group is: nobody is called by it.
  const prepare = ({ world }: DiscordDouble) => void addRole(world, 'sre', [...world.members.values()].slice(0, 3));
  const place = await openDiscord(later, people, whole, { env, linked, prepare });
  const member = (name: Name) => {
    const found = place.discord.world.members.get(place.ids[name]);
    if (found === undefined) throw new Error(`${name} is not there`);
    return found;
  };
  return { ...place, member };
}

/** The marks below the messages of everybody's channels; each stands there once. */
function marks(discord: DiscordDouble): string[] {
  const all = [...discord.world.channels.values()].flatMap(channel => channel.messages);
  return all.map(message => message.body.embeds?.at(-1)?.footer?.text ?? '');
}

/** A private answer as a message that buttons can be pressed on. */
function emptyMessage(discord: DiscordDouble): Message {
  const place = { id: '1160000000000000001', channel: discord.channel('alerts').id, author: discord.world.bot.id };
  return {
    ...place,
    body: { allowed_mentions: { parse: [] } },
    files: [],
    reactions: new Map(),
    nonce: null,
    at: 0,
    edits: 0,
  };
}

describe('an alert in Discord', () => {
  test('is asked about, approved by two people, run, shown and resolved, each message once', async () => {
    const { discord, app, chat, ids, member } = await openPlace();
    await app.alert({ alertname: 'Down', instance: 'web-1' });
    const root = chat.channel('alerts').expectMessage('a test alert');
    const question = root.thread().expectMessage('May vote').expectUpdate('restarting web-1 soft');
    const card = (await question).of;
    // The people who may vote are called, by their ids and nothing else.
    expect(card.body.allowed_mentions).toMatchObject({
      parse: [],
      users: expect.arrayContaining([ids.alice, ids.bob]),
    });
    const asked = { ...card, body: { ...card.body } };

    await question.press('Approve', mallory).expectTold('people of tocsin.yaml');
    await question.press('Approve', alice).expectTold('1 more is needed');
    await question.press('Approve', alice).expectTold('voted already');
    await question.press('Approve', bob).expectTold('Approved');

    const [run] = await app.runs();
    expect((await app.ended(run?.id ?? '')).state).toBe('succeeded');
    await root.thread().expectMessage('Output of').expectUpdate('restarting web-1 soft');
    // After the decision the buttons are gone, and whoever was late is told how it was decided.
    await question.expectNoButton('Approve');
    const late = await discord.press(asked, 'Approve', member('alice'));
    expect(toldBy(late)).toMatch(/changed before you pressed[\s\S]*alice approved[\s\S]*bob approved/);

    await app.alert({ alertname: 'Down', instance: 'web-1' }, { status: 'resolved' });
    const resolved = await root.expectUpdate('resolved').expectReaction('✅').expectNoReaction('🔥');
    expect(resolved.of.body.embeds?.[0]?.title).toContain('resolved');
    expect(new Set(marks(discord)).size).toBe(marks(discord).length);
    await chat.channel('alerts').expectCount(1);
    const journal = await app.journal();
    expect(journal.filter(entry => entry.fact.kind === 'act.refused' && entry.actor.kind === 'stranger')).toHaveLength(
      1,
    );
  }, 30_000);

  test('a hundred presses by ten people at once make one decision', async () => {
    const { discord, app, chat } = await openPlace();
    for (let more = 0; more < 6; more++) addMember(discord.world, `s${more}`);
    await app.alert({ alertname: 'Down', instance: 'web-1' });
    const card = (await chat.channel('alerts').expectMessage('a test alert').expectReply('May vote')).of;
    const crowd = [...discord.world.members.values()];
    expect(crowd).toHaveLength(10);
    const presses = Array.from({ length: 10 }, () => crowd.map(who => discord.press(card, 'Approve', who))).flat();
    const answers = (await Promise.all(presses)).map(toldBy);
    expect(answers.every(text => text !== '')).toBe(true);
    expect(answers.filter(text => text.includes('Approved.'))).toHaveLength(1);
    expect(answers.filter(text => text.includes('Your vote counts'))).toHaveLength(1);
    const journal = await app.journal();
    expect(journal.filter(entry => entry.fact.kind === 'approval.voted')).toHaveLength(2);
    expect(journal.filter(entry => entry.fact.kind === 'run.released')).toHaveLength(1);
  }, 30_000);

  test('commands: suggestions, a form for what is missing, in a thread its alert', async () => {
    const { discord, app, chat, member } = await openPlace();
    const [alice, mallory] = [member('alice'), member('mallory')];
    await app.alert({ alertname: 'Down', instance: 'web-1' });
    const root = chat.channel('alerts').expectMessage('a test alert');
    await root.expectReply('May vote');
    expect(await discord.complete('run', 'runbook', { runbook: 'rest' }, alice)).toEqual([
      { name: 'restart (Restart it)', value: 'restart' },
    ]);
    expect(
      await discord.complete('run', 'params', { runbook: 'restart', params: 'instance=web-1 how=h' }, alice),
    ).toEqual([{ name: 'instance=web-1 how=hard', value: 'instance=web-1 how=hard' }]);
    expect(await discord.complete('run', 'runbook', { runbook: '' }, mallory)).toEqual([]);

    const opened = await discord.slash('run', { runbook: 'restart' }, alice);
    expect(fieldsOf(opened).map(field => field.label)).toEqual(['instance', 'how (optional)']);
    const wrong = await discord.submit(opened, { 'p.instance': 'WEB 1!' }, alice);
    expect(toldBy(wrong)).toMatch(/does not match its pattern[\s\S]*Correct it/);
    const answer: Message = { ...emptyMessage(discord), body: wrong.reply?.body as Message['body'] };
    const again = await discord.press(answer, 'Correct it', alice);
    expect(fieldsOf(again).map(({ component }) => component)).toMatchObject([
      { custom_id: 'p.instance', value: 'WEB 1!' },
      { custom_id: 'p.how', options: [{ value: 'soft', default: true }, { value: 'hard' }] },
    ]);
    const right = await discord.submit(again, { 'p.instance': 'web-3' }, alice);
    expect(toldBy(right)).toContain('waits for approval by sre');

    const direct = await discord.slash('run', { runbook: 'restart', params: 'instance=web-2 how=hard' }, alice);
    expect(toldBy(direct)).toContain('waits for approval by sre');
    expect(toldBy(await discord.slash('list', {}, mallory))).toContain('Not done');
    expect(toldBy(await discord.slash('run', { runbook: 'restart', params: 'instance=web-9' }, mallory))).toContain(
      'Not done',
    );
    const about = ['ack', 'unack', 'silence', 'unsilence', 'close'];
    const needed: Record<string, object> = { silence: { for: '1h' }, close: { reason: 'it is gone' } };
    for (const name of about)
      expect(toldBy(await discord.slash(name, { alert: `alt_${name}`, ...needed[name] }, mallory))).toContain(
        'Not done',
      );
    const refused = (await app.journal()).filter(entry => entry.fact.kind === 'act.refused');
    expect(refused.map(entry => [entry.actor.kind, entry.fact.kind === 'act.refused' && entry.fact.subject])).toEqual([
      ['stranger', 'restart'],
      ...about.map(name => ['stranger', `alt_${name}`]),
    ]);

    const status = await discord.slash('status', {}, alice, { channel: (await root).id });
    expect(toldBy(status)).toContain('a test alert');
    expect(toldBy(await discord.slash('list', {}, alice, { guild: '1160000000000000999' }))).toContain(
      'another Discord server',
    );
    expect(toldBy(await discord.slash('list', {}, alice, { guild: null }))).toContain('direct message');
  }, 30_000);

  test('an outage of Discord stops nothing: the run goes on, and the thread catches up in order, each message once', async () => {
    const { discord, app, chat } = await openPlace();
    await app.alert({ alertname: 'Down', instance: 'web-1' });
    const root = chat.channel('alerts').expectMessage('a test alert');
    await root;
    // Nothing gets through for a while, some of it after it took effect, and the gateway is gone too.
    const any = { times: 10_000, path: /./ };
    discord.world.faults.push({ method: 'POST', how: 'lost', times: 1, path: /messages$/ });
    for (const method of ['GET', 'POST', 'PATCH', 'PUT', 'DELETE'])
      discord.world.faults.push({ ...any, method, how: 'error' });
    discord.gateway.drop();
    const [approval] = await app.until(async () => {
      const open = await app.app.store.approvals({ state: 'open' });
      return open.length > 0 ? open : null;
    });
    for (const person of ['ALICE', 'BOB'] as const)
      await app.call('POST', `/api/v1/approvals/${approval?.id}/votes`, { as: person, body: { vote: 'approve' } });
    const run = await app.ended(approval?.run ?? '');
    expect(run.state).toBe('succeeded');
    const trouble = async () => (await app.call('GET', '/readyz', { as: null })).body.parts['chat discord'];
    await app.until(async () => (await trouble()) !== null);

    discord.world.faults = [];
    await root.thread().expectMessage('Output of').expectUpdate('restarting web-1 soft');
    await root.thread().expectMessage('succeeded');
    await app.until(async () => (await trouble()) === null);
    const keys = marks(discord);
    expect(new Set(keys).size).toBe(keys.length);
    const posts = await app.app.store.posts({ platform: 'discord', limit: 100 });
    const orderOf = (key: string) => posts.find(post => post.key === key)?.order ?? 0;
    expect(keys.map(orderOf)).toEqual(keys.map(orderOf).sort((a, b) => a - b));
  }, 60_000);

  test('output is one message that is edited, and the full log is a file in the thread', async () => {
    const { discord, app, chat } = await openPlace({ 'runbooks/restart.yaml': loud });
    await app.alert({ alertname: 'Down', instance: 'web-1' });
    const root = chat.channel('alerts').expectMessage('a test alert');
    const question = root.thread().expectMessage('May vote');
    await question.press('Approve', alice).expectTold('1 more is needed');
    await question.press('Approve', bob).expectTold('Approved');
    const [run] = await app.runs();
    await app.ended(run?.id ?? '');
    await root.thread().expectFile(/^[\s\S]*line 1\n[\s\S]*line 3000\n/);
    await root.thread().expectMessage('line 3000').expectNo('line 1000');
    expect(marks(discord).filter(mark => mark.startsWith('output/'))).toHaveLength(1);
  }, 60_000);

  test('a wrong token stops nothing: the house starts, decides and runs, and says which token it is', async () => {
    const { app } = await openPlace({}, { DISCORD_TOKEN: 'wrong' });
    await app.alert({ alertname: 'Down', instance: 'web-1' });
    const [approval] = await app.until(async () => {
      const open = await app.app.store.approvals({ state: 'open' });
      return open.length > 0 ? open : null;
    });
    for (const person of ['ALICE', 'BOB'] as const)
      await app.call('POST', `/api/v1/approvals/${approval?.id}/votes`, { as: person, body: { vote: 'approve' } });
    expect((await app.ended(approval?.run ?? '')).state).toBe('succeeded');
    const ready = await app.until(async () => {
      const { body } = await app.call('GET', '/readyz', { as: null });
      return body.parts['chat discord'] === null ? null : body;
    });
    expect(ready.parts['chat discord']).toMatch(/does not take the bot token in DISCORD_TOKEN/);
    expect([ready.ready, ready.well]).toEqual([true, false]);
  }, 30_000);
});
