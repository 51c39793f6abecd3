import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { addMember, type DiscordDouble, startDiscord } from '../doubles/discord/index.ts';

/** What the double refuses, asked without any SDK: a driver that passes over it keeps Discord's rules. */
let discord: DiscordDouble;
beforeEach(async () => {
  discord = await startDiscord({ limits: { messages: 3, per: 60_000, global: 50 } });
});
afterEach(() => discord.close());

const mine = { allowed_mentions: { parse: [] } };
async function ask(method: string, path: string, body?: unknown, token = discord.world.token) {
  const answer = await fetch(`${discord.api}/v10${path}`, {
    method,
    headers: { authorization: `Bot ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, ...(text === '' ? {} : JSON.parse(text)) };
}
const place = () => `/channels/${discord.channel('alerts').id}/messages`;

describe('the double of Discord', () => {
  test('refuses tokens, places and bodies that Discord refuses', async () => {
    expect(await ask('GET', '/gateway/bot', undefined, 'wrong')).toMatchObject({ status: 401 });
    expect(await ask('POST', '/channels/1160000000000000001/messages', { ...mine, content: 'x' })).toMatchObject({
      code: 10003,
    });
    const bad = [
      { content: 'without allowed_mentions' },
      { ...mine, content: 'x'.repeat(2001) },
      { ...mine, allowed_mentions: { parse: ['everyone'] }, content: 'x' },
      { ...mine, embeds: [{ title: 'x'.repeat(257) }] },
      { ...mine, embeds: [{ description: 'x'.repeat(4000) }, { description: 'x'.repeat(2001) }] },
      { ...mine, embeds: [{ fields: [{ name: 'x', value: ' ' }] }] },
      { ...mine, content: 'x', nonce: 'n'.repeat(26) },
    ];
    // Each in a channel of its own count: three at a time go through.
    for (const [index, body] of bad.entries()) {
      if (index % 3 === 0) discord.world.limits.messages += 3;
      expect(await ask('POST', place(), body)).toMatchObject({ status: 400, code: 50035 });
    }
    discord.world.limits.messages += 3;
    expect(await ask('POST', place(), mine)).toMatchObject({ code: 50006 });
    const button = { type: 2, style: 2, label: 'x', custom_id: 'same' };
    const row = { type: 1, components: [button, button] };
    expect(await ask('POST', place(), { ...mine, content: 'x', components: [row] })).toMatchObject({ code: 50035 });
    expect(discord.channel('alerts').messages).toEqual([]);
    expect(discord.world.violations.length).toBeGreaterThan(7);
  });

  test('counts, repeats a nonce, guards messages of others, starts one thread for a message', async () => {
    const once = { ...mine, content: 'x', nonce: 'n1', enforce_nonce: true };
    const first = await ask('POST', place(), once);
    expect(await ask('POST', place(), once)).toMatchObject({ id: first.id });
    const [message] = discord.channel('alerts').messages;
    expect(discord.channel('alerts').messages).toHaveLength(1);
    expect(await ask('POST', `${place()}/${first.id}/threads`, { name: 'x' })).toMatchObject({
      status: 201,
      id: first.id,
    });
    expect(await ask('POST', `${place()}/${first.id}/threads`, { name: 'x' })).toMatchObject({ code: 160004 });
    if (message !== undefined) message.author = '1160000000000000001';
    expect(await ask('PATCH', `${place()}/${first.id}`, { ...mine, content: 'y' })).toMatchObject({ code: 50005 });
    await ask('POST', place(), once);
    expect(await ask('POST', place(), once)).toMatchObject({ status: 429, retry_after: expect.any(Number) });
  });

  test('takes one first response, in time, of a kind that fits', async () => {
    let ahead = 0;
    discord.world.now = () => Date.now() + ahead;
    discord.world.patience = 3000;
    const alice = addMember(discord.world, 'alice');
    discord.world.commands = [
      { name: 'tocsin', description: 'x', options: [{ type: 1, name: 'help', description: 'x' }] },
    ];
    const begin = () => {
      void discord.slash('help', {}, alice);
      const found = [...discord.world.interactions.values()].at(-1);
      return { path: `/interactions/${found?.id}/${found?.token}/callback`, token: found?.token };
    };
    const one = begin();
    const modal = { type: 9, data: { custom_id: 'm', title: 'x', components: [] } };
    expect(await ask('POST', one.path, modal)).toMatchObject({ code: 50035 });
    expect(await ask('POST', one.path, { type: 8, data: { choices: [] } })).toMatchObject({ code: 50035 });
    expect(await ask('POST', begin().path, { type: 5, data: { flags: 64 } })).toMatchObject({ status: 204 });
    const two = begin();
    await ask('POST', two.path, { type: 5, data: { flags: 64 } });
    expect(await ask('POST', two.path, { type: 5, data: { flags: 64 } })).toMatchObject({ code: 40060 });
    const late = begin();
    ahead = 3100;
    expect(await ask('POST', late.path, { type: 5, data: { flags: 64 } })).toMatchObject({ code: 10062 });
    ahead = 16 * 60_000;
    const edit = `/webhooks/${discord.world.application.id}/${two.token}/messages/@original`;
    expect(await ask('PATCH', edit, { ...mine, content: 'x' })).toMatchObject({ code: 50027 });
  });
});
