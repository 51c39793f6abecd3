import { isCode, TocsinError } from '../../kernel/errors.ts';
import { cutText, visibleLine } from '../../kernel/text.ts';
import type { Post } from '../../model/card.ts';
import { type Api, discordCode } from './api.ts';
import type { Directory } from './directory.ts';
import type { History } from './history.ts';
import { parseRef, type Ref } from './ref.ts';
import { remedies } from './remedies.ts';
import { remember } from './remember.ts';
import * as shapes from './shapes.ts';

/** The channel of a post: a root goes into its channel, a reply into the thread started from the root's message, whose id it has. */
export interface Threads {
  /** Rejects as a delivery does; with `chat-root-gone` when the root's message is not there any more. */
  channelOf(post: Post, root: Post | null): Promise<string>;
  /** Forgets a deleted thread; the next reply starts it again. */
  forget(thread: string): void;
  /** Opens an archived thread again. Rejects with `chat-refused` at `thread` when a moderator locked it. */
  reopen(thread: string): Promise<void>;
  /** The error of a refusal in the thread: about this thread alone when it is locked, else `error`, or why that is not known yet. Never rejects. */
  explain(thread: string, error: unknown): Promise<unknown>;
}

export interface ThreadParts {
  api: Api;
  directory: Directory;
  history: Pick<History, 'isNew'>;
}

const codes = { threadExists: 160004, unknownMessage: 10008, noPermission: 50013 } as const;
/** Minutes without a message after which Discord archives a thread: a day. */
const archiveAfter = 1440;
const longestName = 100;

export function createThreads(parts: ThreadParts): Threads {
  const { api, directory, history } = parts;
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
      const code = discordCode(error);
      if (code === codes.unknownMessage) throw rootGone(error);
      if (code !== codes.threadExists) throw error;
    }
    started.set(ref.message, true);
  }

  return {
    async channelOf(post, root) {
      if (root === null) return directory.channel(post.channel);
      const ref = parseRef(root.ref);
      if (ref === null) throw rootGone();
      if (started.get(ref.message) === undefined) await start(root, ref);
      return ref.message;
    },
    forget: thread => started.delete(thread),
    async reopen(thread) {
      try {
        await api.call(shapes.anything, { method: 'PATCH', path: `/channels/${thread}`, body: { archived: false } });
      } catch (error) {
        // An archived thread that the bot may not open was locked by somebody: the bot has no right to manage threads.
        throw discordCode(error) === codes.noPermission ? lockedError(thread, error) : error;
      }
    },
    async explain(thread, error) {
      if (discordCode(error) !== codes.noPermission) return error;
      try {
        const found = await api.call(shapes.thread, { method: 'GET', path: `/channels/${thread}` });
        return found.thread_metadata?.locked === true ? lockedError(thread, error) : error;
      } catch (failure) {
        // What it is about is not known yet: the delivery is tried again. A thread that may not be read says nothing against the channel's own word.
        return isCode(failure, 'chat-refused') ? error : failure;
      }
    },
  };
}

function rootGone(cause?: unknown): TocsinError {
  return new TocsinError('chat-root-gone', {
    message: 'The first message of the thread was deleted in Discord.',
    cause,
  });
}

function lockedError(thread: string, cause: unknown): TocsinError {
  return new TocsinError('chat-refused', { ...remedies.locked, at: `thread ${thread}`, cause });
}
