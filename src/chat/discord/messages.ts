import { isCode, TocsinError } from '../../kernel/errors.ts';
import { markOf, type Post } from '../../model/card.ts';
import type { ChatFile, ChatHost } from '../../ports/chat.ts';
import { type Api, type Call, discordCode } from './api.ts';
import { baseKey, buttonReference } from './buttons.ts';
import { attachmentsOf, type Described, readFile } from './file.ts';
import { type History, nonceOf } from './history.ts';
import type { Mentions } from './mentions.ts';
import { parseRef, placeName, type Ref, writeRef } from './ref.ts';
import { type Remembered, remember } from './remember.ts';
import { type Message, renderCard } from './render.ts';
import * as shapes from './shapes.ts';
import type { Threads } from './threads.ts';

/** Posts and edits messages. One key is one message, however often it is delivered, and by however many callers. */
export interface Messages {
  deliver(post: Post, root: Post | null): Promise<string>;
  upload(post: Post, file: ChatFile, root: Post | null): Promise<void>;
}

export interface MessageParts {
  api: Api;
  host: ChatHost;
  threads: Threads;
  history: History;
  mentions: Mentions;
  /** The known references of posts, by `placeName`. */
  refs: Remembered<Ref>;
  /** Called with each message of ours as Discord has it now. */
  onDelivered(post: Post, ref: Ref, message: shapes.Message): void;
}

interface Work extends MessageParts {
  /** What Discord shows now, as it was sent. */
  shown: Remembered<string>;
  /** Posts that were sent without an answer; they may exist. */
  tried: Remembered<true>;
  /** The last message of a post that somebody deleted. */
  deleted: Remembered<string>;
}

const codes = { unknownChannel: 10003, unknownMessage: 10008, archived: 50083, tooManyEdits: 30046 } as const;
/** Milliseconds during which Discord is sure to deduplicate by nonce. After that the channel is read. */
const nonceLives = 60_000;
/** The channel is read back to the creation of the post, and further by this much for clock skew, milliseconds. */
const clockSkew = 3_600_000;
/** How long edits of an old message are left alone after Discord refused one, milliseconds. */
const oldMessagePause = 20_000;

export function createMessages(parts: MessageParts): Messages {
  const work: Work = { ...parts, shown: remember<string>(), tried: remember<true>(), deleted: remember<string>() };
  const underway = new Map<string, Promise<void>>();

  /** One at a time for one key: a second delivery must see what the first one made. */
  function inOrder<T>(key: string, act: () => Promise<T>): Promise<T> {
    const mine = (underway.get(key) ?? Promise.resolve()).then(act);
    const done = mine.then(
      () => {},
      () => {},
    );
    underway.set(key, done);
    void done.then(() => underway.get(key) === done && underway.delete(key));
    return mine;
  }

  return {
    deliver: (post, root) => inOrder(post.key, () => deliver({ post, root, files: [] }, work)),
    upload: (post, file, root) => inOrder(post.key, () => upload({ post, root, files: [] }, file, work)),
  };
}

/** What is to be shown, and where. */
interface Request {
  post: Post;
  root: Post | null;
  files: NonNullable<Call['files']>;
  /** What is said of the files. */
  attachments?: readonly Described[];
}

async function deliver(request: Request, work: Work): Promise<string> {
  const { post } = request;
  const message = await render(post, work);
  const known = parseRef(post.ref) ?? work.refs.get(placeName(post)) ?? null;
  const edited = known === null ? null : await edit(post, known, message, work);
  return writeRef(edited ?? (await create(request, message, work)));
}

async function upload(request: Request, file: ChatFile, work: Work): Promise<void> {
  const { post } = request;
  if (post.ref !== null || work.refs.get(placeName(post)) !== undefined) return;
  const described = { files: [await readFile(file)], attachments: attachmentsOf(file) };
  await create({ ...request, ...described }, await render(post, work), work);
}

