import { isCode } from '../../kernel/errors.ts';
import type { Card } from '../../model/card.ts';
import { postsLock } from '../thread/parts.ts';
import {
  type Desk,
  findRoot,
  type Hanging,
  longestPause,
  readPost,
  record,
  renewRoot,
  succeeded,
  tookNote,
} from './desk.ts';
import { type Live, outputPost, textOf } from './output.ts';
import type { Request } from './pace.ts';

/** Edits a running step's output to what was printed by now. Nothing is written for it, unless its message had to be posted anew. */
export async function sendLive(live: Live, request: Request, desk: Desk): Promise<void> {
  const card = live.fresh;
  if (card === null) return;
  const now = () => desk.parts.clock.monotonic();
  live.busy = true;
  desk.liveOnWay.add(live.key);
  desk.pacer.take(request, now());
  let place: Hanging = { wait: true };
  try {
    const post = await readPost(live.key, desk);
    live.notBefore = now() + desk.editEvery;
    if (post === null || post.ref === null || post.withheld !== undefined || post.wanted > post.delivered) return;
    place = await findRoot(post.thread, desk);
    if (place.wait) return;
    const ref = await desk.parts.connection.deliver({ ...post, card }, place.root);
    succeeded(desk);
    if (ref !== post.ref) {
      desk.queue.done(live.key, { version: post.delivered, ref });
      await record(desk, [live.key]);
    }
    live.shown = textOf(card);
    live.fresh = null;
    desk.queue.pause(live.key, now() + desk.editEvery);
  } catch (error) {
    if (tookNote(desk, request, error)) return;
    if (isCode(error, 'chat-root-gone') && !place.wait && place.root !== null && (await renewRoot(place.root, desk)))
      return;
    // The next edit of it meets the same; what it shows for good is tried anyhow.
    live.notBefore = now() + longestPause;
  } finally {
    live.busy = false;
    desk.liveOnWay.delete(live.key);
  }
}

/** Stores the post of an output that has none yet. */
export async function makeOutput(live: Live, card: Card, desk: Desk): Promise<void> {
  const known = await readPost(live.key, desk);
  if (known === null) {
    const made = outputPost(live, card, desk.parts.clock.now());
    await desk.parts.mutex.with(postsLock, () => desk.writer.update([], () => null, [made]));
  }
  live.shown = textOf(known?.card ?? card);
  live.fresh = null;
}
