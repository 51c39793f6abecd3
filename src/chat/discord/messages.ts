import { isCode, TocsinError } from '../../kernel/errors.ts';
import type { Post } from '../../model/card.ts';
import type { ChatFile, ChatHost } from '../../ports/chat.ts';
import { type Api, type Call, discordCode } from './api.ts';
import { baseKey, buttonReference } from './buttons.ts';
import { readFile } from './file.ts';
import { type History, nonceOf } from './history.ts';
import type { Mentions } from './mentions.ts';
import { parseRef, placeName, type Ref, writeRef } from './ref.ts';
import { type Remembered, remember } from './remember.ts';
import { type Message, renderCard } from './render.ts';
import * as shapes from './shapes.ts';
import type { Threads } from './threads.ts';

/** Posts and edits. One key is one message, however often and from how many sides it is delivered. */
export interface Messages {
  deliver(post: Post): Promise<string>;
  upload(post: Post, file: ChatFile): Promise<void>;
}

export interface MessageParts {
  api: Api;
  host: ChatHost;
  threads: Threads;
  history: History;
  mentions: Mentions;
  /** Where this process knows posts to be, by `placeName`. */
  refs: Remembered<Ref>;
  /** Told of each message of ours as Discord has it now. */
  onDelivered(post: Post, ref: Ref, message: shapes.Message): void;
}

interface Work extends MessageParts {
  /** What Discord shows now, as it was sent. */
  shown: Remembered<string>;
  /** Posts that were sent without an answer: they may be there. */
  tried: Remembered<true>;
}

const codes = { unknownChannel: 10003, archived: 50083, tooManyEdits: 30046 } as const;
/** How long a repeated post is surely recognised by its nonce, milliseconds; after that the channel is read. */
const nonceLives = 60_000;
/** Before the post was wanted nobody can have posted it; an hour more for clocks that differ. */
const clocksDiffer = 3_600_000;
/** How long edits of an old message are left alone after Discord refused one, milliseconds. */
const oldMessagePause = 20_000;

export function createMessages(parts: MessageParts): Messages {
  const work: Work = { ...parts, shown: remember<string>(), tried: remember<true>() };
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
    deliver: post => inOrder(post.key, () => deliver(post, work)),
    upload: (post, file) => inOrder(post.key, () => upload(post, file, work)),
  };
}

async function deliver(post: Post, work: Work): Promise<string> {
  const message = await render(post, work);
  const known = parseRef(post.ref) ?? work.refs.get(placeName(post)) ?? null;
  return writeRef(known === null ? await create(post, message, [], work) : await edit(post, known, message, work));
}

async function upload(post: Post, file: ChatFile, work: Work): Promise<void> {
  if (post.ref !== null || work.refs.get(placeName(post)) !== undefined) return;
  await create(post, await render(post, work), [await readFile(file)], work);
}

async function create(post: Post, message: Message, files: NonNullable<Call['files']>, work: Work): Promise<Ref> {
  const { api, host, history, tried } = work;
  const channel = await work.threads.channelOf(post);
  const mark = post.key;
  const isOld = host.clock.now() - post.createdAt > nonceLives;
  const found = isOld ? await history.find(channel, mark, post.createdAt - clocksDiffer) : null;
  if (found !== null) return await takeUp(post, { channel, message: found }, message, work);
  const place = placeName(post);
  const again = tried.get(place) === true;
  tried.set(place, true);
  try {
    const made = await api.call(shapes.message, {
      method: 'POST',
      path: `/channels/${channel}/messages`,
      body: { ...message, nonce: nonceOf(`${channel} ${mark}`), enforce_nonce: true },
      ...(files.length === 0 ? {} : { files }),
      at: `channel ${post.channel}`,
    });
    const ref = { channel, message: made.id };
    // Discord answers a repeated nonce with the message that is there: it may show what was wanted then.
    return again && files.length === 0
      ? await takeUp(post, ref, message, work)
      : settle(post, ref, message, made, work);
  } catch (error) {
    if (discordCode(error) === codes.unknownChannel && post.thread !== null) {
      work.threads.forget(channel);
      throw new TocsinError('chat-down', {
        message: 'The thread was deleted in Discord; it is started again.',
        cause: error,
      });
    }
    // Refused before anything happened: the next try needs no second look.
    if (!again && (isCode(error, 'chat-refused') || isCode(error, 'chat-limited'))) tried.delete(place);
    throw error;
  }
}

/** A message that was posted before its record was lost. */
async function takeUp(post: Post, ref: Ref, message: Message, work: Work): Promise<Ref> {
  work.refs.set(placeName(post), ref);
  return await edit(post, ref, message, work);
}

async function edit(post: Post, ref: Ref, message: Message, work: Work): Promise<Ref> {
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
    if (code === codes.tooManyEdits)
      throw new TocsinError('chat-limited', {
        retryAfter: oldMessagePause,
        at: `channel ${post.channel}`,
        cause: error,
      });
    if (code !== codes.archived) throw error;
    await work.threads.reopen(ref.channel);
    return settle(post, ref, message, await patch(), work);
  }
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
    mark: post.key,
    now: host.clock.now(),
  });
}
