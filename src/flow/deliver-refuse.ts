import type { Clock } from '../kernel/clock.ts';
import type { Log } from '../kernel/log.ts';
import type { KeyedMutex } from '../kernel/mutex.ts';
import type { Post } from '../model/card.ts';
import type { Row, Store } from '../ports/store.ts';
import { noteCard } from './cards.ts';
import type { PostWriter } from './deliver-marks.ts';
import type { Feed } from './feed.ts';
import { postsLock } from './thread-parts.ts';

/** What is done where a platform will not take a message, whatever is waited: people see it elsewhere, and see why. */
export interface Refusals {
  /** Moves the thread to the fallback channel, with what its own channel does not have yet. */
  moveThread(root: string, because: string): Promise<void>;
  /** One message, not the channel: it is left out, and the thread goes on. */
  skip(post: Post, because: string): Promise<void>;
  /** The channel took something. */
  accepted(channel: string): Promise<void>;
  /** The channel refused lately, so that asking it again would only cost requests. */
  isRefused(channel: string): boolean;
  because(channel: string): string;
  trouble(): string | null;
}

export interface RefusalParts {
  platform: string;
  store: Store;
  feed: Feed;
  mutex: KeyedMutex;
  clock: Clock;
  log: Log;
  writer: PostWriter;
  /** Where threads go instead. */
  fallback(): { platform: string; channel: string };
  isImmediate(platform: string): boolean;
}

/** After this long a channel is tried again, milliseconds: somebody may have invited the bot. */
const forgetAfter = 5 * 60_000;
const page = 500;

export function createRefusals(parts: RefusalParts): Refusals {
  const refused = new Map<string, { because: string; at: number }>();
  return {
    async moveThread(rootKey, because) {
      const root = await parts.store.post(parts.platform, rootKey);
      if (root === null) return;
      const target = targetOf(root, parts);
      parts.log.warn(
        { platform: parts.platform, channel: root.channel, because, to: target },
        'a channel refuses posts',
      );
      refused.set(root.channel, { because, at: parts.clock.monotonic() });
      await parts.mutex.with(postsLock, () => moveTo(target, root, parts));
      await sayRefused(root.channel, because, target, parts);
    },
    async skip(post, because) {
      parts.log.warn({ platform: parts.platform, post: post.key, because }, 'a message was refused and is left out');
      // A message that is there and cannot be edited (too old, or deleted by somebody) still has its thread.
      const left = (now: Post): Post => {
        const delivered = Math.max(now.delivered, post.wanted);
        return now.ref === null ? { ...now, delivered, withheld: 'refused' } : { ...now, delivered };
      };
      await parts.mutex.with(postsLock, () => parts.writer.update([post.key], left));
      const text = `${parts.platform} did not take a message in ${post.channel} (${post.card.title}): ${because}`;
      if (post.ref === null) await sayInConsole(`refused/${parts.platform}/${post.channel}/message`, text, post, parts);
    },
    async accepted(channel) {
      if (!refused.delete(channel)) return;
      const key = `refused/${parts.platform}/${channel}`;
      await sayInConsole(key, `${parts.platform}:${channel} takes messages again.`, null, parts);
    },
    isRefused(channel) {
      const known = refused.get(channel);
      return known !== undefined && parts.clock.monotonic() - known.at < forgetAfter;
    },
    because: channel => refused.get(channel)?.because ?? 'the channel refused messages lately',
    trouble() {
      if (refused.size === 0) return null;
      return [...refused].map(([channel, { because }]) => `${channel} does not take messages: ${because}`).join('; ');
    },
  };
}

interface Target {
  platform: string;
  channel: string;
}

function targetOf(root: Post, parts: RefusalParts): Target {
  const wanted = parts.fallback();
  const same = wanted.platform === root.platform && wanted.channel === root.channel;
  return same ? { platform: 'console', channel: 'alerts' } : wanted;
}

async function moveTo(target: Target, root: Post, parts: RefusalParts): Promise<void> {
  const replies = await repliesOf(root, parts.store);
  if (target.platform === parts.platform) return await moveWithin(target.channel, root, replies, parts);
  const [rootKey = ''] = root.key.split(' @');
  const there = await parts.store.post(target.platform, rootKey);
  const copies =
    there === null ? [root, ...replies].filter(post => isOpen(post)).map(post => copyTo(target, post, parts)) : [];
  // What is left behind must not be tried again; the projection goes on where the copies are.
  const left = (post: Post): Post => ({ ...post, delivered: post.wanted, withheld: 'refused' });
  if (copies.length > 0) {
    const rows: Row[] = copies.map(doc => ({ table: 'post', doc }));
    await parts.feed.commit({
      guards: copies.map(({ platform, key }) => ({ kind: 'post', platform, key, changed: 0 })),
      rows,
    });
  }
  await parts.writer.update([root.key, ...replies.filter(isOpen).map(post => post.key)], left);
}

/** The whole thread in another channel of the platform: what was posted before stays where it is, what goes on is posted anew. */
async function moveWithin(channel: string, root: Post, replies: readonly Post[], parts: RefusalParts): Promise<void> {
  const keys = [root, ...replies].filter(post => post === root || isOpen(post)).map(post => post.key);
  await parts.writer.update(keys, post => ({ ...post, channel, ref: null, delivered: 0 }));
}

/** It is not in the channel yet, or more will come of it. */
function isOpen(post: Post): boolean {
  return post.thread === null || post.ref === null || post.wanted > post.delivered || post.over !== true;
}

async function repliesOf(root: Post, store: Store): Promise<Post[]> {
  return await store.posts({ platform: root.platform, thread: root.key, order: 'newest', limit: page });
}

function copyTo(target: Target, post: Post, parts: RefusalParts): Post {
  const { copies: _, withheld: __, ...rest } = post;
  const [key = ''] = post.key.split(' @');
  const thread = post.thread === null ? null : (post.thread.split(' @')[0] ?? null);
  const done = parts.isImmediate(target.platform) ? { delivered: 1, ref: key } : { delivered: 0, ref: null };
  return { ...rest, ...target, ...done, key, thread, wanted: 1, changed: 0 };
}

async function sayRefused(channel: string, because: string, target: Target, parts: RefusalParts): Promise<void> {
  const where = `${target.platform}:${target.channel}`;
  const text = `${parts.platform}:${channel} does not take messages: ${because} Its threads go to ${where}.`;
  await sayInConsole(`refused/${parts.platform}/${channel}`, text, null, parts);
}

/** One message for each matter in the console's own channel, changed in place. */
async function sayInConsole(key: string, text: string, about: Post | null, parts: RefusalParts): Promise<void> {
  await parts.mutex.with(postsLock, async () => {
    const known = await parts.store.post('console', key);
    const head = await parts.store.head();
    const doc: Post = {
      platform: 'console',
      key,
      channel: 'alerts',
      thread: null,
      card: noteCard(text, text.endsWith('again.') ? 'good' : 'warning'),
      wanted: (known?.wanted ?? 0) + 1,
      delivered: (known?.wanted ?? 0) + 1,
      ref: key,
      order: known?.order ?? head.seq,
      createdAt: known?.createdAt ?? parts.clock.now(),
      changed: known?.changed ?? 0,
      severity: null,
      alert: about?.alert ?? null,
      run: about?.run ?? null,
      over: true,
    };
    await parts.feed.commit({ rows: [{ table: 'post', doc }] });
  });
}