async function create(request: Request, message: Message, work: Work): Promise<Ref> {
  const { post, root, files } = request;
  const { host, history, tried, threads } = work;
  const channel = await threads.channelOf(post, root);
  const mark = markOf(post);
  const isOld = host.clock.now() - post.createdAt > nonceLives;
  const found = isOld ? await history.find(channel, mark, post.createdAt - clockSkew) : null;
  const before = found === null ? null : await edit(post, { channel, message: found }, message, work);
  if (before !== null) return before;
  const place = placeName(post);
  const again = tried.get(place) === true;
  tried.set(place, true);
  try {
    const made = await send(channel, request, message, work);
    const ref = { channel, message: made.id };
    // Discord answers a repeated nonce with the existing message, whose content may be older.
    if (!again || files.length > 0) return settle(post, ref, message, made, work);
    return (await edit(post, ref, message, work)) ?? (await create(request, message, work));
  } catch (error) {
    if (discordCode(error) === codes.unknownChannel && root !== null) {
      threads.forget(channel);
      throw new TocsinError('chat-down', {
        message: 'The thread was deleted in Discord; it is started again.',
        cause: error,
      });
    }
    // Refused without an effect, so the next attempt need not search for the message.
    if (!again && (isCode(error, 'chat-refused') || isCode(error, 'chat-limited'))) tried.delete(place);
    throw root === null ? error : await threads.explain(channel, error);
  }
}

/** Discord unarchives a thread for a new message by itself, unless it is locked; its error for that is not documented. */
async function send(channel: string, request: Request, message: Message, work: Work): Promise<shapes.Message> {
  const { post, root, files, attachments = [] } = request;
  const deleted = work.deleted.get(placeName(post));
  const nonce = nonceOf([channel, markOf(post), ...(deleted === undefined ? [] : [deleted])].join(' '));
  const attempt = () =>
    work.api.call(shapes.message, {
      method: 'POST',
      path: `/channels/${channel}/messages`,
      body: { ...message, ...(attachments.length > 0 ? { attachments } : {}), nonce, enforce_nonce: true },
      ...(files.length === 0 ? {} : { files }),
      at: `channel ${post.channel}`,
    });
  try {
    return await attempt();
  } catch (error) {
    if (root === null || discordCode(error) !== codes.archived) throw error;
    await work.threads.reopen(channel);
    return await attempt();
  }
}

/** Edits the message. Resolves to its reference, or to null when it was deleted and has to be posted again. */
async function edit(post: Post, ref: Ref, message: Message, work: Work): Promise<Ref | null> {
  if (work.shown.get(ref.message) === JSON.stringify(message)) return ref;
  const patch = () =>
    work.api.call(shapes.message, {
      method: 'PATCH',
      path: `/channels/${ref.channel}/messages/${ref.message}`,
      body: message,
      at: `channel ${post.channel}`,
    });
  try {
    return settle(post, ref, message, await patch(), work);
  } catch (error) {
    const code = discordCode(error);
    if (code === codes.unknownMessage) return forget(post, ref, work);
    if (code === codes.unknownChannel && post.thread !== null) {
      // The thread was deleted; the message goes into the one that is started again.
      work.threads.forget(ref.channel);
      return forget(post, ref, work);
    }
    if (code === codes.tooManyEdits)
      throw new TocsinError('chat-limited', {
        retryAfter: oldMessagePause,
        at: `channel ${post.channel}`,
        cause: error,
      });
    if (code !== codes.archived) throw await work.threads.explain(ref.channel, error);
    await work.threads.reopen(ref.channel);
    return settle(post, ref, message, await patch(), work);
  }
}

/** Handles a deleted message. Discord would answer its nonce with the deleted message, so the next one gets another nonce. */
function forget(post: Post, ref: Ref, work: Work): null {
  work.refs.delete(placeName(post));
  work.tried.delete(placeName(post));
  work.deleted.set(placeName(post), ref.message);
  return null;
}

function settle(post: Post, ref: Ref, message: Message, made: shapes.Message, work: Work): Ref {
  work.refs.set(placeName(post), ref);
  work.shown.set(ref.message, JSON.stringify(message));
  work.tried.delete(placeName(post));
  work.onDelivered(post, ref, made);
  return ref;
}

async function render(post: Post, { host, mentions }: Work): Promise<Message> {
  const accounts = await mentions.of(post.card.mention);
  return renderCard(post.card, {
    reference: button => buttonReference(button, { kind: 'post', key: baseKey(post.key) }),
    accounts: name => accounts.get(name) ?? [],
    mark: markOf(post),
    now: host.clock.now(),
  });
}
