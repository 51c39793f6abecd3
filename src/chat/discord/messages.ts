import { isCode, TocsinError } from '../../kernel/errors.ts';
import { cutText, visibleLine } from '../../kernel/text.ts';
import type { Post } from '../../model/card.ts';
import type { ChatFile, ChatHost } from '../../ports/chat.ts';
import { type Api, type Call, discordCode } from './api.ts';
import { baseKey, buttonReference } from './buttons.ts';
import type { Directory } from './directory.ts';
import { readFile } from './file.ts';
import { type History, nonceOf } from './history.ts';
import type { Mentions } from './mentions.ts';
import { type Message, renderCard } from './render.ts';
import type { Session } from './session.ts';
import * as shapes from './shapes.ts';

/** Where a message of ours is. Written `<channel>/<message>`; the channel of a reply is its thread. */
export interface Ref {
  channel: string;
  message: string;
}

export function parseRef(text: string): Ref | null {
  const match = /^(\d{15,21})\/(\d{15,21})$/.exec(text);
  return match?.[1] === undefined || match[2] === undefined ? null : { channel: match[1], message: match[2] };
}

/** Posts and edits. One key is one message, however often and from how many sides it is delivered. */
export interface Messages {
  deliver(post: Post): Promise<string>;
  upload(post: Post, file: ChatFile): Promise<void>;
  /** The post whose root this message is; null when this process has not delivered it. */
  rootAt(message: string): Post | null;
}

export interface MessageParts {
  api: Api;
  host: ChatHost;
  session: Session;
  directory: Directory;
  history: History;
  mentions: Mentions;
  /** Told of each message of ours as Discord has it now. */
  onDelivered(post: Post, ref: Ref, message: shapes.Message): void;
}

const codes = { unknownChannel: 10003, threadExists: 160004, archived: 50083, tooManyEdits: 30046 } as const;
/** How long a repeated post is surely recognised by its nonce, milliseconds; after that the channel is read. */
const nonceLives = 60_000;
/** Before the post was wanted nobody can have posted it; an hour more for clocks that differ. */
const slack = 3_600_000;
const mostRemembered = 5000;
/** Minutes without a message until Discord folds a thread away: a day. */
const archiveAfter = 1440;
/** How long edits of an old message are left alone after Discord refused one, milliseconds. */
const oldMessagePause = 60_000;

