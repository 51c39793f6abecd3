/** Remedies for failures between Tocsin and Discord. They name pages of the Developer Portal and of the server's settings. */

const portal = 'https://discord.com/developers/applications';

/**
 * View Channel, Send Messages, Embed Links, Attach Files, Read Message History, Add Reactions, Create Public Threads, Send Messages in
 * Threads.
 */
export const permissions = [10n, 11n, 14n, 15n, 16n, 6n, 35n, 38n].reduce((sum, bit) => sum | (1n << bit), 0n);

const byCode: Readonly<Record<number, { message: string; remedy: string }>> = {
  10003: {
    message: 'Discord does not know this channel, or the bot cannot see it.',
    remedy: 'Give the bot View Channel there: channel settings, Permissions.',
  },
  10008: { message: 'The message was deleted in Discord.', remedy: 'Nothing; what it said is in the console.' },
  30046: {
    message: 'Discord takes no more edits of this old message for now.',
    remedy: 'Nothing: it is tried again later.',
  },
  50001: {
    message: 'The bot has no access to this channel.',
    remedy: 'Give the bot View Channel and Read Message History there: channel settings, Permissions.',
  },
  50013: {
    message: 'The bot lacks a permission in this channel.',
    remedy:
      'Give it View Channel, Send Messages, Embed Links, Attach Files, Read Message History, Add Reactions, Create Public Threads and Send Messages in Threads: channel settings, Permissions.',
  },
  50083: { message: 'The thread is archived.', remedy: 'Open it again in Discord.' },
};

export const remedies = {
  token: 'Discord does not take the bot token in DISCORD_TOKEN.',
  tokenPage: `Reset it at ${portal} (your application, Bot, Reset Token), set DISCORD_TOKEN and restart.`,
  ofCode: (code: number, said: string): { message: string; remedy?: string } =>
    byCode[code] ?? { message: `Discord refuses: ${said} (code ${code}).` },
  locked: {
    message: 'A moderator locked this thread in Discord.',
    remedy:
      'Unlock it in Discord, or answer where its question is posted now: in a new thread of the channel, or in the fallback channel.',
  },
  guild: (names: readonly string[]): string =>
    names.length === 0
      ? 'The bot is in no Discord server: add it with the link that is in docs/discord.md.'
      : `The bot is in several Discord servers: name one by its id as chat.discord.guild in tocsin.yaml. It is in ${names.join(', ')}.`,
  notIn: (guild: string, names: readonly string[]): string =>
    `The bot is not in the Discord server ${guild} that chat.discord.guild names: correct the id, or add the bot with the link that is in docs/discord.md. It is in ${names.join(', ') || 'none'}.`,
  invite: (application: string): string =>
    `https://discord.com/oauth2/authorize?client_id=${application}&scope=bot+applications.commands&permissions=${permissions}`,
  commands: (application: string): string =>
    `The bot may not register /tocsin in this server: add it again with the scope applications.commands by ${remedies.invite(application)}`,
  endpoint: (application: string): string =>
    `An Interactions Endpoint URL is set, so Discord sends no presses to the gateway: clear it at ${portal}/${application}/information.`,
  /** Why the gateway does not come back by itself, by its close code. */
  closed: (code: number): string => {
    if (code === 4004) return `${remedies.token} ${remedies.tokenPage}`;
    if (code === 4013 || code === 4014)
      return `Discord does not allow the gateway intents (close code ${code}): at ${portal}, your application, Bot, see Privileged Gateway Intents. Tocsin asks for GUILDS only.`;
    if (code === 4011) return 'The bot is in too many servers for one gateway connection (close code 4011).';
    return `The Discord gateway closed with code ${code}.`;
  },
} as const;
