import { isCode, messageOf, TocsinError } from '../kernel/errors.ts';
import type { Post } from '../model/card.ts';
import { type Desk, hasRoot, longestPause, pauseAfter, readPost, record, succeeded, tookNote } from './deliver-desk.ts';
import { logFile, withLastLines } from './deliver-log.ts';
import type { Item } from './deliver-queue.ts';
import type { Request } from './pace.ts';

/** A post that fails this often while others go through is left out. */
const mostFailures = 10;

/** Sends one post as it is wanted now, and takes note of what came of it. Rejects for the store only. */
export async function send(item: Item, request: Request, desk: Desk): Promise<void> {
  item.busy = true;
  desk.pacer.take(request, desk.parts.clock.monotonic());
  try {
    const post = await readPost(item.key, desk);
    if (post === null) return desk.queue.drop(item.key);
    if (post.wanted <= post.delivered) return desk.queue.absorb(post);
    if (post.ref === null && desk.refusals.isRefused(post.channel))
      return await move(item, desk.refusals.because(post.channel), desk);
    if (item.isRoot || (await hasRoot(item.thread, desk))) await show(post, desk);
  } catch (error) {
    await failed(item, request, error, desk);
  } finally {
    desk.queue.release(item);
  }
}

async function show(post: Post, desk: Desk): Promise<void> {
  const ref = await showPost(post, desk);
  succeeded(desk);
  if (post.ref === null) desk.parts.delivered?.(post, desk.parts.clock.now());
  desk.queue.pause(post.key, desk.parts.clock.monotonic() + desk.editEvery);
  desk.queue.done(post.key, { version: post.wanted, ref });
  // Replies need the root's reference, and nothing may be posted twice; edits can wait and be done again.
  if (post.ref === null) await record(desk, [post.key]);
  await desk.refusals.accepted(post.channel);
}

async function showPost(post: Post, desk: Desk): Promise<string> {
  const { connection, store } = desk.parts;
  if (post.run === null) return await connection.deliver(post);
  if (post.key.startsWith('log/')) return await sendLog(post, post.run, desk);
  if (!post.key.startsWith('output/')) return await connection.deliver(post);
  return await connection.deliver({ ...post, card: await withLastLines(post, store, desk.link(post.run)) });
}

async function sendLog(post: Post, run: string, { parts }: Desk): Promise<string> {
  const file = await logFile(parts.store, run);
  if (file === null) return 'nothing';
  if (parts.connection.upload === undefined) return await parts.connection.deliver(post);
  try {
    await parts.connection.upload(post, file);
    return 'file';
  } catch (error) {
    // No permission for files, say: the link is better than nothing.
    if (!isCode(error, 'chat-refused') || error.at?.startsWith('channel')) throw error;
    const because = messageOf(error);
    parts.log.warn({ platform: parts.platform, run, because }, 'a log was refused as a file; its link is posted');
    return await parts.connection.deliver(post);
  }
}

async function failed(item: Item, request: Request, error: unknown, desk: Desk): Promise<void> {
  if (tookNote(desk, request, error)) return;
  if (isCode(error, 'chat-refused')) return await refused(item, error, desk);
  const { platform, clock, log } = desk.parts;
  const now = clock.monotonic();
  item.failures += 1;
  item.notBefore = now + pauseAfter(item.failures);
  desk.lastFailure = { because: messageOf(error), at: now };
  log.warn({ platform, post: item.key, err: error, failures: item.failures }, 'a post could not be delivered');
  const othersGo = now - desk.lastSuccess < longestPause;
  if (item.failures >= mostFailures && othersGo) await refused(item, error, desk);
}

async function refused(item: Item, error: unknown, desk: Desk): Promise<void> {
  const because = error instanceof TocsinError ? `${messageOf(error)} ${error.remedy}` : messageOf(error);
  const aboutChannel = error instanceof TocsinError && error.at?.startsWith('channel') === true;
  if (aboutChannel || (item.isRoot && item.ref === null)) return await move(item, because, desk);
  const post = await readPost(item.key, desk);
  if (post !== null) await desk.refusals.skip(post, because);
  await readAgain([item.key], desk);
}

async function move(item: Item, because: string, desk: Desk): Promise<void> {
  await record(desk);
  await desk.refusals.moveThread(item.thread, because);
  const thread = [...desk.queue.items.values()].filter(other => other.thread === item.thread);
  await readAgain(
    thread.map(other => other.key),
    desk,
  );
}

/** What was changed here is not sent as it was known before. */
async function readAgain(keys: readonly string[], desk: Desk): Promise<void> {
  for (const key of keys) {
    const post = await readPost(key, desk);
    if (post !== null) desk.queue.absorb(post);
  }
}
