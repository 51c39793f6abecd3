import { z } from 'zod';
import { defineChat } from '../../ports/chat.ts';
import { checkDiscord } from './check.ts';
import { hiddenByDiscord } from './hides.ts';

/**
 * Discord: the gateway for what people do, REST for what is posted. DISCORD_TOKEN turns it on; no public address is needed.
 */
export default defineChat({
  id: 'discord',
  about: 'Messages, threads, buttons, modals, slash commands and roles of a Discord server.',
  options: z.strictObject({
    guild: z
      .string()
      .regex(/^\d{15,21}$/, 'use the id of the server: Developer Mode on, then Copy Server ID')
      .optional()
      .meta({ description: 'The id of the Discord server; may be left out where the bot is in one only.' }),
  }),
  capabilities: {
    maxText: 3600,
    streams: false,
    editEvery: 1500,
    countsDown: true,
    rateLimits: { posts: { count: 5, per: 5000 }, edits: { count: 5, per: 5000 }, threads: true },
    hides: hiddenByDiscord,
  },
  isOn: env => Boolean(env('DISCORD_TOKEN')),
  // Loaded only where Discord is on.
  open: async (options, host) => (await import('./open.ts')).openDiscord(options, host),
  check: (options, tools) => checkDiscord(options, tools),
});
