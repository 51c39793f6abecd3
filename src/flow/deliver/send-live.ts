import { isCode } from '../../kernel/errors.ts';
import type { Card } from '../../model/card.ts';
import { postsLock } from '../thread/parts.ts';
import {
  type DeliverContext,
  findRoot,
  handledForAll,
  longestPause,
  type Placement,
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

/** Stores the post of an output that has none yet. */
export async function makeOutput(live: Live, card: Card, ctx: DeliverContext): Promise<void> {
  const known = await readPost(live.key, ctx);
  if (known === null) {
    const made = outputPost(live, card, ctx.parts.clock.now());
    await ctx.parts.mutex.with(postsLock, () => ctx.writer.update([], () => null, [made]));
  }
  live.shown = textOf(known?.card ?? card);
  live.fresh = null;
}
