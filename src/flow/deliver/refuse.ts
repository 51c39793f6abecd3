import type { Clock } from '../../kernel/clock.ts';
import type { Log } from '../../kernel/log.ts';
import type { Metrics } from '../../kernel/metrics.ts';
import type { KeyedMutex } from '../../kernel/mutex.ts';
import type { Post } from '../../model/card.ts';
import type { Row, Store } from '../../ports/store.ts';
import type { Feed } from '../journal/feed.ts';
import { noteCard } from '../thread/cards.ts';
import { postsLock } from '../thread/parts.ts';
import { type PostWriter, renewed } from './marks.ts';

/** Why a platform does not take a message, and what that is about: the whole channel, this thread (it is locked), or this message. */
export interface Refusal {
  because: string;
  blame: 'channel' | 'thread' | 'message';
}

/** Handles messages that a platform refuses for good: people see them elsewhere, and see why. */
export interface Refusals {
  /**
   * Moves the thread, with what its place does not have yet. A thread of a channel that refuses goes to the fallback channel. A locked
   * thread begins anew in its channel, and goes to the fallback channel when that is locked within 10 minutes.
   */
  moveThread(root: string, refusal: Refusal): Promise<void>;
  /** Leaves out a message that people need not see. The console and /readyz name it, and the thread goes on. */
  leaveOut(post: Post, refusal: Refusal): Promise<void>;
  /** The platform took the post. */
  accepted(post: Post): Promise<void>;
  /** True when the channel refused in the last 5 minutes, so that another request to it would be wasted. */
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
  metrics?: Pick<Metrics, 'count'>;
  writer: PostWriter;
  /** Where threads go instead. */
  fallback(): { platform: string; channel: string };
  isImmediate(platform: string): boolean;
}

/** After this long a channel is tried again, milliseconds: somebody may have invited the bot. */
const forgetAfter = 5 * 60_000;
/** How long /readyz names a thread that moved, or in which something was left out, milliseconds. */
const reportFor = 60 * 60_000;
/** A thread that was begun anew so lately goes to the fallback channel when it is locked again, milliseconds. */
const lastsAtLeast = 10 * 60_000;
const mostThreads = 200;
const page = 500;

/** A thread that moved, or in which something was left out. */
interface RefusedThread {
  channel: string;
  because: string;
  at: number;
  /** How many messages are in the console only. */
  leftOut: number;
  /** Where it goes on; null where it stays. */
  goesOn: string | null;
}

