import { isCode, messageOf, TocsinError } from '../../kernel/errors.ts';
import { callsPeople, type Post } from '../../model/card.ts';
import { postsLock } from '../thread/parts.ts';
import {
  type DeliverContext,
  findRoot,
  handledForAll,
  longestPause,
  type Placement,
  pauseAfter,
  readAgain,
  readPost,
  record,
  renewRoot,
  succeeded,
} from './context.ts';
import { logFile, withLastLines } from './log.ts';
import { renewed } from './marks.ts';
import { pictureOf, sendPicture } from './picture.ts';
import type { Item } from './queue.ts';
import type { Request } from './rate-limiter.ts';
import type { Refusal } from './refused-threads.ts';

/** A post that fails this often while others are delivered is handled as refused. */
const mostFailures = 10;
/** How long a reply waits for its root at least, milliseconds. */
const rootPause = 1000;

/** Sends the newest version of one post, and handles the outcome. Rejects with the store's errors only. */
export async function send(item: Item, request: Request, ctx: DeliverContext): Promise<void> {
  item.busy = true;
  ctx.limiter.take(request, ctx.parts.clock.monotonic());
  let place: Placement = { wait: true };
  try {
    const post = await readPost(item.key, ctx);
    if (post === null) return ctx.queue.drop(item.key);
    if (post.wanted <= post.delivered) return ctx.queue.absorb(post);
    place = await findRoot(item.isRoot ? null : item.thread, ctx);
    if (place.wait) item.notBefore = ctx.parts.clock.monotonic() + rootPause;
    else await sendTo(item, post, place.root, ctx);
  } catch (error) {
    await failed(item, { request, root: place.wait ? null : place.root, error }, ctx);
  } finally {
    ctx.queue.release(item);
  }
}

async function sendTo(item: Item, post: Post, root: Post | null, ctx: DeliverContext): Promise<void> {
  const isNew = post.ref === null;
  // The thread moved after the post was projected.
  if (isNew && root !== null && root.channel !== post.channel)
    return await change(item, now => ({ ...now, channel: root.channel }), ctx);
  if (isNew && ctx.refusals.isRefused(post.channel))
    return await move(item, { because: ctx.refusals.because(post.channel), blame: 'channel' }, ctx);
  await show(post, root, ctx);
}

async function show(post: Post, root: Post | null, ctx: DeliverContext): Promise<void> {
  const ref = await showPost(post, root, ctx);
  succeeded(ctx);
  if (post.ref === null) ctx.parts.delivered?.(post, ctx.parts.clock.now());
  ctx.queue.pause(post.key, ctx.parts.clock.monotonic() + ctx.editEvery);
  ctx.queue.done(post.key, { version: post.wanted, ref, renewed: post.renewed ?? 0 });
  // Recorded at once, so that neither this node nor the next posts it twice; edits can be recorded later and done again.
  if (post.ref !== ref) await record(ctx, [post.key]);
  await ctx.refusals.accepted(post);
}

async function showPost(post: Post, root: Post | null, ctx: DeliverContext): Promise<string> {
  const { connection, store } = ctx.parts;
  const picture = pictureOf(post);
  if (picture !== null) return await sendPicture(post, picture, root, ctx.parts);
  if (post.run === null) return await connection.deliver(post, root);
  if (post.key.startsWith('log/')) return await sendLog(post, post.run, root, ctx);
  if (!post.key.startsWith('output/')) return await connection.deliver(post, root);
  const card = await withLastLines(post, store, ctx.link(post.run));
  return await connection.deliver({ ...post, card }, root);
}

async function sendLog(post: Post, run: string, root: Post | null, { parts }: DeliverContext): Promise<string> {
  const file = await logFile(parts.store, run);
  if (file === null) return 'nothing';
  if (parts.connection.upload === undefined) return await parts.connection.deliver(post, root);
  try {
    await parts.connection.upload(post, file, root);
    return 'file';
  } catch (error) {
    // For example no permission for files: the link is posted instead.
    if (!isCode(error, 'chat-refused') || blameOf(error) !== 'message') throw error;
    const because = messageOf(error);
    parts.log.warn({ platform: parts.platform, run, because }, 'a log was refused as a file; its link is posted');
    return await parts.connection.deliver(post, root);
  }
}

/** A request that failed. */
interface Failure {
  request: Request;
  /** The root that the message was to reply to. */
  root: Post | null;
  error: unknown;
}

async function failed(item: Item, { request, root, error }: Failure, ctx: DeliverContext): Promise<void> {
  if (handledForAll(ctx, request, error)) return;
  if (isCode(error, 'chat-root-gone') && root !== null) {
    item.notBefore = ctx.parts.clock.monotonic() + pauseAfter(0);
    if (await renewRoot(root, ctx)) return;
  }
  if (isCode(error, 'chat-refused') || isCode(error, 'chat-root-gone')) return await refused(item, error, ctx);
  const { platform, clock, log } = ctx.parts;
  const now = clock.monotonic();
  item.failures += 1;
  item.notBefore = now + pauseAfter(item.failures);
  ctx.lastFailure = { because: messageOf(error), at: now };
  log.warn({ platform, post: item.key, err: error, failures: item.failures }, 'a post could not be delivered');
  const othersGo = now - ctx.lastSuccess < longestPause;
  if (item.failures >= mostFailures && othersGo) await refused(item, error, ctx);
}

/**
 * Handles a refusal that does not pass with time. A first message, and what people have to decide, move to where they can be seen; the
 * rest is left out. An edit that its place refuses says nothing about the thread, which may go on elsewhere by now: the post becomes a new
 * message there.
 */
async function refused(item: Item, error: unknown, ctx: DeliverContext): Promise<void> {
  const because = error instanceof TocsinError ? `${messageOf(error)} ${error.remedy}` : messageOf(error);
  const blame = blameOf(error);
  const post = await readPost(item.key, ctx);
  if (post === null) return ctx.queue.drop(item.key);
  if (post.ref !== null && !item.isRoot && blame !== 'message') return await change(item, renewed, ctx);
  const isSeen = post.ref !== null && blame === 'message';
  const mustBeSeen = (item.isRoot && post.ref === null) || (callsPeople(post) && !isSeen);
  if (blame === 'channel' || mustBeSeen) return await move(item, { because, blame }, ctx);
  await ctx.refusals.leaveOut(post, { because, blame });
  await readAgain([item.key], ctx);
}

async function move(item: Item, refusal: Refusal, ctx: DeliverContext): Promise<void> {
  await record(ctx);
  await ctx.refusals.moveThread(item.thread, refusal);
  const thread = [...ctx.queue.items.values()].filter(other => other.thread === item.thread);
  await readAgain(
    thread.map(other => other.key),
    ctx,
  );
}

/** Changes the stored post, which is then sent as it is now. */
async function change(item: Item, how: (post: Post) => Post, ctx: DeliverContext): Promise<void> {
  await record(ctx);
  await ctx.parts.mutex.with(postsLock, () => ctx.writer.update([item.key], how));
  await readAgain([item.key], ctx);
}

/** What a refusal is about, by the `at` of the port (ports/chat.ts). A thread whose root is gone repeatedly counts as locked. */
function blameOf(error: unknown): Refusal['blame'] {
  if (isCode(error, 'chat-root-gone')) return 'thread';
  const at = error instanceof TocsinError ? (error.at ?? '') : '';
  return at.startsWith('channel') ? 'channel' : at.startsWith('thread') ? 'thread' : 'message';
}
