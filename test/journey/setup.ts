import { afterEach, expect } from 'vitest';
import { startTestApp, type TestApp, tokens } from '../doubles/app.ts';
import { addMember, type DiscordDouble, startDiscord } from '../doubles/discord/index.ts';
import type { Message } from '../doubles/discord/world.ts';
import { type SlackDouble, type SlackMessage, startSlack } from '../doubles/slack/index.ts';
import { consoleChat } from './console.ts';
import { discordChat } from './discord.ts';
import type { Chat } from './language.ts';
import { slackChat } from './slack.ts';

type Files = Record<string, string>;
export type Later = (close: () => unknown) => void;

/** Ends after each test what it opened, last first, whatever else fails on the way. */
export function useLater(): Later {
  let stack = new AsyncDisposableStack();
  afterEach(async () => {
    const opened = stack;
    stack = new AsyncDisposableStack();
    await opened.disposeAsync();
  });
  return close => stack.defer(async () => void (await close()));
}

/** The whole app, a platform that it talks to, and how people use it. */
export interface JourneyPlace<M = unknown> {
  app: TestApp;
  chat: Chat<M>;
}

export interface OpenOptions {
  env?: Record<string, string>;
  /** False returns before the app hears what people do. */
  linked?: boolean;
}

export async function openSlack(
  later: Later,
  files: Files,
  options: OpenOptions & { slack?: SlackDouble } = {},
): Promise<JourneyPlace<SlackMessage> & { slack: SlackDouble }> {
  const slack = options.slack ?? (await startSlack());
  later(slack.close);
  later(() => expect(slack.socket.wrongAcks).toEqual([]));
  const app = await startTestApp(files, { env: { ...slack.env, ...options.env } });
  later(app.stop);
  const chat = slackChat(slack);
  later(chat.expectAllAwaited);
  if (options.linked !== false) await slack.socket.linked();
  return { app, chat, slack };
}

/** The names are members of the server; the files are written with their ids. */
export async function openDiscord<Name extends string>(
  later: Later,
  names: readonly Name[],
  files: (ids: Record<Name, string>) => Files,
  options: OpenOptions & { prepare?: (discord: DiscordDouble) => void } = {},
): Promise<JourneyPlace<Message> & { discord: DiscordDouble; ids: Record<Name, string> }> {
  const discord = await startDiscord({ limits: { messages: 100, per: 1000, global: 500 } });
  later(discord.close);
  later(() => expect(discord.world.violations).toEqual([]));
  const ids = Object.fromEntries(names.map(name => [name, addMember(discord.world, name).id])) as Record<Name, string>;
  options.prepare?.(discord);
  const app = await startTestApp(files(ids), { env: { ...discord.env, ...options.env } });
  later(app.stop);
  const chat = discordChat(discord);
  later(chat.expectAllAwaited);
  if (options.linked !== false) await app.until(async () => discord.world.commands.length > 0);
  return { app, chat, discord, ids };
}

/** People of the console sign in with the tokens of the test's app. */
export async function openConsole(
  later: Later,
  people: Record<string, keyof typeof tokens>,
  files: Files,
): Promise<JourneyPlace<string>> {
  const app = await startTestApp(files);
  later(app.stop);
  const given = Object.entries(people).map(([name, token]) => [name, tokens[token] ?? '']);
  const chat = await consoleChat(app.app.url, Object.fromEntries(given));
  later(chat.expectAllAwaited);
  return { app, chat };
}
