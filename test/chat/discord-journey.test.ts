import { afterEach, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../doubles/app.ts';
import { addMember, addRole, type DiscordDouble, readMessage, startDiscord } from '../doubles/discord/index.ts';
import type { Member, Message } from '../doubles/discord/world.ts';
import { messageOf, toldBy } from './discord/ground.ts';

const grounds: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of grounds.splice(0).reverse()) await close();
});

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

interface Place {
  discord: DiscordDouble;
  app: TestApp;
  alice: Member;
  bob: Member;
  carol: Member;
  mallory: Member;
  root: () => Message | undefined;
  thread: () => Message[];
  find: (text: string) => Promise<Message>;
}

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

async function openPlace(files: Record<string, string> = {}, env: Record<string, string> = {}): Promise<Place> {
  const discord = await startDiscord({ limits: { messages: 100, per: 1000, global: 500 } });
  grounds.push(discord.close);
  const [alice, bob, carol, mallory] = ['alice', 'bob', 'carol', 'mallory'].map(name =>
    addMember(discord.world, name),
  ) as [Member, Member, Member, Member];
  addRole(discord.world, 'sre', [alice, bob, carol]);
  const app = await startTestApp(
    {
      'tocsin.yaml': `
sources:
  alertmanager: { token: alert-secret }
people:
  alice: { accounts: { discord: "${alice.id}" } }
  bob: { accounts: { discord: "${bob.id}" } }
  carol: { accounts: { discord: "${carol.id}" } }
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
    },
    { env: { ...discord.env, ...env } },
  );
  grounds.push(app.stop);
  const root = () => discord.channel('alerts').messages[0];
  const thread = () => discord.thread(root()?.id ?? '');
  const find = (text: string) =>
    app.until(async () => thread().find(message => readMessage(message.body).plain.includes(text)));
  if (env['DISCORD_TOKEN'] === undefined) await app.until(async () => discord.world.commands.length > 0);
  return { discord, app, alice, bob, carol, mallory, root, thread, find };
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
    const { discord, app, alice, bob, mallory, root, thread, find } = await openPlace();
    await app.alert({ alertname: 'Down', instance: 'web-1' });
    const card = await find('May vote');
    expect(readMessage(card.body).plain).toContain('restarting web-1 soft');
    // The people who may vote are called, by their ids and nothing else.
    expect(card.body.allowed_mentions).toMatchObject({ parse: [], users: expect.arrayContaining([alice.id, bob.id]) });

    expect(toldBy(await discord.press(card, 'Approve', mallory))).toContain('people of tocsin.yaml');
    expect(toldBy(await discord.press(card, 'Approve', alice))).toContain('1 more is needed');
    expect(toldBy(await discord.press(card, 'Approve', alice))).toContain('voted already');
    expect(toldBy(await discord.press(card, 'Approve', bob))).toContain('Approved');

    const [run] = await app.runs();
    expect((await app.ended(run?.id ?? '')).state).toBe('succeeded');
    await find('restarting web-1 soft');
    // After the decision the buttons are gone, and whoever was late is told how it was decided.
    const labels = (message: Message) =>
      (message.body.components ?? []).flatMap(row => row.components.map(one => one.label));
    const shown = card.body.components;
    await app.until(async () => labels(messageOf(discord, `approval/${run?.approval}`)).includes('Approve') === false);
    const late = { ...card, body: { ...card.body, components: shown ?? [] } };
    const told = toldBy(await discord.press(late, 'Approve', alice));
    expect(told).toMatch(/changed before you pressed[\s\S]*alice: approve[\s\S]*bob: approve/);

    await app.alert({ alertname: 'Down', instance: 'web-1' }, { status: 'resolved' });
    await app.until(async () => root()?.body.embeds?.[0]?.title?.includes('resolved'));
    await app.until(async () => root()?.reactions.has('✅') && root()?.reactions.has('🔥') === false);
    const keys = thread().map(message => message.body.embeds?.at(-1)?.footer?.text);
    expect(new Set(keys).size).toBe(keys.length);
    expect(discord.channel('alerts').messages).toHaveLength(1);
    expect(discord.world.violations).toEqual([]);
    const journal = await app.journal();
    expect(journal.filter(entry => entry.fact.kind === 'act.refused' && entry.actor.kind === 'stranger')).toHaveLength(
      1,
    );
  }, 30_000);

  test('a hundred presses by ten people at once make one decision', async () => {
    const { discord, app, alice, bob, carol, mallory, find } = await openPlace();
    await app.alert({ alertname: 'Down', instance: 'web-1' });
    const card = await find('May vote');
    const people = [
      alice,
      bob,
      carol,
      mallory,
      ...Array.from({ length: 6 }, (_, i) => addMember(discord.world, `s${i}`)),
    ];
    const presses = Array.from({ length: 100 }, (_, i) => discord.press(card, 'Approve', people[i % 10] ?? alice));
    const answers = (await Promise.all(presses)).map(toldBy);
    expect(answers.every(text => text !== '')).toBe(true);
    expect(answers.filter(text => text.includes('Approved.'))).toHaveLength(1);
    expect(answers.filter(text => text.includes('Your vote counts'))).toHaveLength(1);
    const journal = await app.journal();
    expect(journal.filter(entry => entry.fact.kind === 'approval.voted')).toHaveLength(2);
    expect(journal.filter(entry => entry.fact.kind === 'run.released')).toHaveLength(1);
    expect(discord.world.violations).toEqual([]);
  }, 30_000);

  test('commands: suggestions, a form for what is missing, in a thread its alert', async () => {
    const { discord, app, alice, mallory, find, root } = await openPlace();
    await app.alert({ alertname: 'Down', instance: 'web-1' });
    await find('May vote');
    expect(await discord.complete('run', 'runbook', { runbook: 'rest' }, alice)).toEqual([
      { name: 'restart (Restart it)', value: 'restart' },
    ]);
    expect(
      await discord.complete('run', 'params', { runbook: 'restart', params: 'instance=web-1 how=h' }, alice),
    ).toEqual([{ name: 'instance=web-1 how=hard', value: 'instance=web-1 how=hard' }]);
    expect(await discord.complete('run', 'runbook', { runbook: '' }, mallory)).toEqual([]);

    const opened = await discord.slash('run', { runbook: 'restart' }, alice);
    expect(opened.modal?.components.map(field => field.label)).toEqual(['instance', 'how (optional)']);
    const wrong = await discord.submit(opened, { 'p.instance': 'WEB 1!' }, alice);
    expect(toldBy(wrong)).toMatch(/does not match its pattern[\s\S]*Correct it/);
    const answer: Message = { ...emptyMessage(discord), body: wrong.reply?.body as Message['body'] };
    const again = await discord.press(answer, 'Correct it', alice);
    expect(again.modal?.components.map(({ component }) => component)).toMatchObject([
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
    const refused = (await app.journal()).filter(entry => entry.fact.kind === 'act.refused');
    expect(refused.map(entry => [entry.actor.kind, entry.fact.kind === 'act.refused' && entry.fact.subject])).toEqual([
      ['stranger', 'restart'],
    ]);

    const status = await discord.slash('status', {}, alice, { channel: root()?.id ?? '' });
    expect(toldBy(status)).toContain('a test alert');
    expect(toldBy(await discord.slash('list', {}, alice, { guild: '1160000000000000999' }))).toContain(
      'another Discord server',
    );
    expect(toldBy(await discord.slash('list', {}, alice, { guild: null }))).toContain('direct message');
    expect(discord.world.violations).toEqual([]);
  }, 30_000);

  test('an outage of Discord stops nothing: the run goes on, and the thread catches up in order, each message once', async () => {
    const { discord, app, root, thread } = await openPlace();
    await app.alert({ alertname: 'Down', instance: 'web-1' });
    await app.until(async () => root());
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
    await app.until(async () =>
      thread().find(message => readMessage(message.body).plain.includes('restarting web-1 soft')),
    );
    await app.until(async () => thread().find(message => readMessage(message.body).plain.includes('succeeded')));
    await app.until(async () => (await trouble()) === null);
    const keys = thread().map(message => message.body.embeds?.at(-1)?.footer?.text ?? '');
    expect(new Set(keys).size).toBe(keys.length);
    const posts = await app.app.store.posts({ platform: 'discord', limit: 100 });
    const orderOf = (key: string) => posts.find(post => post.key === key)?.order ?? 0;
    expect(keys.map(orderOf)).toEqual(keys.map(orderOf).sort((a, b) => a - b));
    expect(discord.world.violations).toEqual([]);
  }, 60_000);

  test('output is one message that is edited, and the full log is a file in the thread', async () => {
    const { discord, app, alice, bob, root, thread, find } = await openPlace({
      'runbooks/restart.yaml': loud,
    });
    await app.alert({ alertname: 'Down', instance: 'web-1' });
    const card = await find('May vote');
    await discord.press(card, 'Approve', alice);
    await discord.press(card, 'Approve', bob);
    const [run] = await app.runs();
    await app.ended(run?.id ?? '');
    const log = await app.until(async () => thread().find(message => message.files.length > 0));
    expect(log.files[0]?.text).toMatch(/^[\s\S]*line 1\n[\s\S]*line 3000\n/);
    const output = await find('line 3000');
    expect(readMessage(output.body).plain).not.toContain('line 1000');
    expect(thread().filter(message => message.body.embeds?.at(-1)?.footer?.text?.startsWith('output/'))).toHaveLength(
      1,
    );
    expect(log.channel).toBe(root()?.id);
    expect(discord.world.violations).toEqual([]);
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
