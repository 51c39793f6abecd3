import { TocsinError } from '../../kernel/errors.ts';
import { cutText, visibleLine } from '../../kernel/text.ts';
import type { Post } from '../../model/card.ts';
import type { ChatHost } from '../../ports/chat.ts';
import { type Api, discordCode } from './api.ts';
import type { Directory } from './directory.ts';
import type { History } from './history.ts';
import { parseRef, type Ref } from './ref.ts';
import { remember } from './remember.ts';
import * as shapes from './shapes.ts';

/** Where posts go: roots into channels, replies into the thread that was started from the root's message and has its id. */
export interface Threads {
  /** Rejects as a delivery does; with `chat-down` when the root is not there yet. */
  channelOf(post: Post): Promise<string>;
  /** The thread was deleted: the next reply starts it again. */
  forget(thread: string): void;
  /** Opens an archived thread again. */
  reopen(thread: string): Promise<void>;
}

export interface ThreadParts {
  api: Api;
  host: ChatHost;
  directory: Directory;
  history: Pick<History, 'isNew'>;
  /** Where this process knows a post to be, also before that is stored. */
  refOf(post: Post): Ref | undefined;
}

const threadExists = 160004;
/** Minutes without a message until Discord folds a thread away: a day. */
const archiveAfter = 1440;
const longestName = 100;

export function createThreads(parts: ThreadParts): Threads {
  const { api, host, directory, history } = parts;
  const started = remember<true>();

  async function start(root: Post, ref: Ref): Promise<void> {
    const name = cutText(visibleLine(root.card.title), longestName).trim();
    try {
      await api.call(shapes.anything, {
        method: 'POST',
        path: `/channels/${ref.channel}/messages/${ref.message}/threads`,
        body: { name: name === '' ? 'Thread' : name, auto_archive_duration: archiveAfter },
        at: `channel ${root.channel}`,
      });
      history.isNew(ref.message);
    } catch (error) {
      if (discordCode(error) !== threadExists) throw error;
    }
    started.set(ref.message, true);
  }

  return {
    async channelOf(post) {
      if (post.thread === null) return directory.channel(post.channel);
      const root = await host.store.post(post.platform, post.thread);
      const ref = parseRef(root?.ref) ?? (root === null ? undefined : parts.refOf(root)) ?? null;
      if (root === null || ref === null)
        throw new TocsinError('chat-down', { message: `The thread of ${post.key} has no root in Discord yet.` });
      if (started.get(ref.message) === undefined) await start(root, ref);
      return ref.message;
    },
    forget: thread => started.delete(thread),
    async reopen(thread) {
      await api.call(shapes.anything, { method: 'PATCH', path: `/channels/${thread}`, body: { archived: false } });
    },
  };
}
