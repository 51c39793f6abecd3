import { messageOf, TocsinError } from '../../kernel/errors.ts';
import { markOf, type Post } from '../../model/card.ts';
import type { ChatHost } from '../../ports/chat.ts';
import type { Channels } from './channels.ts';
import type { SlackClient } from './client.ts';
import { isAmbiguous, slackError, tellLog, toChatError } from './failure.ts';
import { findPosts, metadataType, type Place } from './find.ts';
import type { Mentions } from './mentions.ts';
import { parseRef, type Ref, showRef } from './ref.ts';
import { renderBare, renderMessage, type SlackMessage } from './render.ts';
import type { Session } from './session.ts';
import type { Subjects } from './subjects.ts';

export interface DeliverParts {
  client: SlackClient;
  host: ChatHost;
  session: Session;
  channels: Channels;
  mentions: Mentions;
  subjects: Subjects;
  /** When this connection was opened, milliseconds since the epoch. */
  openedAt: number;
}

/** Errors that mean that the message can no longer be edited, so that a new one has to be posted. */
const goneErrors = new Set(['message_not_found', 'cant_update_message', 'edit_window_closed']);

/** Errors that refuse the form of a message. */
const shapeErrors = new Set([
  'invalid_blocks',
  'invalid_blocks_format',
  'invalid_attachments',
  'msg_blocks_too_long',
  'msg_too_long',
  'too_many_attachments',
]);

/** Posts or edits one post; see ChatConnection.deliver. */
export function createDeliver(parts: DeliverParts): (post: Post, root: Post | null) => Promise<string> {
  /** Keys of posts whose answer was lost; they may have been posted. */
  const lost = new Set<string>();
  const past = createPast(parts);

  return async (post, root) => {
    await parts.session.ready();
    const mentions = await parts.mentions.of(post.card.mention);
    const alert = post.key.startsWith('alert/') ? post.alert : null;
    const facts = { post: post.key, alert, mentions, now: parts.host.clock.now() };
    const ref = await show(post, root, renderMessage(post.card, facts)).catch(error => {
      if (!shapeErrors.has(slackError(error.cause) ?? '')) throw error;
      // Not all of Slack's limits are documented. The short form makes sure that people see what they must decide about.
      parts.host.log.error({ reason: messageOf(error), key: post.key }, 'Slack does not take a message as it is');
      return show(post, root, renderBare(post.card, facts));
    });
    parts.subjects.learn(ref, post);
    return showRef(ref);
  };

  async function show(post: Post, root: Post | null, message: SlackMessage): Promise<Ref> {
    const known = post.ref === null ? null : parseRef(post.ref);
    return (known === null ? null : await edit(post, known, message, parts)) ?? (await postNew(post, root, message));
  }

  async function postNew(post: Post, root: Post | null, message: SlackMessage): Promise<Ref> {
    const place = await placeOf(post, root, parts);
    const before = await past.find(post, place, lost.has(markOf(post)));
    if (before !== null) {
      lost.delete(markOf(post));
      const edited = await edit(post, before, message, parts);
      if (edited !== null) return edited;
      // It was deleted since that look.
      past.forget(post, place);
    }
    try {
      const answer = await parts.client.chat.postMessage({
        ...contentOf(post, message),
        channel: place.channel,
        ...(place.thread === null ? {} : { thread_ts: place.thread }),
        unfurl_links: false,
        unfurl_media: false,
        link_names: false,
      });
      lost.delete(markOf(post));
      const ref = { channel: answer.channel ?? place.channel, ts: answer.ts ?? '' };
      if (place.thread !== null && isOutside(answer.message)) throw await takeBack(ref, parts);
      if (place.thread === null) past.opened(ref);
      return ref;
    } catch (error) {
      if (isAmbiguous(error)) lost.add(markOf(post));
      throw toChatError(error, { method: 'chat.postMessage', channel: post.channel });
    }
  }
}

/** Edits the message. Resolves to its reference, or to null when the message no longer exists and has to be posted again. */
async function edit(post: Post, ref: Ref, message: SlackMessage, parts: DeliverParts): Promise<Ref | null> {
  try {
    await parts.client.chat.update({ ...contentOf(post, message), channel: ref.channel, ts: ref.ts });
    return ref;
  } catch (error) {
    if (goneErrors.has(slackError(error) ?? '')) return null;
    throw toChatError(error, { method: 'chat.update', channel: post.channel });
  }
}

function contentOf(post: Post, message: SlackMessage) {
  const metadata = { event_type: metadataType, event_payload: { key: markOf(post) } };
  return { text: message.text, blocks: message.blocks, attachments: message.attachments, metadata };
}

/** Whether a reply became a message of the channel. Slack answers `ok` to a reply to a deleted root, but without `thread_ts`. */
function isOutside(message: { thread_ts?: string } | undefined): boolean {
  return message !== undefined && message.thread_ts === undefined;
}

/** Deletes a reply that became a message of the channel. Resolves to the error that the delivery rejects with. */
async function takeBack(ref: Ref, { client, host }: DeliverParts): Promise<TocsinError> {
  await client.chat.delete(ref).catch(tellLog(host.log, 'a reply whose thread is gone stays in the channel'));
  return new TocsinError('chat-root-gone', { message: 'The first message of the thread was deleted in Slack.' });
}

/** The channel's id and the root's `ts`. */
export async function placeOf(
  post: Post,
  root: Post | null,
  { channels }: Pick<DeliverParts, 'channels'>,
): Promise<Place> {
  if (root === null) return { channel: await channels.idOf(post.channel), thread: null };
  const ref = root.ref === null ? null : parseRef(root.ref);
  if (ref === null) throw new TocsinError('chat-root-gone', { given: root.key });
  return { channel: ref.channel, thread: ref.ts };
}

/** A post that waited longer than this, milliseconds, may have been posted by a node that died before it stored the reference. */
const late = 5000;
/** How long the history of a place is cached, milliseconds. */
const historyFresh = 60_000;
const mostPlaces = 500;

/**
 * Finds messages that were posted before: after a lost answer, and for posts that an earlier process or another node may have posted
 * without storing the reference. The history of a thread is read once for all of its late posts.
 */
function createPast(parts: DeliverParts) {
  const { clock } = parts.host;
  const looks = new Map<string, { at: number; since: number; keys: Map<string, string> }>();
  return {
    /** A new thread is empty, so its history need not be read. */
    opened(root: Ref): void {
      if (looks.size >= mostPlaces) looks.clear();
      looks.set(`${root.channel}/${root.ts}`, { at: clock.monotonic(), since: 0, keys: new Map() });
    },
    forget: (post: Post, place: Place) => void looks.get(nameOf(place))?.keys.delete(markOf(post)),
    async find(post: Post, place: Place, again: boolean): Promise<Ref | null> {
      const mayBeThere = again || post.createdAt < parts.openedAt || clock.now() - post.createdAt > late;
      if (!mayBeThere) return null;
      const name = nameOf(place);
      let look = looks.get(name);
      const serves = look !== undefined && look.since <= post.createdAt && clock.monotonic() - look.at < historyFresh;
      if (look === undefined || again || !serves) {
        const at = clock.monotonic();
        const keys = await findPosts(place, post.createdAt, parts.client, parts.session);
        if (looks.size >= mostPlaces) looks.clear();
        look = { at, since: post.createdAt, keys };
        looks.set(name, look);
      }
      const ts = look.keys.get(markOf(post));
      return ts === undefined ? null : { channel: place.channel, ts };
    },
  };
}

function nameOf({ channel, thread }: Place): string {
  return `${channel}/${thread}`;
}
