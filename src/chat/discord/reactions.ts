import { isCode, messageOf } from '../../kernel/errors.ts';
import type { Post } from '../../model/card.ts';
import type { ChatHost } from '../../ports/chat.ts';
import type { Api } from './api.ts';
import type { Ref } from './ref.ts';
import * as shapes from './shapes.ts';

/** Mirrors the state of a root message as reactions on it. They are optional: no delivery waits for them, and a failure is no error. */
export interface Reactions {
  mirror(post: Post, ref: Ref, message: shapes.Message): void;
  /** Resolves when nothing is left to do. */
  settled(): Promise<void>;
  stop(): Promise<void>;
}

const signs: Readonly<Record<string, string>> = { firing: '🔥', silenced: '🔕', resolved: '✅' };
const mostTries = 4;

export function createReactions(api: Api, host: ChatHost): Reactions {
  const end = new AbortController();
  const wanted = new Map<string, { ref: Ref; sign: string }>();
  /** Our reactions that a message has now. */
  const shown = new Map<string, ReadonlySet<string>>();
  let working: Promise<void> | null = null;

  async function work(): Promise<void> {
    for (const [key, { ref, sign }] of wanted) {
      wanted.delete(key);
      const now = new Set(shown.get(key));
      for (const other of [...now]) if (other !== sign && (await call('DELETE', ref, other))) now.delete(other);
      if (!now.has(sign) && (await call('PUT', ref, sign))) now.add(sign);
      shown.set(key, now);
      if (shown.size > 5000) shown.delete(shown.keys().next().value ?? '');
    }
  }

  async function call(method: 'PUT' | 'DELETE', { channel, message }: Ref, sign: string): Promise<boolean> {
    const path = `/channels/${channel}/messages/${message}/reactions/${encodeURIComponent(sign)}/@me` as const;
    for (let tries = 0; tries < mostTries && !end.signal.aborted; tries++) {
      try {
        await api.call(shapes.anything, { method, path });
        return true;
      } catch (error) {
        if (!isCode(error, 'chat-limited')) {
          host.log.debug({ reason: messageOf(error) }, 'a reaction was not set');
          return false;
        }
        await host.clock.sleep(error.retryAfter ?? 1000, end.signal).catch(() => {});
      }
    }
    return false;
  }

  return {
    mirror(post, ref, message) {
      const sign = post.key.startsWith('alert/') && post.thread === null ? signs[post.card.badge ?? ''] : undefined;
      if (sign === undefined || end.signal.aborted) return;
      const key = `${ref.channel}/${ref.message}`;
      // Discord's answer includes the reactions of an earlier process.
      const ours = message.reactions.flatMap(({ emoji, me }) => (me && emoji.name !== null ? [emoji.name] : []));
      if (ours.length > 0 || !shown.has(key)) shown.set(key, new Set(ours));
      wanted.set(key, { ref, sign });
      working ??= work().finally(() => {
        working = null;
      });
    },
    async settled() {
      while (working !== null) await working;
    },
    async stop() {
      end.abort(new Error('closed'));
      await working;
    },
  };
}
