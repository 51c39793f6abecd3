import { isCode, messageOf } from '../../kernel/errors.ts';
import type { Post } from '../../model/card.ts';
import { postsLock } from '../thread/parts.ts';
import {
  type DeliverContext,
  findRoot,
  handledForAll,
  type Placement,
  readPost,
  renewRoot,
  succeeded,
} from './context.ts';
import { type Digest, listPost } from './digest.ts';
import type { Request } from './rate-limiter.ts';

/** Posts the list of a backlog, and records which posts it stands for. */
export async function sendList(digest: Digest, request: Request, ctx: DeliverContext): Promise<void> {
  const { parts, queue } = ctx;
  const taken = new Set([...digest.listed, ...digest.folded]);
  const versions = new Map(digest.folded.map(item => [item.key, item.wanted]));
  for (const item of taken) item.busy = true;
  ctx.limiter.take(request, parts.clock.monotonic());
  let place: Placement = { wait: true };
  try {
    place = await findRoot(digest.thread, ctx);
    if (place.wait) return;
    await recordList(versions, await deliverList(digest, place.root, ctx), ctx);
    // What changed since is still wanted.
    for (const item of digest.folded) if (item.wanted <= (versions.get(item.key) ?? 0)) queue.drop(item.key);
    for (const item of digest.exempted) item.exempted = true;
  } catch (error) {
    if (handledForAll(ctx, request, error)) return;
    if (isCode(error, 'chat-root-gone') && !place.wait && place.root !== null && (await renewRoot(place.root, ctx)))
      return;
    // Each of them is then tried, and its refusal handled, by itself.
    for (const item of taken) item.exempted = true;
    parts.log.warn({ platform: parts.platform, because: messageOf(error) }, 'a list of what was missed was not taken');
  } finally {
    for (const item of taken) queue.release(item);
  }
}

async function deliverList(digest: Digest, root: Post | null, ctx: DeliverContext): Promise<Post> {
  const { platform, clock, cards, connection } = ctx.parts;
  const post = listPost(digest, {
    platform,
    now: clock.now(),
    renewed: root?.renewed ?? 0,
    showTime: at => cards.showTime(at),
  });
  const known = await readPost(post.key, ctx);
  const text = JSON.stringify(post.card);
  const first = ctx.lists.get(post.key) ?? text;
  ctx.lists.set(post.key, first);
  const ref = await connection.deliver({ ...post, ref: known?.ref ?? null }, root);
  succeeded(ctx);
  ctx.lists.delete(post.key);
  // A list that was found again after a lost answer shows the card of the first try: an edit corrects it.
  const right = first === text && known === null;
  const wanted = right ? 1 : (known?.wanted ?? 1) + 1;
  return { ...post, ref, wanted, delivered: right ? 1 : 0, changed: known?.changed ?? 0 };
}

async function recordList(versions: ReadonlyMap<string, number>, list: Post, ctx: DeliverContext): Promise<void> {
  const listed = (post: Post): Post => ({
    ...post,
    delivered: Math.max(post.delivered, versions.get(post.key) ?? 0),
    withheld: 'listed',
  });
  await ctx.parts.mutex.with(postsLock, () => ctx.writer.update([...versions.keys()], listed, [list]));
}
