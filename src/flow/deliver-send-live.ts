import type { Card } from '../model/card.ts';
import { type Desk, longestPause, readPost, succeeded, tookNote } from './deliver-desk.ts';
import { type Live, outputPost, textOf } from './deliver-output.ts';
import type { Request } from './pace.ts';
import { postsLock } from './thread-parts.ts';

/** Edits a running step's output to what was printed by now. Nothing is written for it. */
export async function sendLive(live: Live, request: Request, desk: Desk): Promise<void> {
  const card = live.fresh;
  if (card === null) return;
  const now = () => desk.parts.clock.monotonic();
  live.busy = true;
  desk.liveOnWay.add(live.key);
  desk.pacer.take(request, now());
  try {
    const post = await readPost(live.key, desk);
    live.notBefore = now() + desk.editEvery;
    if (post === null || post.ref === null || post.withheld !== undefined || post.wanted > post.delivered) return;
    await desk.parts.connection.deliver({ ...post, card });
    succeeded(desk);
    live.shown = textOf(card);
    live.fresh = null;
    desk.queue.pause(live.key, now() + desk.editEvery);
  } catch (error) {
    // The next edit of it meets the same; what it shows for good is tried anyhow.
    if (!tookNote(desk, request, error)) live.notBefore = now() + longestPause;
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
