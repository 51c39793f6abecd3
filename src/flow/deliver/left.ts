import { leftText } from '../../model/card.ts';
import { postsLock } from '../thread/parts.ts';
import { suffixOf } from '../thread/places.ts';
import type { DeliverContext } from './context.ts';

/** How often the time that is left is told anew, milliseconds: an edit is dear where all cards share one rate limit. */
export const leftEvery = 300_000;
/** Open questions that are told anew; a platform would not keep up with more. */
const mostQuestions = 500;

/**
 * Where a platform cannot count down by itself (`countsDown`), the cards of open questions are edited every five minutes, so that the time
 * that is left is right to that. Returns what is called at each look.
 */
export function createLeftTimes(ctx: DeliverContext): () => Promise<void> {
  const { clock, platform, platforms, store, mutex } = ctx.parts;
  const counts = platforms().get(platform)?.countsDown === true;
  let told = { at: clock.now(), tick: clock.monotonic() };

  return async () => {
    if (counts || clock.monotonic() - told.tick < leftEvery) return;
    const before = told.at;
    told = { at: clock.now(), tick: clock.monotonic() };
    const open = await store.approvals({ state: 'open', limit: mostQuestions });
    const changed = open.filter(one => leftText(one.expiresAt, before) !== leftText(one.expiresAt, told.at));
    const keys = (await Promise.all(changed.map(one => keysOf(`approval/${one.id}`)))).flat();
    await mutex.with(postsLock, () =>
      ctx.writer.update(keys, post =>
        // What is not sent yet will say the right time when it is.
        post.card.tone !== 'ask' || post.ref === null || post.wanted > post.delivered
          ? null
          : { ...post, wanted: post.wanted + 1 },
      ),
    );
  };

  /** The post in its thread, and in the copies of the thread in other channels. */
  async function keysOf(key: string): Promise<string[]> {
    const post = await store.post(platform, key);
    const root = post === null || post.thread === null ? null : await store.post(platform, post.thread);
    return post === null ? [] : [key, ...(root?.copies ?? []).map(channel => key + suffixOf(channel))];
  }
}
