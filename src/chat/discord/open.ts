import { TocsinError } from '../../kernel/errors.ts';
import type { Post } from '../../model/card.ts';
import type { ChatConnection, ChatHost } from '../../ports/chat.ts';
import { createApi } from './api.ts';
import { createDirectory } from './directory.ts';
import { createForms } from './form.ts';
import { createGateway } from './gateway.ts';
import { createHistory } from './history.ts';
import { createMentions } from './mentions.ts';
import { createMessages } from './messages.ts';
import { createReactions } from './reactions.ts';
import { createReception } from './receive.ts';
import { parseRef, type Ref } from './ref.ts';
import { createRegistration } from './registration.ts';
import { remember } from './remember.ts';
import { createReplies } from './reply.ts';
import { createSession } from './session.ts';
import { createThreads } from './threads.ts';

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
  const refs = remember<Ref>();
  const roots = remember<Post>();
  const reactions = createReactions(api, host);
  const history = createHistory({ api, clock, bot: async () => (await session.ready()).bot });
  const messages = createMessages({
    api,
    host,
    refs,
    history,
    threads: createThreads({ api, directory, history }),
    mentions: createMentions(directory, host),
    onDelivered(post, ref, message) {
      if (post.thread === null) roots.set(ref.message, post);
      reactions.mirror(post, ref, message);
    },
  });
  const receive = createReception({
    api,
    host,
    session,
    directory,
    rootAt: message => roots.get(message) ?? null,
    replies: createReplies(api, clock),
    forms: createForms(host),
  });
  const registration = createRegistration(api, session, host);
  const underway = createUnderway();
  const gateway = createGateway({
    ...access,
    discord,
    host,
    onReady: () => underway.follow(registration.register()),
    onEvent(name, data) {
      if (name === 'INTERACTION_CREATE') underway.follow(receive(data));
      else if (name.startsWith('GUILD_ROLE')) host.membersChanged('discord', null);
      else directory.forget();
    },
  });
  const open = <T>(work: () => Promise<T>): Promise<T> => (underway.ended() ? Promise.reject(closedError()) : work());
  return {
    deliver: (post, root) => open(() => messages.deliver(post, root)),
    upload: (post, file, root) => open(() => messages.upload(post, file, root)),
    channels: () => open(() => directory.names()),
    members: group => open(() => directory.members(group)),
    // Every connection to the gateway receives all events, and an interaction must be answered once, so one node connects.
    hear: on => open(async () => (on ? gateway.open() : await gateway.close())),
    linkTo: post => linkTo(post, session.known()?.guild ?? null),
    trouble: () => api.trouble() ?? session.trouble() ?? gateway.trouble() ?? registration.trouble(),
    async close() {
      if (underway.ended()) return;
      underway.end();
      await gateway.close();
      await underway.settled();
      await reactions.stop();
      api.close();
    },
  };
}

/** Tracks background work, so that a close waits for it. */
function createUnderway() {
  const all = new Set<Promise<void>>();
  let over = false;
  return {
    follow(work: Promise<void>) {
      all.add(work);
      void work.finally(() => all.delete(work));
    },
    settled: () => Promise.allSettled([...all]),
    ended: () => over,
    end() {
      over = true;
    },
  };
}

function closedError(): TocsinError {
  return new TocsinError('chat-down', { message: 'The connection to Discord is closed.' });
}

/** https://discord.com/channels/<server>/<channel>/<message>. */
function linkTo(post: Post, guild: string | null): string | null {
  const ref = parseRef(post.ref);
  return ref === null || guild === null ? null : `https://discord.com/channels/${guild}/${ref.channel}/${ref.message}`;
}
