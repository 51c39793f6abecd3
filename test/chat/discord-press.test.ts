import { afterEach, describe, expect, test } from 'vitest';
import { buttonReference, readReference } from '../../src/chat/discord/buttons.ts';
import { lineOf } from '../../src/chat/discord/commands.ts';
import { splitWords } from '../../src/flow/acts/commands.ts';
import type { Act } from '../../src/model/act.ts';
import type { Button, Card, Post } from '../../src/model/card.ts';
import { samplePost } from '../contracts/samples.ts';
import { type ParamView, peopleParams, sampleParam, sampleRunbook } from '../contracts/views.ts';
import { addMember, type DiscordDouble, fieldsOf } from '../doubles/discord/index.ts';
import type { Interaction, Message } from '../doubles/discord/world.ts';
import { discordChat } from '../journey/discord.ts';
import { as } from '../journey/language.ts';
import { type Harness, messageOf, openHarness, show, toldBy, until } from './discord/harness.ts';

let open: Harness[] = [];
afterEach(async () => {
  for (const one of open) {
    await one.close();
    expect(one.discord.world.violations).toEqual([]);
  }
  open = [];
});

async function start() {
  const harness = await openHarness();
  open.push(harness);
  return { ...harness, chat: discordChat(harness.discord) };
}
const [alice, mallory] = [as('alice'), as('mallory')];

const act = (what: Act, over: Partial<Button> = {}): Button => ({
  label: 'Press',
  style: 'plain',
  reason: 'none',
  does: { kind: 'act', act: what },
  ...over,
});
const cancel = (over: Partial<Button> = {}) =>
  act({ kind: 'cancel', run: 'run_1', reason: null }, { label: 'Cancel', ...over });
const card = (over: Partial<Card> = {}): Card => ({
  tone: 'ask',
  title: 'Restart it',
  badge: null,
  blocks: [],
  buttons: [],
  mention: [],
  ...over,
});
const post = (over: Partial<Post> = {}): Post =>
  samplePost({ platform: 'discord', key: 'run/run_1', createdAt: Date.now(), card: card(), ...over });

/** A private answer, as a message that can be pressed. */
function answerOf(one: Interaction, discord: DiscordDouble): Message {
  const place = { id: '1160000000000000001', channel: discord.channel('alerts').id, author: discord.world.bot.id };
  const body = { allowed_mentions: { parse: [] }, ...one.reply?.body };
  return { ...place, body, files: [], reactions: new Map(), nonce: null, at: 0, edits: 0 };
}

