import { toldBy } from '../chat/discord/harness.ts';
import type { DiscordDouble } from '../doubles/discord/index.ts';
import { readMessage } from '../doubles/discord/index.ts';
import type { Member, Message } from '../doubles/discord/world.ts';
import { createChat } from './chat.ts';
import type { Chat, Person, Platform, Seen } from './language.ts';

/** `looks` as for `createChat`: more where whole processes die and others take over. */
export function discordChat(discord: DiscordDouble, looks?: number): Chat<Message> {
  const platform: Platform<Message> = {
    name: 'discord',
    roots: async name => discord.channel(name).messages.map(see),
    replies: async root => discord.thread(root.id).slice(1).map(see),
    files: async root => discord.thread(root.id).flatMap(message => message.files.map(file => file.text)),
    async press(message, label, who, reason) {
      const member = memberOf(discord, who);
      const pressed = await discord.press(message.of, label, member);
      if (pressed.modal === null) {
        if (reason !== undefined) throw new Error(`no reason was asked for; ${who.name} was told: ${toldBy(pressed)}`);
        return toldBy(pressed);
      }
      return toldBy(await discord.submit(pressed, reason === undefined ? {} : { reason }, member, message.of));
    },
    async type(channel, line, who) {
      const { name, values } = optionsOf(discord, line);
      return toldBy(
        await discord.slash(name, values, memberOf(discord, who), { channel: discord.channel(channel).id }),
      );
    },
  };
  return createChat(platform, looks);
}

function memberOf(discord: DiscordDouble, who: Person): Member {
  const found = [...discord.world.members.values()].find(one => one.name === who.name);
  if (found === undefined) throw new Error(`${who.name} is not on this server`);
  return found;
}

function see(message: Message): Seen<Message> {
  return {
    id: message.id,
    text: readMessage(message.body).plain,
    buttons: (message.body.components ?? []).flatMap(row => row.components.map(one => one.label)),
    reactions: [...message.reactions.keys()],
    of: message,
  };
}

/** A line as the client's form of the command: `name=value` goes into the option of that name, and the rest in order. */
function optionsOf(discord: DiscordDouble, line: string): { name: string; values: Record<string, string> } {
  const [name = '', ...words] = line.match(/(?:[^\s"]|"[^"]*")+/g) ?? [];
  const command = discord.world.commands[0]?.options.find(one => one.name === name);
  const free = (command?.options ?? []).map(option => option.name);
  const values: Record<string, string> = {};
  for (const word of words) {
    const [, key = '', quoted = ''] = /^([a-z]+)=(.*)$/.exec(word) ?? [];
    const option = free.includes(key) ? key : free.find(one => one === 'params' || values[one] === undefined);
    if (option === undefined) throw new Error(`${name} has no place for ${word}`);
    const value = option === key ? quoted.replaceAll('"', '') : word;
    values[option] = values[option] === undefined ? value : `${values[option]} ${value}`;
  }
  return { name, values };
}
