import { messageOf, TocsinError } from '../../kernel/errors.ts';
import { nearest } from '../../kernel/nearest.ts';
import type { ChatHost } from '../../ports/chat.ts';
import type { SlackClient } from './client.ts';
import { asking } from './failure.ts';

/** Looks up channel ids by name: posts name channels as people do, Slack requires ids. */
export interface Channels {
  /** The id of `#ops`, `ops` or `C0123ABC`. Rejects with `chat-refused` when there is none of this name. */
  idOf(name: string): Promise<string>;
  /** Every name that a route may give a channel; null when Slack does not answer. */
  names(): Promise<readonly string[] | null>;
}

/**
 * How long a list is cached, and how often an unknown name may reload it, milliseconds. Reading all pages of a large workspace takes the
 * whole rate limit of the method's tier, 20 calls a minute.
 */
const fresh = 3_600_000;
const again = 60_000;
/** Pages of 1,000. In a workspace with more channels, the rest can be named by id only. */
const mostPages = 20;

const idShape = /^[CGD][A-Z0-9]{6,}$/;

export function createChannels(client: SlackClient, host: ChatHost): Channels {
  let known: { ids: Map<string, string>; at: number } | null = null;
  let reading: Promise<Map<string, string>> | null = null;

  async function read(): Promise<Map<string, string>> {
    const ids = new Map<string, string>();
    let cursor: string | undefined;
    for (let page = 0; page < mostPages; page++) {
      const answer = await asking(
        { method: 'conversations.list' },
        client.conversations.list({
          types: 'public_channel,private_channel',
          exclude_archived: true,
          limit: 1000,
          ...(cursor === undefined ? {} : { cursor }),
        }),
      );
      for (const { id, name } of answer.channels ?? []) if (id !== undefined && name !== undefined) ids.set(name, id);
      cursor = answer.response_metadata?.next_cursor || undefined;
      if (cursor === undefined) break;
    }
    known = { ids, at: host.clock.monotonic() };
    return ids;
  }

  async function list(age: number): Promise<Map<string, string>> {
    if (known !== null && host.clock.monotonic() - known.at < age) return known.ids;
    reading ??= read().finally(() => {
      reading = null;
    });
    return reading;
  }

  return {
    async idOf(given) {
      if (idShape.test(given)) return given;
      const name = given.replace(/^#/, '').toLowerCase();
      const id = (await list(fresh)).get(name) ?? (await list(again)).get(name);
      if (id !== undefined) return id;
      const near = nearest(name, known?.ids.keys() ?? []);
      throw new TocsinError('chat-refused', {
        message: `Slack has no channel "${given}" that the bot can see.${near === null ? '' : ` Did you mean "${near}"?`}`,
        at: `channel ${given}`,
        given,
        remedy: 'Correct the route in tocsin.yaml, or invite the bot to the channel when it is private.',
      });
    },
    async names() {
      const ids = await list(fresh).catch(error => {
        host.log.warn({ reason: messageOf(error) }, 'Slack does not tell its channels now');
        return null;
      });
      return ids === null ? null : [...ids].flatMap(([name, id]) => [name, `#${name}`, id]);
    },
  };
}