describe('a press', () => {
  test('is acknowledged before anything is looked up', async () => {
    const harness = await start();
    const { discord, double } = harness;
    await show(harness, post({ card: card({ buttons: [cancel()] }) }));
    const message = messageOf(discord, 'run/run_1');
    const gate = Promise.withResolvers<void>();
    const read = double.store.post.bind(double.store);
    double.store.post = async (...key) => {
      await gate.promise;
      return read(...key);
    };
    const pressed = discord.press(message, 'Cancel', harness.alice);
    const one = await until(() => [...discord.world.interactions.values()].find(({ first }) => first !== null));
    expect(one.first).toBe(5);
    expect(double.acts).toEqual([]);
    gate.resolve();
    expect(toldBy(await pressed)).toContain('Done.');
    expect(double.acts.map(({ act: done }) => done)).toEqual([{ kind: 'cancel', run: 'run_1', reason: null }]);
  });

  test('twice is two acts of one person: the house counts, and each press is answered', async () => {
    const harness = await start();
    await show(harness, post({ card: card({ buttons: [cancel()] }) }));
    const message = messageOf(harness.discord, 'run/run_1');
    harness.double.answers = [
      { ok: true, text: 'Cancelled.' },
      { ok: false, code: 'conflict', status: 409, text: 'It is cancelled already, by alice.' },
    ];
    const presses = [1, 2].map(() => harness.discord.press(message, 'Cancel', harness.alice));
    const told = (await Promise.all(presses)).map(toldBy).sort();
    expect(told[0]).toContain('Cancelled.');
    expect(told[1]).toContain('already, by alice');
  });

  test('an optional reason may stay empty; a typed one goes with the act', async () => {
    const harness = await start();
    const { discord, double, alice } = harness;
    await show(harness, post({ card: card({ buttons: [cancel({ reason: 'optional' })] }) }));
    const message = messageOf(discord, 'run/run_1');
    const opened = await discord.press(message, 'Cancel', alice);
    expect(opened).toMatchObject({ first: 9, modal: { title: 'Cancel' } });
    expect(toldBy(await discord.submit(opened, {}, alice, message))).toContain('Done.');
    expect(toldBy(await discord.submit(opened, { reason: 'wrong host' }, alice, message))).toContain('Done.');
    expect(double.acts.map(({ act: done }) => 'reason' in done && done.reason)).toEqual([null, 'wrong host']);
  });

  test('on a card that has changed does nothing, and shows how it stands', async () => {
    const harness = await start();
    const { discord, double, alice } = harness;
    await show(harness, post({ card: card({ buttons: [cancel()] }) }));
    const before = { ...messageOf(discord, 'run/run_1') };
    await show(harness, post({ wanted: 2, card: card({ buttons: [] }) }));
    double.details.set('run/run_1', card({ badge: 'succeeded' }));
    const told = toldBy(await discord.press(before, 'Cancel', alice));
    expect(told).toMatch(/nothing was done[\s\S]*/);
    expect(told).toContain('succeeded');
    expect(double.acts).toEqual([]);
    // A button of a foreign message, or of another version, is told apart too.
    const custom = { data: { component_type: 2, custom_id: 'approve:everything' } };
    expect(toldBy(await discord.press(before, 'Cancel', alice, custom))).toContain('not one of this version');
    expect(double.acts).toEqual([]);
  });

  test('Details are private, their buttons work, and what does not fit is in a file', async () => {
    const { chat, ...harness } = await start();
    const { discord, double } = harness;
    const details: Button = {
      label: 'Details',
      style: 'plain',
      reason: 'none',
      does: { kind: 'details', subject: 'run', id: 'run_1' },
    };
    await show(harness, post({ card: card({ buttons: [details] }) }));
    const plan = Array.from({ length: 400 }, (_, i) => `${i}. echo step number ${i}`).join('\n');
    double.details.set('run/run_1', card({ blocks: [{ kind: 'code', text: plan }], buttons: [cancel()] }));
    const message = messageOf(discord, 'run/run_1');
    const shown = await discord.press(message, 'Details', harness.alice);
    expect(shown.reply?.flags).toBe(64);
    expect(toldBy(shown)).toContain('more characters');
    expect(shown.reply?.files[0]).toMatchObject({
      name: 'details.txt',
      text: expect.stringContaining('399. echo step number 399'),
    });
    expect(toldBy(await discord.press(answerOf(shown, discord), 'Cancel', harness.alice))).toContain('Done.');
    expect(double.acts).toHaveLength(1);
    await chat.channel('alerts').expectMessage('Restart it').press('Details', mallory).expectTold('people:');
  });

  test('whose act fails inside is told so, and nothing else breaks', async () => {
    const { chat, ...harness } = await start();
    await show(harness, post({ card: card({ buttons: [cancel()] }) }));
    const message = chat.channel('alerts').expectMessage('Restart it');
    const { act: perform } = harness.double.host;
    harness.double.host.act = async () => {
      throw new Error('the disk is on fire');
    };
    await message.press('Cancel', alice).expectTold('Something failed inside Tocsin').expectNotTold('fire');
    harness.double.host.act = perform;
    await message.press('Cancel', alice).expectTold('Done.');
  });

  test('an answer that Discord does not take at first is sent again; the act is done once', async () => {
    const { chat, ...harness } = await start();
    const { discord, double } = harness;
    await show(harness, post({ card: card({ buttons: [cancel()] }) }));
    discord.world.faults.push({ method: 'PATCH', path: /\/webhooks\//, how: 'error', times: 2 });
    await chat.channel('alerts').expectMessage('Restart it').press('Cancel', alice).expectTold('Done.');
    expect(double.acts).toHaveLength(1);
  });
});

test('a button carries what it is on and what it does, within a hundred characters', () => {
  const vote = act({
    kind: 'vote',
    approval: 'apv_0mgw3k5q2x7c0mgw3k5q2x',
    vote: 'approve',
    reason: null,
    seal: 'ab'.repeat(32),
  });
  const text = buttonReference(vote, { kind: 'post', key: 'approval/apv_0mgw3k5q2x7c0mgw3k5q2x' }) ?? '';
  expect(text.length).toBeLessThanOrEqual(100);
  expect(readReference(text)).toMatchObject({
    asks: 'none',
    place: { kind: 'post', key: 'approval/apv_0mgw3k5q2x7c0mgw3k5q2x' },
  });
  const other = buttonReference({ ...vote, label: 'Other' }, { kind: 'details', subject: 'run', id: 'run_1' }) ?? '';
  expect(readReference(other)?.digest).not.toBe(readReference(text)?.digest);
  expect(buttonReference(vote, { kind: 'post', key: 'x'.repeat(90) })).toBeNull();
  for (const wrong of ['', 'b.n.short.p.x', 'b.x.0123456789abcdef.p.x', 'b.n.0123456789abcdef.q.x'])
    expect(readReference(wrong)).toBeNull();
});

test('what was typed reaches the command exactly, whatever is in it', () => {
  const commands = [
    {
      id: 'deny',
      about: '',
      usage: '',
      examples: [],
      args: [
        { name: 'approval', about: '', required: true, of: 'approval' as const },
        { name: 'reason', about: '', required: false, of: 'text' as const },
      ],
    },
  ];
  for (const text of ['two words', 'it\'s "quoted" \\ here', 'a=b', '$(id) `id` && true', 'new\nline']) {
    const options = [
      {
        name: 'deny',
        options: [
          { name: 'reason', value: text },
          { name: 'approval', value: 'apv_1' },
        ],
      },
    ];
    expect(splitWords(lineOf({ name: 'tocsin', options }, commands))).toEqual(['deny', 'apv_1', `reason=${text}`]);
  }
});

test('a form has a field for each parameter by its type, and takes what was typed already', async () => {
  const harness = await start();
  const { discord, double, alice } = harness;
  const param = (name: string, over: Partial<ParamView> = {}) => sampleParam(name, { about: `About ${name}`, ...over });
  double.view.runbooks = [
    sampleRunbook({
      id: 'many',
      title: 'Many parameters of a runbook whose title is longer than a modal takes',
      params: [
        param('optional', { required: false }),
        param('host'),
        param('count', { type: 'number', about: '' }),
        param('dry', { type: 'boolean', required: false, default: 'true' }),
        param('mode', { type: 'enum', options: ['soft', 'hard'] }),
        param('sixth', { required: false }),
        param('given'),
      ],
    }),
  ];
  const opened = await discord.slash('run', { runbook: 'many', params: 'given=yes reason=drill' }, alice);
  const fields = fieldsOf(opened);
  expect(fields.map(({ label }) => label)).toEqual(['host', 'count', 'mode', 'optional (optional)', 'dry (optional)']);
  expect(fields.map(({ component }) => component.type)).toEqual([4, 4, 3, 4, 3]);
  expect(fields.at(-1)?.component).toMatchObject({ options: [{ value: 'true', default: true }, { value: 'false' }] });
  const filled = { 'p.host': 'web "1"', 'p.count': '3', 'p.mode': 'hard' };
  expect(toldBy(await discord.submit(opened, filled, alice))).toContain('Done.');
  expect(double.acts[0]?.act).toMatchObject({
    kind: 'run',
    runbook: 'many',
    params: { given: 'yes', host: 'web "1"', count: 3, mode: 'hard', dry: true },
    reason: 'drill',
  });
  expect(toldBy(await discord.slash('run', { runbook: 'mani' }, alice))).toContain('Did you mean "many"');
});

test('a parameter that is a person is chosen among the members, and becomes the person that the account belongs to', async () => {
  const { discord, double, alice, bob } = await start();
  const nobody = addMember(discord.world, 'nobody');
  double.view.runbooks = [sampleRunbook({ id: 'page', title: 'Page', params: peopleParams() })];
  const opened = await discord.slash('run', { runbook: 'page', params: 'deputy=alice' }, alice);
  expect(fieldsOf(opened).map(({ component }) => component)).toEqual([
    { type: 5, custom_id: 'p.owner', required: true },
    { type: 5, custom_id: 'p.deputy', required: false, placeholder: 'alice when left empty' },
  ]);
  const refused = await discord.submit(opened, { 'p.owner': nobody.id }, alice);
  expect(toldBy(refused)).toContain(
    'nobody in people of tocsin.yaml has the Discord account that was chosen for owner',
  );
  expect(toldBy(refused)).toContain('[Correct it]');
  expect(double.acts).toEqual([]);
  await discord.submit(opened, { 'p.owner': bob.id }, alice);
  expect(double.acts[0]?.act).toMatchObject({ kind: 'run', params: { owner: 'bob', deputy: 'alice' } });
  const choices = await discord.complete('run', 'params', { runbook: 'page', params: 'owner=a' }, alice);
  expect(choices.map(one => one.value)).toEqual(['owner=alice']);
});
