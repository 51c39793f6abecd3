import type { Clock } from '../../kernel/clock.ts';
import type { Log } from '../../kernel/log.ts';
import type { Metrics } from '../../kernel/metrics.ts';
import type { KeyedMutex } from '../../kernel/mutex.ts';
import type { Post } from '../../model/card.ts';
import { noteCard } from '../thread/cards/cards.ts';
import { postsLock } from '../thread/parts.ts';
import { type MoveParts, moveTo, type Target, targetOf } from './move.ts';
import { createRefusedThreads, type Refusal } from './refused-threads.ts';

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

export interface RefusalParts extends MoveParts {
  mutex: KeyedMutex;
  clock: Clock;
  log: Log;
  metrics?: Pick<Metrics, 'count'>;
}

/** After this long a channel is tried again, milliseconds: somebody may have invited the bot. */
const forgetAfter = 5 * 60_000;
export function createRefusals(parts: RefusalParts): Refusals {
  const { clock, platform } = parts;
  const refused = new Map<string, { because: string; at: number }>();
  const threads = createRefusedThreads(clock);

  function isRefused(channel: string): boolean {
    const known = refused.get(channel);
    return known !== undefined && clock.monotonic() - known.at < forgetAfter;
  }

  return {
    async moveThread(rootKey, refusal) {
      const root = await parts.store.post(platform, rootKey);
      if (root === null) return;
      const { because, blame } = refusal;
      // A locked thread can begin anew in its channel.
      const isAnew = blame === 'thread' && threads.mayBeginAnew(root);
      const target = isAnew ? { platform, channel: root.channel } : targetOf(root, parts);
      parts.log.warn(
        { platform, channel: root.channel, thread: rootKey, because, blame, to: target },
        'posts are refused',
      );
      // A thread that moves because its channel refused lately is no new refusal: the channel is tried again in time.
      if (blame === 'channel' && !isRefused(root.channel))
        refused.set(root.channel, { because, at: clock.monotonic() });
      if (blame !== 'channel') threads.moved(root, refusal, `${target.platform}:${target.channel}`);
      await parts.mutex.with(postsLock, () => moveTo(target, root, parts));
      await reportMove(root, refusal, target, parts);
    },
    async leaveOut(post, refusal) {
      const { because } = refusal;
      parts.log.warn({ platform, post: post.key, because }, 'a message was refused and is left out');
      // A refused edit (of a message that is too old, say) withholds nothing: the message is in its thread.
      const left = (now: Post): Post => {
        const delivered = Math.max(now.delivered, post.wanted);
        return now.ref === null ? { ...now, delivered, withheld: 'refused' } : { ...now, delivered };
      };
      await parts.mutex.with(postsLock, () => parts.writer.update([post.key], left));
      if (post.ref !== null) return;
      const root = post.thread === null ? null : await parts.store.post(platform, post.thread);
      threads.leftOut(root ?? post, refusal, post.key);
      // Each message counts once, however often it changes.
      if (post.withheld !== 'refused') parts.metrics?.count('tocsin_posts_left_out_total', { platform });
      const text = `${platform} did not take a message in ${post.channel} (${post.card.title}): ${because}`;
      await postInConsole(`refused/${platform}/${post.channel}/message`, text, post, parts);
    },
    async accepted(post) {
      threads.accepted(post);
      // An edit can be taken where new messages are refused.
      if (post.ref !== null || !refused.delete(post.channel)) return;
      const key = `refused/${platform}/${post.channel}`;
      await postInConsole(key, `${platform}:${post.channel} takes messages again.`, null, parts);
    },
    isRefused,
    because: channel => refused.get(channel)?.because ?? 'the channel refused messages lately',
    trouble() {
      const channels = [...refused].map(([channel, { because }]) => `${channel} does not take messages: ${because}`);
      const problems = [...channels, ...threads.problems()];
      return problems.length === 0 ? null : problems.join('; ');
    },
  };
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
