/** From what each thread should show to what a platform shows: queue, fair queueing, rate limiter, back-off, and refusals for good. */

import { messageOf } from '../../kernel/errors.ts';
import type { DeliverParts } from './context.ts';
import { createPoster } from './poster.ts';

/**
 * Makes one platform show what its threads should show, as long as it takes: within the platform's limits, in the order of each thread,
 * the newest version only, what people have to decide first, and with fair queueing. One process delivers at a time.
 */
export interface Delivery {
  /** Why posts do not go where they should now; null when all is well. */
  trouble(): string | null;
  /** Resolves when nothing is undelivered, or when the delivery is stopped. */
  settled(): Promise<void>;
  stop(): Promise<void>;
}

/** How often the store is read without a commit of this process, milliseconds: other nodes append too. */
const lookEvery = 2000;
/** The pause before new commits are read, milliseconds. */
const newsPause = 20;
/** The pause after the store itself failed, milliseconds. */
const failurePause = 2000;

export function startDelivery(parts: DeliverParts): Delivery {
  // An immediate platform shows posts from the store, so there is nothing to send.
  if (parts.platforms().get(parts.platform)?.immediate)
    return { trouble: () => null, settled: () => Promise.resolve(), stop: () => Promise.resolve() };
  const { clock } = parts;
  const end = new AbortController();
  let rest = new AbortController();
  let news = true;
  let failing: string | null = null;
  let waiting: (() => void)[] = [];
  const wake = () => {
    news = true;
    rest.abort();
  };
  const poster = createPoster(parts, wake);
  const unsubscribe = parts.feed.onCommit(wake);

  async function turn(): Promise<void> {
    rest = new AbortController();
    news = false;
    await poster.look();
    const wait = poster.launch();
    if (poster.isIdle() && !news) {
      for (const resolve of waiting) resolve();
      waiting = [];
    }
    // News often come many at a time.
    if (news) return void (await clock.sleep(newsPause, end.signal).catch(() => {}));
    await clock.sleep(Math.min(lookEvery, wait), AbortSignal.any([end.signal, rest.signal])).catch(() => {});
  }

  async function loop(): Promise<void> {
    while (!end.signal.aborted) {
      try {
        await turn();
        failing = null;
      } catch (error) {
        failing = `what to post cannot be read or recorded: ${messageOf(error)}`;
        parts.log.error(
          { err: error, platform: parts.platform },
          'posts could not be delivered and will be tried again',
        );
        await clock.sleep(failurePause, end.signal).catch(() => {});
      }
    }
    await poster.finish();
    for (const resolve of waiting) resolve();
  }

  const ended = loop();
  return {
    trouble: () => failing ?? poster.trouble(),
    settled() {
      if (end.signal.aborted) return Promise.resolve();
      return new Promise(resolve => {
        waiting.push(resolve);
        wake();
      });
    },
    async stop() {
      unsubscribe();
      end.abort(new Error('stopped'));
      await ended;
    },
  };
}
