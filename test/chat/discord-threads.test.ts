import { describe, expect, test } from 'vitest';
import { readMessage } from '../doubles/discord/index.ts';
import { messageOf, show, until } from './discord/harness.ts';
import { failure, post, reply, useHarnesses } from './discord/posts.ts';

const { start } = useHarnesses();
describe('a thread', () => {
  test('finds a thread that is there, opens an archived one, and posts anew what was deleted', async () => {
    const harness = await start();
    const { discord, connection } = harness;
    await show(harness, post(), reply('note/2'));
    const note = messageOf(discord, 'note/2');
    const thread = discord.world.channels.get(note.channel);
    expect(thread).toMatchObject({ type: 11, id: messageOf(discord, 'alert/alt_1/1').id, name: 'Disk is full' });

    const again = await start({ env: discord.env, wait: false });
    const ref = `${discord.channel('alerts').id}/${note.channel}`;
    await show(again, { ...post(), ref }, reply('note/3'));
    expect(messageOf(discord, 'note/3').channel).toBe(note.channel);
    if (thread !== undefined) thread.archived = true;
    await show(harness, reply('note/2', { card: { ...post().card, badge: 'changed' } }));
    expect(readMessage(messageOf(discord, 'note/2').body).plain).toContain('changed');

    const deleted = thread?.messages.splice(0) ?? [];
    await show(harness, reply('note/2', { card: { ...post().card, badge: 'again' } }));
    expect(readMessage(messageOf(discord, 'note/2').body).plain).toContain('again');
    expect(deleted.map(({ id }) => id)).not.toContain(messageOf(discord, 'note/2').id);
    expect(connection.trouble()).toBeNull();
  });

  test.each([50083, 50013] as const)(
    'a locked thread is told as such, whichever code says it: %i',
    async lockedSays => {
      const harness = await start({ world: { lockedSays } });
      const { discord, connection } = harness;
      await show(harness, post(), reply('note/2'));
      const note = messageOf(discord, 'note/2');
      const thread = discord.world.channels.get(note.channel);
      Object.assign(thread ?? {}, { archived: true, locked: true });
      const locked = { code: 'chat-refused', at: `thread ${note.channel}`, message: /locked/, remedy: /Unlock/ };
      expect(await failure(connection.deliver(reply('approval/a')))).toMatchObject(locked);
      const edit = reply('note/2', { card: { ...post().card, badge: 'changed' }, ref: `${note.channel}/${note.id}` });
      expect(await failure(connection.deliver(edit))).toMatchObject(locked);
      // In the same channel it begins anew: another message and another thread, though key, text and nonce are known.
      const anew = post({ renewed: 1 });
      const ask = reply('approval/a', { renewed: 1 });
      await show(harness, anew, ask);
      expect(messageOf(discord, 'alert/alt_1/1 #1').id).not.toBe(note.channel);
      expect(messageOf(discord, 'approval/a #1').channel).toBe(messageOf(discord, 'alert/alt_1/1 #1').id);
    },
  );

  test('a missing permission in a thread that nobody locked is about the channel', async () => {
    const harness = await start();
    const { discord, connection } = harness;
    await show(harness, post(), reply('note/2'));
    discord.world.lacks.add('send');
    expect(await failure(connection.deliver(reply('note/3')))).toMatchObject({ at: 'channel alerts' });
  });

  test('a thread that was deleted with its first message is told, so that the root is posted anew', async () => {
    const harness = await start();
    const { discord, connection } = harness;
    await show(harness, post());
    const [message] = discord.channel('alerts').messages.splice(0);
    discord.world.channels.delete(message?.id ?? '');
    expect(await failure(connection.deliver(reply('note/2')))).toMatchObject({ code: 'chat-root-gone' });
  });

  test('starts a deleted thread again, and posts anew what moved to another channel', async () => {
    const harness = await start();
    const { discord, connection, double } = harness;
    await show(harness, post(), reply('note/2'));
    discord.world.channels.delete(messageOf(discord, 'note/2').channel);
    await double.put(reply('note/3'));
    expect(await failure(connection.deliver(reply('note/3')))).toMatchObject({
      code: 'chat-down',
      message: /started again/,
    });
    await connection.deliver(reply('note/3'));
    expect(discord.thread(messageOf(discord, 'note/3').channel)).toHaveLength(2);

    const moved = { channel: 'ops', ref: null };
    await show(harness, post(moved), reply('note/2', moved), reply('note/3', moved));
    const [root] = discord.channel('ops').messages;
    expect(discord.thread(root?.id ?? '')).toHaveLength(3);
    expect(discord.channel('alerts').messages).toHaveLength(1);
  });
});

test('an edit in a thread that was deleted posts the message in the thread that is started again', async () => {
  const harness = await start();
  const { discord, connection } = harness;
  await show(harness, post(), reply('approval/a'));
  const message = messageOf(discord, 'approval/a');
  discord.world.channels.delete(message.channel);
  const edit = reply('approval/a', {
    ref: `${message.channel}/${message.id}`,
    card: { ...post().card, badge: '1 of 2' },
  });
  const ref = await connection.deliver(edit);
  expect(ref).not.toBe(edit.ref);
  expect(readMessage(messageOf(discord, 'approval/a').body).plain).toContain('1 of 2');
});

test('a locked thread is no refusal of the channel when the look at it fails once', async () => {
  const harness = await start({ world: { lockedSays: 50013 } });
  const { discord, connection } = harness;
  await show(harness, post(), reply('note/2'));
  const note = messageOf(discord, 'note/2');
  Object.assign(discord.world.channels.get(note.channel) ?? {}, { archived: true, locked: true });
  discord.world.faults.push({ method: 'GET', path: new RegExp(`/channels/${note.channel}$`), how: 'error', times: 1 });
  // It is tried again, until it is known what the refusal is about.
  expect(await failure(connection.deliver(reply('approval/a')))).toMatchObject({ code: 'chat-down' });
  expect(await failure(connection.deliver(reply('approval/a')))).toMatchObject({ at: `thread ${note.channel}` });
});

test('a command in the thread of a run whose root was renewed is about the run', async () => {
  const harness = await start();
  const { discord } = harness;
  const over = { key: 'run/run_1', run: 'run_1', alert: null, renewed: 1 } as const;
  await show(harness, post(over), reply('note/9', { thread: 'run/run_1', alert: null, run: 'run_1' }));
  const thread = messageOf(discord, 'note/9').channel;
  await harness.connection.close();
  const again = await start({ env: discord.env, wait: false });
  await until(() => discord.gateway.connected() === 1);
  const contexts: unknown[] = [];
  const command = again.double.host.command;
  again.double.host.command = async (who, line, context) => {
    contexts.push(context);
    return await command(who, line, context);
  };
  await discord.slash('status', {}, again.alice, { channel: thread });
  expect(contexts).toMatchObject([{ run: 'run_1' }]);
});
