import type { Post } from '../../model/card.ts';
import type { Row, Store } from '../../ports/store.ts';
import type { Feed } from '../journal/feed.ts';
import { type PostWriter, renewed } from './marks.ts';

export interface MoveParts {
  platform: string;
  store: Store;
  feed: Feed;
  writer: PostWriter;
  /** Where threads go that their channel does not take. */
  fallback(): Target;
  isImmediate(platform: string): boolean;
}

/** Replies are read so many at a time. */
const page = 500;

export interface Target {
  platform: string;
  channel: string;
}

export function targetOf(root: Post, parts: Pick<MoveParts, 'fallback'>): Target {
  const wanted = parts.fallback();
  const same = wanted.platform === root.platform && wanted.channel === root.channel;
  return same ? { platform: 'console', channel: 'alerts' } : wanted;
}

/** Moves a thread, with what its place does not have yet. */
export async function moveTo(target: Target, root: Post, parts: MoveParts): Promise<void> {
  const replies = await repliesOf(root, parts.store);
  // The channel has a copy of the thread already.
  const isThere = target.platform === parts.platform && root.copies?.includes(target.channel) === true;
  if (!isThere && target.platform === parts.platform) return await moveWithin(target.channel, root, replies, parts);
  const copies = isThere ? [] : await missingAt(target, [root, ...replies].filter(isOpen), parts);
  if (copies.length > 0) {
    const rows: Row[] = copies.map(doc => ({ table: 'post', doc }));
    await parts.feed.commit({
      guards: copies.map(({ platform, key }) => ({ kind: 'post', platform, key, changed: 0 })),
      rows,
    });
  }
  await parts.writer.update([root.key, ...replies.filter(isOpen).map(post => post.key)], leftBehind);
}

/**
 * Copies of the posts that the target does not have. Usually these are all or none. A post that another node projected before it knew of the
 * move is the only one.
 */
async function missingAt(target: Target, posts: readonly Post[], parts: MoveParts): Promise<Post[]> {
  const copies = posts.map(post => copyTo(target, post, parts));
  const known = await Promise.all(copies.map(({ key }) => parts.store.post(target.platform, key)));
  return copies.filter((_, index) => known[index] === null);
}

/** A post that stays behind is not tried again, whatever is still on its way; the projection goes on where the copy is. */
function leftBehind(post: Post): Post {
  return { ...post, delivered: post.wanted, withheld: 'refused', renewed: (post.renewed ?? 0) + 1 };
}

/** Moves the thread under another root of the platform: what was posted stays where it is, what goes on is posted anew. */
async function moveWithin(channel: string, root: Post, replies: readonly Post[], parts: MoveParts): Promise<void> {
  const keys = [root, ...replies].filter(post => post === root || isOpen(post)).map(post => post.key);
  await parts.writer.update(keys, post => ({ ...renewed(post), channel }));
}

/** True for a post that is not in the channel yet, or that may still change. What a list stands for, and is over, is neither. */
function isOpen(post: Post): boolean {
  if (post.withheld === 'listed' && post.over === true && post.thread !== null) return false;
  return post.thread === null || post.ref === null || post.wanted > post.delivered || post.over !== true;
}

async function repliesOf(root: Post, store: Store): Promise<Post[]> {
  const replies: Post[] = [];
  for (let changedAfter = 0; ; ) {
    const some = await store.posts({ platform: root.platform, thread: root.key, changedAfter, limit: page });
    replies.push(...some);
    changedAfter = some.at(-1)?.changed ?? changedAfter;
    if (some.length < page) return replies;
  }
}

function copyTo(target: Target, post: Post, parts: MoveParts): Post {
  const { copies: _, withheld: __, ...rest } = post;
  const [key = ''] = post.key.split(' @');
  const thread = post.thread === null ? null : (post.thread.split(' @')[0] ?? null);
  const done = parts.isImmediate(target.platform) ? { delivered: 1, ref: key } : { delivered: 0, ref: null };
  return { ...rest, ...target, ...done, key, thread, wanted: 1, changed: 0 };
}
