import { messageOf, TocsinError } from '../../kernel/errors.ts';
import type { Post } from '../../model/card.ts';
import type { ChatConnection, ChatHost } from '../../ports/chat.ts';
import { createApi } from './api.ts';
import { slashCommand } from './commands.ts';
import { createDirectory } from './directory.ts';
import { createForms } from './form.ts';
import { createGateway } from './gateway.ts';
import { createHistory } from './history.ts';
import { createMentions } from './mentions.ts';
import { createMessages, parseRef } from './messages.ts';
import { createReactions } from './reactions.ts';
import { createReception } from './receive.ts';
import { remedies } from './remedies.ts';
import { createReplies } from './reply.ts';
import { createSession } from './session.ts';
import * as shapes from './shapes.ts';

export interface DiscordOptions {
  guild?: string | undefined;
}

export async function openDiscord(options: DiscordOptions, host: ChatHost): Promise<ChatConnection> {
  const discord = await import('discord.js');
  const access = { token: host.env('DISCORD_TOKEN') ?? '', url: host.env('DISCORD_API_URL') || null };
  const { clock } = host;
  const api = createApi(discord, { ...access, clock });
  const session = createSession({ api, clock, guild: options.guild ?? null });
  const directory = createDirectory({ api, session, config: () => host.config(), clock });
  const history = createHistory({ api, clock, bot: async () => (await session.ready()).bot });
  const mentions = createMentions(directory, host);
  const reactions = createReactions(api, host);
  const messages = createMessages({ api, host, session, directory, history, mentions, onDelivered: reactions.mirror });
  const receive = createReception({
    api,
    host,
    session,
    messages,
    replies: createReplies(api),
    forms: createForms(host),
  });
  const registration = createRegistration();
  const underway = new Set<Promise<void>>();
  const follow = (work: Promise<void>) => {
    underway.add(work);
    void work.finally(() => underway.delete(work));
  };
  const gateway = createGateway({
    ...access,
    discord,
    host,
    onReady: () => follow(registration.register()),
    onEvent(name, data) {
      if (name === 'INTERACTION_CREATE') follow(receive(data));
      else if (name.startsWith('GUILD_ROLE')) host.membersChanged('discord', null);
      else directory.forget();
    },
  });
  gateway.open();
  let closed = false;
  const open = async <T>(work: () => Promise<T>): Promise<T> => {
    if (closed) throw new TocsinError('chat-down', { message: 'The connection to Discord is closed.' });
    return await work();
  };

  /** The commands are the same for as long as the process lives: they are registered once, again when it failed. */
  function createRegistration() {
    let trouble: string | null = null;
    let done = false;
    return {
      trouble: () => trouble,
      async register() {
        if (done) return;
        try {
          const { application, guild } = await session.ready();
          trouble = remedies.commands(application);
          const path = `/applications/${application}/guilds/${guild}/commands` as const;
          await api.call(shapes.anything, { method: 'PUT', path, body: [slashCommand(host.commands())] });
          trouble = null;
          done = true;
        } catch (error) {
          host.log.warn({ reason: messageOf(error) }, 'the slash commands could not be registered');
        }
      },
    };
  }

  return {
    deliver: post => open(() => messages.deliver(post)),
    upload: (post, file) => open(() => messages.upload(post, file)),
    channels: () => open(() => directory.names()),
    members: group => open(() => directory.members(group)),
    linkTo: post => linkTo(post, session.known()?.guild ?? null),
    trouble: () => api.trouble() ?? session.trouble() ?? gateway.trouble() ?? registration.trouble(),
    async close() {
      if (closed) return;
      closed = true;
      await gateway.close();
      await Promise.allSettled([...underway]);
      await reactions.stop();
      api.close();
    },
  };
}

/** https://discord.com/channels/<server>/<channel>/<message>. */
function linkTo(post: Post, guild: string | null): string | null {
  const ref = post.ref === null ? null : parseRef(post.ref);
  return ref === null || guild === null ? null : `https://discord.com/channels/${guild}/${ref.channel}/${ref.message}`;
}
