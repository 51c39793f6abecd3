import { describe, expect, test } from 'vitest';
import { createApi } from '../../src/chat/discord/api.ts';
import * as shapes from '../../src/chat/discord/shapes.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { addMember, addRole, readMessage, startDiscord } from '../doubles/discord/index.ts';
import { gateways } from '../doubles/discord/rest.ts';
import type { Fault } from '../doubles/discord/world.ts';
import { messageOf, show, toldBy, until } from './discord/harness.ts';
import { failure, post, reply, useHarnesses } from './discord/posts.ts';

const { start, later } = useHarnesses();
const fault = (how: Fault['how'], over: Partial<Fault> = {}): Fault => ({
  method: 'POST',
  path: /\/messages$/,
  how,
  times: 1,
  ...over,
});
describe('a delivery', () => {
  test('says for how long and where it is limited, and never waits by itself', async () => {
    const { connection, double, discord } = await start();
    await double.put(post());
    const sent = () => discord.world.requests.filter(one => one.method === 'POST' && one.path.endsWith('/messages'));
    discord.world.faults.push(fault('limit', { retryAfter: 7 }));
    const first = await failure(connection.deliver(post()));
    expect(first).toMatchObject({ code: 'chat-limited', at: 'channel alerts' });
    expect(first.retryAfter).toBeGreaterThanOrEqual(7000);
    discord.world.faults.push(fault('global', { retryAfter: 3 }));
    expect(await failure(connection.deliver(post()))).toMatchObject({ code: 'chat-limited', at: 'all' });
    expect(await failure(connection.deliver(post()))).toMatchObject({ code: 'chat-limited', at: 'all' });
    expect(sent()).toHaveLength(2);
  });

  test('keeps below the limits that the headers tell', async () => {
    const { connection, discord, double } = await start({
      world: { limits: { messages: 2, per: 60_000, global: 50 } },
    });
    const posts = ['a', 'b', 'c'].map(name => post({ key: `alert/${name}/1` }));
    await double.put(...posts);
    const results = await Promise.allSettled(posts.map(one => connection.deliver(one)));
    expect(results.map(one => one.status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
    expect(discord.world.requests.some(one => one.status === 429)).toBe(false);
  });

  test('a server error is chat-down; a lost reply is found again by the nonce and shows the newest version', async () => {
    const harness = await start();
    const { connection, discord } = harness;
    discord.world.faults.push(fault('error'), fault('lost'));
    await harness.double.put(post());
    expect(await failure(connection.deliver(post()))).toMatchObject({ code: 'chat-down' });
    expect(await failure(connection.deliver(post()))).toMatchObject({ code: 'chat-down' });
    expect(discord.channel('alerts').messages).toHaveLength(1);
    const newer = post({ wanted: 2, card: { ...post().card, badge: 'resolved' } });
    await show(harness, newer);
    const [message, ...others] = discord.channel('alerts').messages;
    expect(others).toEqual([]);
    expect(readMessage(message?.body ?? {}).plain).toContain('resolved');
  });

  test('after the nonce is forgotten the channel is read, also by another process', async () => {
    let ahead = 0;
    const now = () => Date.now() + ahead;
    const clock = { ...systemClock, now };
    const first = await start({ world: { now }, host: { clock } });
    const { discord } = first;
    const late = post({ createdAt: Date.now() });
    discord.world.faults.push(fault('lost'), fault('lost', { path: /\/messages$/, times: 0 }));
    await first.double.put(late);
    await failure(first.connection.deliver(late));
    // Others talk meanwhile; one of them looks like us but is somebody else.
    const place = discord.channel('alerts');
    const own = place.messages[0];
    if (own !== undefined) place.messages.unshift({ ...own, id: `${BigInt(own.id) - 5n}`, author: first.alice.id });
    ahead = 10 * 60_000;
    const second = await start({ host: { clock }, env: discord.env, wait: false });
    await second.double.put(late);
    const ref = await second.connection.deliver(late);
    expect(ref).toBe(`${place.id}/${own?.id}`);
    expect(place.messages.filter(message => message.author === discord.world.bot.id)).toHaveLength(1);
  });

  test('an unknown channel names the nearest; a missing permission names it and where to give it', async () => {
    const { connection, double, discord } = await start();
    expect(await failure(connection.deliver(post({ channel: 'alert' })))).toMatchObject({
      code: 'chat-refused',
      at: 'channel alert',
      message: /Did you mean "alerts"/,
    });
    discord.world.lacks.add('send');
    await double.put(post());
    const error = await failure(connection.deliver(post({ channel: '#alerts' })));
    expect(error).toMatchObject({
      code: 'chat-refused',
      at: 'channel #alerts',
      remedy: /Send Messages[\s\S]*channel settings/,
    });
    const ref = await failure(connection.deliver(post({ channel: '1160000000000000123' })));
    expect(ref).toMatchObject({ code: 'chat-refused', message: /There is no Discord channel/ });
  });

  test('without the permission to react, messages go out all the same', async () => {
    const harness = await start();
    harness.discord.world.lacks.add('react');
    await show(harness, post());
    await until(() =>
      harness.discord.world.requests.some(one => one.path.includes('/reactions/') && one.status === 403),
    );
    expect(harness.connection.trouble()).toBeNull();
  });

  test('a file goes into the thread once, and too long a one loses its middle', async () => {
    const harness = await start();
    const { discord, connection } = harness;
    await show(harness, post());
    const log = reply('log/run_1', { card: { ...post().card, title: 'Full log' } });
    await harness.double.put(log);
    discord.world.faults.push(fault('lost'));
    expect(
      await failure(connection.upload?.(log, { name: '../run.log', text: 'one\n' }) ?? Promise.resolve()),
    ).toMatchObject({
      code: 'chat-down',
    });
    await connection.upload?.(log, { name: '../run.log', text: 'one\n' });
    const message = messageOf(discord, 'log/run_1');
    expect(message.files).toEqual([{ name: '_run.log', text: 'one\n' }]);
    expect(discord.thread(message.channel)).toHaveLength(2);

    async function* flood() {
      for (let i = 0; i < 12; i++) yield String(i % 10).repeat(1024 * 1024);
    }
    const long = reply('log/run_2');
    await harness.double.put(long);
    await connection.upload?.(long, { name: 'run.log', text: flood() });
    const [file] = messageOf(discord, 'log/run_2').files;
    expect(file?.text.length).toBeLessThan(10 * 1024 * 1024);
    expect(file?.text).toMatch(/^0+1[\s\S]*bytes are left out here[\s\S]*1$/);
  });

  test('a picture goes into the thread as a file with its text for screen readers', async () => {
    const harness = await start();
    const { discord, connection } = harness;
    await show(harness, post());
    const picture = reply('note/7/0', { card: { ...post().card, title: 'cpu of web-1: 0.2 to 0.97' } });
    await harness.double.put(picture);
    const file = { name: 'cpu.png', png: Buffer.from('a picture'), alt: 'cpu of web-1: **0.2** to 0.97' };
    await connection.upload?.(picture, file);
    const message = messageOf(discord, 'note/7/0');
    expect(message.files).toEqual([{ name: 'cpu.png', text: 'a picture' }]);
    expect(message.body.attachments).toEqual([{ id: 0, filename: 'cpu.png', description: file.alt }]);
  });

  test('a request without an answer ends by itself', async () => {
    const discord = await startDiscord();
    later(() => discord.close());
    discord.world.faults.push(fault('hang', { method: 'GET', path: /./ }));
    const sdk = await import('discord.js');
    const access = { token: discord.world.token, url: discord.api, clock: systemClock };
    const hasty = createApi(sdk, { ...access, timeout: 50 });
    const error = await failure(hasty.call(shapes.anything, { method: 'GET', path: '/users/@me' }));
    expect(error).toMatchObject({ code: 'chat-down', message: /no answer/ });
    hasty.close();
    // A request that was given up may not have reached the double.
    discord.world.faults.length = 0;
    const api = createApi(sdk, access);
    expect(await api.call(shapes.user, { method: 'GET', path: '/users/@me' })).toMatchObject({
      id: discord.world.bot.id,
    });
    api.close();
  });
});

describe('the gateway', () => {
  test('is resumed when it is dropped, and a press that came meanwhile is done once', async () => {
    const harness = await start();
    const { discord, double } = harness;
    const button = {
      label: 'Acknowledge',
      style: 'plain' as const,
      reason: 'none' as const,
      does: { kind: 'act' as const, act: { kind: 'acknowledge' as const, alert: 'alt_1' } },
    };
    await show(harness, post({ card: { ...post().card, buttons: [button] } }));
    const message = messageOf(discord, 'alert/alt_1/1');
    discord.gateway.drop();
    const pressed = discord.press(message, 'Acknowledge', harness.alice);
    expect(toldBy(await pressed)).toContain('Done.');
    expect(discord.gateway.seen.filter(what => what !== 'heartbeat')).toEqual(['identify', 'resume']);
    discord.gateway.askReconnect();
    await until(() => discord.gateway.seen.filter(what => what === 'resume').length === 2);
    discord.gateway.replay();
    expect(toldBy(await discord.press(message, 'Acknowledge', harness.alice))).toContain('Done.');
    expect(double.acts).toHaveLength(2);
    expect(discord.world.violations).toEqual([]);
    expect(harness.connection.trouble()).toBeNull();
  });

  test('begins a new session when the old one is gone', async () => {
    const { discord, alice } = await start();
    discord.gateway.forgetSessions();
    discord.gateway.drop();
    await until(() => discord.gateway.seen.filter(what => what === 'identify').length === 2);
    await until(() => discord.gateway.connected() === 1);
    expect(toldBy(await discord.slash('help', {}, alice))).toContain('Commands');
  });

  test('that nobody answers is tried again, said, and closed without a wait', async () => {
    const harness = await start({ wait: false, prepare: ({ world }) => gateways.set(world, 'ws://127.0.0.1:9') });
    expect(await until(() => harness.connection.trouble())).toMatch(/gateway is lost[\s\S]*not heard meanwhile/);
    await show(harness, post());
    expect(harness.discord.channel('alerts').messages).toHaveLength(1);
    gateways.set(harness.discord.world, harness.discord.api.replace('http', 'ws').replace('/api', ''));
  });

  test('hears when it is told to, as often as it is told to', async () => {
    const harness = await start();
    const { discord, connection, alice } = harness;
    await connection.hear?.(false);
    await until(() => discord.gateway.connected() === 0);
    await show(harness, post());
    await connection.hear?.(true);
    await until(() => discord.gateway.connected() === 1);
    expect(toldBy(await discord.slash('help', {}, alice))).toContain('Commands');
  });

  test.each([
    [4004, /DISCORD_TOKEN[\s\S]*developers\/applications/],
    [4014, /intents[\s\S]*developers\/applications/],
  ])('closed with %i: posts go out all the same, and it is said what to do', async (code, said) => {
    const harness = await start({ world: { closeWith: code }, wait: false });
    const trouble = await until(() => harness.connection.trouble());
    expect(trouble).toMatch(said);
    await show(harness, post());
    expect(harness.discord.channel('alerts').messages).toHaveLength(1);
    expect(harness.discord.gateway.seen).toEqual(['identify']);
  });
});

describe('the set-up', () => {
  test('a wrong token is said with its page, asked again rarely, and stops nothing', async () => {
    const harness = await start({ env: { DISCORD_TOKEN: 'wrong' }, wait: false });
    await harness.double.put(post());
    for (let i = 0; i < 5; i++) {
      const error = await failure(harness.connection.deliver(post()));
      expect(error).toMatchObject({ code: 'chat-down', remedy: /developers\/applications/ });
    }
    expect(harness.connection.trouble()).toMatch(/does not take the bot token in DISCORD_TOKEN/);
    const refused = harness.discord.world.requests.filter(one => one.status === 401);
    expect(refused.length).toBeLessThanOrEqual(2);
  });

  test('an endpoint in the portal, a missing scope: said with the page or the link that mends it', async () => {
    const application = { id: '1160000000000000000', interactions_endpoint_url: 'https://elsewhere.example/hook' };
    const first = await start({ world: { application }, wait: false });
    expect(await until(() => first.connection.trouble())).toMatch(
      /Interactions Endpoint URL[\s\S]*1160000000000000000\/information/,
    );
    const second = await start({ wait: false, prepare: ({ world }) => world.lacks.add('commands') });
    expect(await until(() => second.connection.trouble())).toMatch(/scope=bot\+applications\.commands/);
  });

  test('groups are roles: of people whom tocsin.yaml knows, asked live', async () => {
    const harness = await start({
      prepare: ({ world }) => {
        const people = [...world.members.values()];
        addRole(world, 'sre', people);
        addMember(world, 'nobody', { roles: world.roles.map(role => role.id) });
      },
    });
    const { connection, alice, bob } = harness;
    expect(await connection.members('sre')).toEqual([alice.id, bob.id].sort());
    expect(await connection.members('none')).toBeNull();
    expect(await connection.members('@everyone')).toBeNull();
    const { world } = harness.discord;
    const id = world.roles.find(role => role.name === 'sre')?.id ?? '';
    expect(await connection.members(id)).toHaveLength(2);
    alice.pending = true;
    world.members.delete(bob.id);
    expect(await connection.members('sre')).toEqual([]);
    world.roles.push({ id: '1160000000000000777', name: 'sre' });
    expect(await failure(connection.members('sre'))).toMatchObject({
      message: /2 Discord roles/,
      remedy: /Copy Role ID/,
    });
    expect(await connection.members(id)).toEqual([]);
    harness.discord.gateway.dispatch('GUILD_ROLE_UPDATE', {
      guild_id: harness.discord.world.guild.id,
      role: { id: '1', name: 'sre' },
    });
    await until(() => harness.double.changed.length > 0);
  });

  test('whose roles changed is looked up again at the next press, before it counts', async () => {
    const harness = await start({ prepare: ({ world }) => addRole(world, 'sre', [...world.members.values()]) });
    const { discord, double, connection, alice } = harness;
    await connection.members('sre');
    await discord.slash('help', {}, alice);
    expect(double.changed).toEqual([]);
    alice.roles = [];
    await discord.slash('help', {}, alice);
    expect(double.changed).toEqual([{ platform: 'discord', group: null }]);
    expect(await connection.members('sre')).not.toContain(alice.id);
  });

  test('a server that the bot is not in is named, with those that it is in', async () => {
    const harness = await start({ wait: false, options: { guild: '1160000000000000555' } });
    await failure(harness.connection.channels());
    expect(harness.connection.trouble()).toMatch(/1160000000000000555[\s\S]*It is in Operations/);
  });

  test('somebody who is a bot, or has not accepted the rules, is a stranger, with the reason', async () => {
    const harness = await start();
    const { discord, double } = harness;
    const ask = post({
      card: {
        ...post().card,
        buttons: [
          {
            label: 'Yes',
            style: 'primary',
            reason: 'none',
            does: { kind: 'act', act: { kind: 'acknowledge', alert: 'a' } },
          },
        ],
      },
    });
    await show(harness, ask);
    const message = messageOf(discord, ask.key);
    await discord.press(message, 'Yes', { ...harness.alice, bot: true });
    await discord.press(message, 'Yes', { ...harness.alice, pending: true });
    await discord.press(message, 'Yes', harness.alice, { guild_id: '1160000000000000999' });
    expect(double.acts.map(({ who }) => who.kind === 'stranger' && who.because)).toEqual([
      'this account is a bot',
      'this account has not accepted the rules of the server yet',
      'this came from another Discord server',
    ]);
  });
});
