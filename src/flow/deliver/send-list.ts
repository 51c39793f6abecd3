import { isCode, messageOf } from '../../kernel/errors.ts';
import type { Post } from '../../model/card.ts';
import { postsLock } from '../thread/parts.ts';
import { type Desk, findRoot, type Hanging, readPost, renewRoot, succeeded, tookNote } from './desk.ts';
import { type Fold, listPost } from './fold.ts';
import type { Request } from './pace.ts';

/** Posts a list, and records what it stands for. */
export async function sendList(fold: Fold, request: Request, desk: Desk): Promise<void> {
  const { parts, queue } = desk;
  const taken = new Set([...fold.listed, ...fold.folded]);
  const versions = new Map(fold.folded.map(item => [item.key, item.wanted]));
  for (const item of taken) item.busy = true;
  desk.pacer.take(request, parts.clock.monotonic());
  let place: Hanging = { wait: true };
  try {
    place = await findRoot(fold.thread, desk);
    if (place.wait) return;
    await recordList(versions, await deliverList(fold, place.root, desk), desk);
    // What changed since is still wanted.
    for (const item of fold.folded) if (item.wanted <= (versions.get(item.key) ?? 0)) queue.drop(item.key);
    for (const item of fold.spared) item.spared = true;
  } catch (error) {
    if (tookNote(desk, request, error)) return;
    if (isCode(error, 'chat-root-gone') && !place.wait && place.root !== null && (await renewRoot(place.root, desk)))
      return;
    // Each of them then meets what the list met, and is dealt with by itself.
    for (const item of taken) item.spared = true;
    parts.log.warn({ platform: parts.platform, because: messageOf(error) }, 'a list of what was missed was not taken');
  } finally {
    for (const item of taken) queue.release(item);
  }
}

async function deliverList(fold: Fold, root: Post | null, desk: Desk): Promise<Post> {
  const { platform, clock, cards, connection } = desk.parts;
  const post = listPost(fold, { platform, now: clock.now(), showTime: at => cards.showTime(at) });
  const known = await readPost(post.key, desk);
  const text = JSON.stringify(post.card);
  const first = desk.lists.get(post.key) ?? text;
  desk.lists.set(post.key, first);
  const ref = await connection.deliver({ ...post, ref: known?.ref ?? null }, root);
  succeeded(desk);
  desk.lists.delete(post.key);
  // What was found again after a lost answer shows what the first try had: an edit puts it right.
  const right = first === text && known === null;
  const wanted = right ? 1 : (known?.wanted ?? 1) + 1;
  return { ...post, ref, wanted, delivered: right ? 1 : 0, changed: known?.changed ?? 0 };
}

async function recordList(versions: ReadonlyMap<string, number>, list: Post, desk: Desk): Promise<void> {
  const listed = (post: Post): Post => ({
    ...post,
    delivered: Math.max(post.delivered, versions.get(post.key) ?? 0),
    withheld: 'listed',
  });
  await desk.parts.mutex.with(postsLock, () => desk.writer.update([...versions.keys()], listed, [list]));
}
