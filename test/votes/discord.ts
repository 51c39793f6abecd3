import type { Approval } from '../../src/model/approval.ts';
import { toldBy } from '../chat/discord/harness.ts';
import { addMember, startDiscord } from '../doubles/discord/index.ts';
import type { Interaction, Member, Message } from '../doubles/discord/world.ts';
import { type Altered, openVotes, type VotePlace, type Way, type Who } from './place.ts';

type Ways = Record<'discord-button' | 'discord-modal' | 'discord-command', Way>;

const otherServer = '1160000000000000999';

export async function openDiscordVotes(): Promise<{ place: VotePlace; ways: Ways; close(): Promise<void> }> {
  const discord = await startDiscord({ limits: { messages: 100, per: 1000, global: 500 } });
  const { world } = discord;
  // A guest has not accepted the rules of the server yet; a foreigner writes from another server.
  const members = Object.fromEntries(
    (['alice', 'bob', 'rita', 'guest', 'foreign'] as const).map(who => [
      who,
      addMember(world, who, { pending: who === 'guest' }),
    ]),
  ) as Record<Who, Member>;
  const accounts = Object.fromEntries(Object.entries(members).map(([who, { id }]) => [who, id]));
  const place = await openVotes('discord:alerts', accounts, discord.env);
  await place.app.until(async () => world.commands.length > 0);
  const over = (who: Who) => (who === 'foreign' ? { guild_id: otherServer } : {});

  async function messageOf({ id }: Approval): Promise<Message> {
    const shown = await place.app.until(async () => {
      const all = [...world.channels.values()].flatMap(channel => channel.messages);
      return all.find(one => (one.body.embeds ?? []).some(embed => embed.footer?.text === `approval/${id}`));
    });
    return { ...shown, body: structuredClone(shown.body) };
  }

  /** A button's id carries a digest of what it does, and the card that it is on. */
  function changedId(id: string, altered: Altered): string {
    const changed =
      'seal' in altered
        ? id.replace(/^(.\..\.)(.)/, (_, before, letter) => `${before}${letter === 'A' ? 'B' : 'A'}`)
        : id.replace(/apv_\w+/, altered.approval);
    if (changed === id) throw new Error('there was nothing to alter');
    return changed;
  }

  function changed(message: Message, altered: Altered | undefined): Message {
    if (altered === undefined) return message;
    const components = (message.body.components ?? []).map(row => ({
      ...row,
      components: row.components.map(one =>
        one.label === 'Approve' && 'custom_id' in one ? { ...one, custom_id: changedId(one.custom_id, altered) } : one,
      ),
    }));
    return { ...message, body: { ...message.body, components } as Message['body'] };
  }

  async function fillIn(who: Who, message: Message, altered: Altered | undefined): Promise<Interaction> {
    const opened = await discord.press(message, 'Approve', members[who], over(who));
    if (opened.modal === null) return opened;
    const { custom_id } = opened.modal;
    const modal = altered === undefined ? opened.modal : { ...opened.modal, custom_id: changedId(custom_id, altered) };
    return await discord.submit({ ...opened, modal }, { reason: 'it is time' }, members[who], message);
  }

  const ways: Ways = {
    'discord-button': {
      async prepare(approval) {
        const message = await messageOf(approval);
        return {
          vote: async (who, altered) =>
            toldBy(await discord.press(changed(message, altered), 'Approve', members[who], over(who))),
        };
      },
    },
    'discord-modal': {
      reason: true,
      async prepare(approval) {
        const message = await messageOf(approval);
        return { vote: async (who, altered) => toldBy(await fillIn(who, message, altered)) };
      },
    },
    'discord-command': {
      async prepare({ id }) {
        const elsewhere = (who: Who) => (who === 'foreign' ? { guild: otherServer } : {});
        return {
          vote: async who => toldBy(await discord.slash('approve', { approval: id }, members[who], elsewhere(who))),
        };
      },
    },
  };
  return {
    place,
    ways,
    async close() {
      await place.app.stop();
      await discord.close();
    },
  };
}
