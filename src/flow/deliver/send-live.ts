import { isCode } from '../../kernel/errors.ts';
import type { Card, Post } from '../../model/card.ts';
import { postsLock } from '../thread/parts.ts';
import {
  type DeliverContext,
  findRoot,
  handledForAll,
  longestPause,
  type Placement,
  readAgain,
  readPost,
  record,
  renewRoot,
  succeeded,
} from './context.ts';
import { type Live, outputPost, textOf } from './output.ts';
import type { Request } from './rate-limiter.ts';

/** Edits a running step's output to what was printed by now. Nothing is stored for it, unless its message had to be posted anew. */
export async function sendLive(live: Live, request: Request, ctx: DeliverContext): Promise<void> {
  const card = live.fresh;
  if (card === null) return;
  const now = () => ctx.parts.clock.monotonic();
  live.busy = true;
  ctx.liveInFlight.add(live.key);
  ctx.limiter.take(request, now());
  let place: Placement = { wait: true };
  try {
    const post = await readPost(live.key, ctx);
    live.notBefore = now() + ctx.editEvery;
    if (post === null || post.ref === null || post.withheld !== undefined || post.wanted > post.delivered) return;
    place = await findRoot(post.thread, ctx);
    if (place.wait) return;
    const ref = await ctx.parts.connection.deliver({ ...post, card }, place.root);
    succeeded(ctx);
    if (ref !== post.ref) {
      ctx.queue.done(live.key, { version: post.delivered, ref, renewed: post.renewed ?? 0 });
      await record(ctx, [live.key]);
    }
    live.shown = textOf(card);
    live.fresh = null;
    ctx.queue.pause(live.key, now() + ctx.editEvery);
  } catch (error) {
    if (handledForAll(ctx, request, error)) return;
    if (isCode(error, 'chat-root-gone') && !place.wait && place.root !== null && (await renewRoot(place.root, ctx)))
      return;
    // The next live edit would fail too, so it waits; the edit to the final text is tried anyhow.
    live.notBefore = now() + longestPause;
  } finally {
    live.busy = false;
    ctx.liveInFlight.delete(live.key);
  }
}

/** Stores the posts of outputs that have none yet, all in one commit, and queues them. */
export async function makeOutputs(lives: readonly Live[], ctx: DeliverContext): Promise<void> {
  const shown = new Map<Live, Card>();
  const made: Post[] = [];
  // Under the lock, because the projection may store the final text of one of them in the same moment.
  await ctx.parts.mutex.with(postsLock, async () => {
    for (const live of lives) {
      if (live.fresh === null) continue;
      const known = await readPost(live.key, ctx);
      shown.set(live, known?.card ?? live.fresh);
      if (known === null) made.push(outputPost(live, live.fresh, ctx.parts.clock.now()));
    }
    await ctx.writer.update([], () => null, made);
  });
  for (const [live, card] of shown) Object.assign(live, { shown: textOf(card), fresh: null });
  // Nothing tells of the commit, so that they would wait for the next look.
  await readAgain(
    made.map(post => post.key),
    ctx,
  );
}