export function createRefusals(parts: RefusalParts): Refusals {
  const { clock, platform } = parts;
  const refused = new Map<string, { because: string; at: number }>();
  const threads = new Map<string, RefusedThread>();

  function refusedThread(root: Post, because: string): RefusedThread {
    const known = threads.get(root.key);
    const one = known ?? { channel: root.channel, because, at: 0, leftOut: 0, goesOn: null };
    threads.delete(root.key);
    threads.set(root.key, one);
    for (const oldest of threads.keys()) {
      if (threads.size <= mostThreads) break;
      threads.delete(oldest);
    }
    return Object.assign(one, { because, at: clock.monotonic() });
  }

  /** The channel itself where a locked thread can begin anew in it, else the fallback channel. */
  function nextPlace(root: Post, { blame }: Refusal): Target {
    const known = threads.get(root.key);
    const isAgain = known !== undefined && known.goesOn !== null && clock.monotonic() - known.at < lastsAtLeast;
    return blame === 'thread' && !isAgain ? { platform, channel: root.channel } : targetOf(root, parts);
  }

  function isRefused(channel: string): boolean {
    const known = refused.get(channel);
    return known !== undefined && clock.monotonic() - known.at < forgetAfter;
  }

  return {
    async moveThread(rootKey, refusal) {
      const root = await parts.store.post(platform, rootKey);
      if (root === null) return;
      const { because, blame } = refusal;
      const target = nextPlace(root, refusal);
      parts.log.warn(
        { platform, channel: root.channel, thread: rootKey, because, blame, to: target },
        'posts are refused',
      );
      // A thread that moves because its channel refused lately is no new refusal: the channel is tried again in time.
      if (blame === 'channel' && !isRefused(root.channel))
        refused.set(root.channel, { because, at: clock.monotonic() });
      if (blame !== 'channel') refusedThread(root, because).goesOn = `${target.platform}:${target.channel}`;
      await parts.mutex.with(postsLock, () => moveTo(target, root, parts));
      await reportMove(root, refusal, target, parts);
    },
    async leaveOut(post, { because }) {
      parts.log.warn({ platform, post: post.key, because }, 'a message was refused and is left out');
      // A refused edit (of a message that is too old, say) withholds nothing: the message is in its thread.
      const left = (now: Post): Post => {
        const delivered = Math.max(now.delivered, post.wanted);
        return now.ref === null ? { ...now, delivered, withheld: 'refused' } : { ...now, delivered };
      };
      await parts.mutex.with(postsLock, () => parts.writer.update([post.key], left));
      if (post.ref !== null) return;
      const root = post.thread === null ? null : await parts.store.post(platform, post.thread);
      refusedThread(root ?? post, because).leftOut += 1;
      parts.metrics?.count('tocsin_posts_left_out_total', { platform });
      const text = `${platform} did not take a message in ${post.channel} (${post.card.title}): ${because}`;
      await postInConsole(`refused/${platform}/${post.channel}/message`, text, post, parts);
    },
    async accepted(post) {
      const root = post.thread ?? post.key;
      if (threads.get(root)?.goesOn === null) threads.delete(root);
      if (!refused.delete(post.channel)) return;
      const key = `refused/${platform}/${post.channel}`;
      await postInConsole(key, `${platform}:${post.channel} takes messages again.`, null, parts);
    },
    isRefused,
    because: channel => refused.get(channel)?.because ?? 'the channel refused messages lately',
    trouble() {
      for (const [root, { at }] of threads) if (clock.monotonic() - at > reportFor) threads.delete(root);
      const channels = [...refused].map(([channel, { because }]) => `${channel} does not take messages: ${because}`);
      const problems = [...channels, ...[...threads].map(threadText)];
      return problems.length === 0 ? null : problems.join('; ');
    },
  };
}

/** For /readyz, which anybody may read: the thread by its key, never by its title. */
function threadText([root, { channel, because, leftOut, goesOn }]: [string, RefusedThread]): string {
  const left = leftOut === 0 ? '' : ` ${leftOut} ${leftOut === 1 ? 'message is' : 'messages are'} in the console only.`;
  const on = goesOn === null ? '' : ` It goes on in ${goesOn}.`;
  return `the thread ${root} in ${channel} does not take messages: ${because}${left}${on}`;
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
  // Posts that stay behind must not be tried again; the projection goes on where the copies are.
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

/** Moves the thread under another root of the platform: what was posted stays where it is, what goes on is posted anew. */
async function moveWithin(channel: string, root: Post, replies: readonly Post[], parts: RefusalParts): Promise<void> {
  const keys = [root, ...replies].filter(post => post === root || isOpen(post)).map(post => post.key);
  await parts.writer.update(keys, post => ({ ...renewed(post), channel }));
}

/** True for a post that is not in the channel yet, or that may still change. */
function isOpen(post: Post): boolean {
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

function copyTo(target: Target, post: Post, parts: RefusalParts): Post {
  const { copies: _, withheld: __, ...rest } = post;
  const [key = ''] = post.key.split(' @');
  const thread = post.thread === null ? null : (post.thread.split(' @')[0] ?? null);
  const done = parts.isImmediate(target.platform) ? { delivered: 1, ref: key } : { delivered: 0, ref: null };
  return { ...rest, ...target, ...done, key, thread, wanted: 1, changed: 0 };
}

async function reportMove(root: Post, { because, blame }: Refusal, target: Target, parts: RefusalParts): Promise<void> {
  const [where, place] = [`${parts.platform}:${root.channel}`, `${target.platform}:${target.channel}`];
  const key = `refused/${where.replace(':', '/')}`;
  if (blame === 'channel') {
    const text = `${where} does not take messages: ${because} Its threads go to ${place}.`;
    return await postInConsole(key, text, null, parts);
  }
  const text = `A thread in ${where} (${root.card.title}) does not take messages: ${because} It goes on in ${place}.`;
  await postInConsole(`${key}/thread`, text, root, parts);
}

/** Posts to the console's own channel: one message for each key, edited in place. */
async function postInConsole(key: string, text: string, about: Post | null, parts: RefusalParts): Promise<void> {
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
