import { createHash } from 'node:crypto';
import type { Clock } from '../../kernel/clock.ts';
import type { Api } from './api.ts';
import { remember } from './remember.ts';
import * as shapes from './shapes.ts';

/**
 * Finds our messages by their mark. Discord deduplicates a repeated post by its nonce for a few minutes only. After that, and after a crash
 * between a post and its record, the channel is read.
 */
export interface History {
  /** The id of our message with this mark in the channel, among those that were posted since `since`; null when there is none. */
  find(channel: string, mark: string, since: number): Promise<string | null>;
  /** Marks a new channel as empty, so that it is not read. */
  isNew(channel: string): void;
}

/** How long the messages of a channel are cached, milliseconds: less than a nonce is remembered. */
const kept = 45_000;
const pages = 10;
const mostChannels = 500;
const discordEpoch = 1_420_070_400_000;

export function createHistory(parts: { api: Api; clock: Clock; bot(): Promise<string> }): History {
  const read = remember<{ at: number; since: number; marks: Map<string, string> }>(mostChannels);

  async function load(channel: string, since: number) {
    const bot = await parts.bot();
    const at = parts.clock.monotonic();
    const marks = new Map<string, string>();
    let after = snowflakeAt(since);
    for (let page = 0; page < pages; page++) {
      const found = await parts.api.call(shapes.messages, {
        method: 'GET',
        path: `/channels/${channel}/messages`,
        query: { limit: '100', after },
        at: `channel ${channel}`,
      });
      for (const message of found) {
        if (message.author?.id !== bot) continue;
        for (const embed of message.embeds) if (embed.footer !== undefined) marks.set(embed.footer.text, message.id);
      }
      const newest = found
        .map(one => BigInt(one.id))
        .sort((a, b) => (a < b ? -1 : 1))
        .at(-1);
      if (found.length < 100) break;
      after = String(newest);
    }
    const made = { at, since, marks };
    read.set(channel, made);
    return made;
  }

  return {
    async find(channel, mark, since) {
      const known = read.get(channel);
      const good = known !== undefined && parts.clock.monotonic() - known.at < kept && known.since <= since;
      const { marks } = good ? known : await load(channel, since);
      return marks.get(mark) ?? null;
    },
    isNew: channel => read.set(channel, { at: parts.clock.monotonic(), since: 0, marks: new Map() }),
  };
}

function snowflakeAt(time: number): string {
  return String(BigInt(Math.max(0, Math.floor(time) - discordEpoch)) << 22n);
}

/** The nonce of a post: Discord answers a repeated one with the message that it made. At most 25 characters. */
export function nonceOf(mark: string): string {
  return createHash('sha256').update(mark).digest('base64url').slice(0, 24);
}
