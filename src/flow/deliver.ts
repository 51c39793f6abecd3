import type { Clock } from '../kernel/clock.ts';
import { messageOf } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import type { Metrics } from '../kernel/metrics.ts';
import type { KeyedMutex } from '../kernel/mutex.ts';
import type { Post } from '../model/card.ts';
import type { ChatCapabilities, ChatConnection } from '../ports/chat.ts';
import type { Store } from '../ports/store.ts';
import type { Feed } from './feed.ts';
import { postsLock } from './thread.ts';

/** Makes one platform show what its threads should show: in order, the newest version only, as long as it takes. */
export interface Delivery {
  /** Why nothing goes out now; null when all is well. */
  trouble(): string | null;
  /** Resolves when nothing is undelivered, or when the delivery is stopped. */
  settled(): Promise<void>;
  stop(): Promise<void>;
}

export interface DeliverParts {
  platform: string;
  /** The platforms that are on. */
  platforms(): ReadonlyMap<string, ChatCapabilities>;
  /** Where the console is reachable, for links. */
  baseUrl(): string;
  connection: ChatConnection;
  store: Store;
  feed: Feed;
  mutex: KeyedMutex;
  clock: Clock;
  metrics: Metrics;
  log: Log;
}

/** How many posts are handed over before what was delivered is recorded. */
const batch = 50;
/** The longest pause after failures, milliseconds. */
const longestPause = 30_000;

export function startDelivery(parts: DeliverParts): Delivery {
  if (parts.platforms().get(parts.platform)?.immediate)
    return { trouble: () => null, settled: () => Promise.resolve(), stop: () => Promise.resolve() };
  const end = new AbortController();
  let wake: () => void = () => {};
  let trouble: string | null = null;
  let failures = 0;
  let idle = Promise.withResolvers<void>();
  let dirty = true;
  const off = parts.feed.onCommit(() => {
    dirty = true;
    wake();
  });

  async function turn(): Promise<number> {
    const posts = await parts.store.posts({ platform: parts.platform, undelivered: true, limit: batch });
    const sent: { post: Post; ref: string }[] = [];
    try {
      for (const post of posts) {
        if (end.signal.aborted) break;
        sent.push({ post, ref: await parts.connection.deliver(post) });
      }
    } finally {
      if (sent.length > 0) await recordDelivered(sent, parts);
    }
    return posts.length;
  }

  async function loop() {
    while (!end.signal.aborted) {
      try {
        dirty = false;
        const count = await turn();
        failures = 0;
        trouble = null;
        if (count === 0 && !dirty) {
          idle.resolve();
          idle = Promise.withResolvers<void>();
          await new Promise<void>(resolve => {
            wake = resolve;
          });
        }
      } catch (error) {
        failures++;
        trouble = `posts are not delivered: ${messageOf(error)}`;
        parts.log.warn(
          { err: error, platform: parts.platform, failures },
          'a post could not be delivered and will be tried again',
        );
        await parts.clock.sleep(Math.min(longestPause, 250 * 2 ** Math.min(failures, 10)), end.signal).catch(() => {});
      }
    }
  }

  const ended = loop();
  return {
    trouble: () => trouble,
    settled: () => idle.promise,
    async stop() {
      end.abort(new Error('stopped'));
      off();
      wake();
      idle.resolve();
      await ended;
    },
  };
}

/** The post may have changed while it was on its way: only what was delivered is recorded, never the older card. */
async function recordDelivered(sent: readonly { post: Post; ref: string }[], parts: DeliverParts): Promise<void> {
  await parts.mutex.with(postsLock, async () => {
    const rows = [];
    for (const { post, ref } of sent) {
      const now = await parts.store.post(post.platform, post.key);
      if (now !== null)
        rows.push({ table: 'post' as const, doc: { ...now, delivered: Math.max(now.delivered, post.wanted), ref } });
    }
    await parts.feed.commit({ rows });
  });
}