export function createMessages(parts: MessageParts): Messages {
  const refs = remember<Ref>();
  const roots = remember<Post>();
  const shown = remember<string>();
  const threads = remember<true>();
  const tried = remember<true>();
  const working = new Map<string, Promise<unknown>>();

  /** One at a time for one key: a second delivery must see what the first one made. */
  function inOrder<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = working.get(key) ?? Promise.resolve();
    const mine = before.then(work, work);
    const settled = mine.then(
      () => {},
      () => {},
    );
    working.set(key, settled);
    void settled.then(() => working.get(key) === settled && working.delete(key));
    return mine;
  }

  async function deliver(post: Post): Promise<string> {
    const message = await render(post, parts);
    const known = (post.ref === null ? null : parseRef(post.ref)) ?? refs.get(post.key) ?? null;
    const ref = known === null ? await create(post, message, []) : await edit(post, known, message);
    if (post.thread === null) roots.set(ref.message, post);
    return `${ref.channel}/${ref.message}`;
  }

  async function create(post: Post, message: Message, files: NonNullable<Call['files']>): Promise<Ref> {
    const channel = await channelOf(post);
    const mark = post.key;
    const { clock } = parts.host;
    const old = clock.now() - post.createdAt > nonceLives;
    const found = old ? await parts.history.find(channel, mark, post.createdAt - slack) : null;
    if (found !== null) return await takeUp(post, { channel, message: found }, message);
    const nonce = nonceOf(mark);
    const again = tried.get(mark) === true;
    tried.set(mark, true);
    const made = await inChannel(post, channel, () =>
      parts.api.call(shapes.message, {
        method: 'POST',
        path: `/channels/${channel}/messages`,
        body: { ...message, nonce, enforce_nonce: true },
        ...(files.length === 0 ? {} : { files }),
        at: `channel ${post.channel}`,
      }),
    );
    const ref = { channel, message: made.id };
    // Discord answers a repeated nonce with the message that is there: it may show what was wanted then.
    if (again && files.length === 0) return await takeUp(post, ref, message);
    return settle(post, ref, message, made);
  }

  /** A message that was posted before its record was lost. */
  async function takeUp(post: Post, ref: Ref, message: Message): Promise<Ref> {
    refs.set(post.key, ref);
    return await edit(post, ref, message);
  }

  async function edit(post: Post, ref: Ref, message: Message): Promise<Ref> {
    const text = JSON.stringify(message);
    if (shown.get(post.key) === text) return ref;
    const patch = () =>
      parts.api.call(shapes.message, {
        method: 'PATCH',
        path: `/channels/${ref.channel}/messages/${ref.message}`,
        body: message,
        at: `message ${ref.message} in ${post.channel}`,
      });
    try {
      return settle(post, ref, message, await patch());
    } catch (error) {
      const code = discordCode(error);
      if (code === codes.tooManyEdits)
        throw new TocsinError('chat-limited', {
          retryAfter: oldMessagePause,
          at: `channel ${post.channel}`,
          cause: error,
        });
      if (code !== codes.archived) throw error;
      await parts.api.call(shapes.anything, {
        method: 'PATCH',
        path: `/channels/${ref.channel}`,
        body: { archived: false },
      });
      return settle(post, ref, message, await patch());
    }
  }

  function settle(post: Post, ref: Ref, message: Message, made: shapes.Message): Ref {
    refs.set(post.key, ref);
    shown.set(post.key, JSON.stringify(message));
    tried.delete(post.key);
    parts.onDelivered(post, ref, made);
    return ref;
  }

  /** The channel of a root; of a reply, the thread that was started from its root: its id is that of the root's message. */
  async function channelOf(post: Post): Promise<string> {
    if (post.thread === null) return parts.directory.channel(post.channel);
    const root = await parts.host.store.post(post.platform, post.thread);
    const ref = (root?.ref == null ? null : parseRef(root.ref)) ?? refs.get(post.thread) ?? null;
    if (root === null || ref === null)
      throw new TocsinError('chat-down', { message: `The thread of ${post.key} has no root in Discord yet.` });
    if (threads.get(ref.message) === undefined) await startThread(root, ref);
    return ref.message;
  }

  async function startThread(root: Post, ref: Ref): Promise<void> {
    const name = cutText(visibleLine(root.card.title), 100).trim();
    try {
      await parts.api.call(shapes.anything, {
        method: 'POST',
        path: `/channels/${ref.channel}/messages/${ref.message}/threads`,
        body: { name: name === '' ? 'Thread' : name, auto_archive_duration: archiveAfter },
        at: `channel ${root.channel}`,
      });
    } catch (error) {
      if (discordCode(error) !== codes.threadExists) throw error;
    }
    threads.set(ref.message, true);
  }

  /** A thread that was deleted is forgotten, so that the next try starts it again. */
  async function inChannel<T>(post: Post, channel: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (discordCode(error) === codes.unknownChannel) threads.delete(channel);
      // Refused before anything happened: the next try needs no second look.
      if (isCode(error, 'chat-refused') || isCode(error, 'chat-limited')) tried.delete(post.key);
      throw error;
    }
  }

  async function upload(post: Post, file: ChatFile): Promise<void> {
    const message = await render(post, parts);
    if (post.ref !== null || refs.get(post.key) !== undefined) return;
    await create(post, message, [await readFile(file)]);
  }

  return {
    deliver: post => inOrder(post.key, () => deliver(post)),
    upload: (post, file) => inOrder(post.key, () => upload(post, file)),
    rootAt: message => roots.get(message) ?? null,
  };
}

async function render(post: Post, { host, mentions }: MessageParts): Promise<Message> {
  const accounts = await mentions.of(post.card.mention);
  return renderCard(post.card, {
    reference: button => buttonReference(button, { kind: 'post', key: baseKey(post.key) }),
    accounts: name => accounts.get(name) ?? [],
    mark: post.key,
    now: host.clock.now(),
  });
}

/** A map that forgets what was set longest ago. */
function remember<T>() {
  const map = new Map<string, T>();
  return {
    get: (key: string) => map.get(key),
    set(key: string, value: T) {
      map.delete(key);
      map.set(key, value);
      if (map.size > mostRemembered) map.delete(map.keys().next().value ?? '');
    },
    delete: (key: string) => map.delete(key),
  };
}
