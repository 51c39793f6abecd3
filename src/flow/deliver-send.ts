import { isCode, messageOf, TocsinError } from '../kernel/errors.ts';
import type { Card, Post } from '../model/card.ts';
import type { DeliverParts } from './deliver.ts';
import { type Fold, listPost } from './deliver-fold.ts';
import { logFile, withLastLines } from './deliver-log.ts';
import { type PostWriter, withMark } from './deliver-marks.ts';
import { type Live, outputPost, textOf } from './deliver-output.ts';
import type { Item, Queue } from './deliver-queue.ts';
import type { Refusals } from './deliver-refuse.ts';
import type { Turns } from './deliver-turns.ts';
import type { Pacer, Request } from './pace.ts';
import { postsLock } from './thread.ts';

/** What the parts of a poster share. */
export interface Desk {
  parts: DeliverParts;
  queue: Queue;
  writer: PostWriter;
  pacer: Pacer;
  turns: Turns;
  refusals: Refusals;
  editEvery: number;
  /** The console's page of a run. */
  link(run: string): string;
  /** Set while nothing gets through: then one request at a time tries it. */
  down: { until: number; failures: number; because: string } | null;
  /** By the monotonic clock. */
  lastSuccess: number;
  lastFailure: { because: string; at: number } | null;
  /** Keys of outputs with a live edit on its way: what they show for good must not be overtaken by it. */
  liveOnWay: Set<string>;
  /** What lists showed when they were first tried, by key: an answer that was lost may have left that. */
  lists: Map<string, string>;
}

/** Sends one thing, and takes note of what came of it. None of these rejects for what a platform does. */
export interface Sender {
  send(item: Item, request: Request): Promise<void>;
  sendLive(live: Live, request: Request): Promise<void>;
  sendList(fold: Fold, request: Request): Promise<void>;
  /** Stores the post of an output that has none yet. */
  makeOutput(live: Live, card: Card): Promise<void>;
  /** Records the edits that were done. */
  record(): Promise<void>;
}

/** The longest pause after failures, milliseconds. */
const longestPause = 30_000;
/** A post that fails this often while others go through is left out. */
const mostFailures = 10;

export function createSender(desk: Desk): Sender {
  const { parts, queue, writer, refusals } = desk;
  const { store, clock, platform, connection } = parts;
  const now = () => clock.monotonic();
  const read = async (key: string) => {
    const post = await store.post(platform, key);
    return post === null ? null : queue.overlay(post);
  };

  async function record(keys = [...queue.unrecorded().keys()]): Promise<void> {
    const marks = new Map(queue.unrecorded());
    const put = (post: Post) => {
      const mark = marks.get(post.key);
      return mark === undefined ? null : withMark(post, mark.version, mark.ref);
    };
    if (keys.length > 0) await parts.mutex.with(postsLock, () => writer.update(keys, put));
    for (const key of keys) {
      const mark = marks.get(key);
      if (mark !== undefined) queue.recorded(key, mark);
    }
  }

  /** The root's reference, without which there is no thread to post in. False when the root has to go first. */
  async function hasRoot(thread: string, isRoot: boolean): Promise<boolean> {
    const root = isRoot ? null : await read(thread);
    if (root === null || root.ref !== null) return true;
    // It was only named in a list. Now that more comes of it, it gets its message after all.
    queue.spare(root.key);
    const again = (post: Post) => {
      const { withheld: _, ...rest } = post;
      return post.ref === null ? { ...rest, delivered: 0 } : null;
    };
    await parts.mutex.with(postsLock, () => writer.update([root.key], again));
    return false;
  }

  async function send(item: Item, request: Request): Promise<void> {
    item.busy = true;
    desk.pacer.take(request, now());
    try {
      const post = await read(item.key);
      if (post === null || post.wanted <= post.delivered) return queue.drop(item.key);
      if (post.ref === null && refusals.isRefused(post.channel))
        return await move(item, refusals.because(post.channel));
      if (!(await hasRoot(item.thread, item.isRoot))) return;
      const ref = await showPost(post);
      succeeded();
      queue.pause(item.key, now() + desk.editEvery);
      queue.done(item.key, { version: post.wanted, ref });
      // Replies need the root's reference, and nothing may be posted twice; edits can wait and be done again.
      if (post.ref === null) await record([item.key]);
      await refusals.accepted(post.channel);
    } catch (error) {
      await failed(item, request, error);
    } finally {
      item.busy = false;
    }
  }

  async function showPost(post: Post): Promise<string> {
    if (post.key.startsWith('log/') && post.run !== null) return await sendLog(post, post.run);
    if (!post.key.startsWith('output/') || post.run === null) return await connection.deliver(post);
    return await connection.deliver({ ...post, card: await withLastLines(post, store, desk.link(post.run)) });
  }

  async function sendLog(post: Post, run: string): Promise<string> {
    const file = await logFile(store, run);
    if (file === null) return 'nothing';
    if (connection.upload === undefined) return await connection.deliver(post);
    try {
      await connection.upload(post, file);
      return 'file';
    } catch (error) {
      // No permission for files, say: the link is better than nothing.
      if (!isCode(error, 'chat-refused') || error.at?.startsWith('channel')) throw error;
      parts.log.warn({ platform, run, because: messageOf(error) }, 'a log was refused as a file; its link is posted');
      return await connection.deliver(post);
    }
  }

  async function sendLive(live: Live, request: Request): Promise<void> {
    const card = live.fresh;
    if (card === null) return;
    live.busy = true;
    desk.liveOnWay.add(live.key);
    desk.pacer.take(request, now());
    try {
      const post = await read(live.key);
      live.notBefore = now() + desk.editEvery;
      if (post === null || post.ref === null || post.withheld !== undefined || post.wanted > post.delivered) return;
      await connection.deliver({ ...post, card });
      succeeded();
      live.shown = textOf(card);
      live.fresh = null;
      live.notBefore = now() + desk.editEvery;
    } catch (error) {
      if (!(await tookNote(request, error))) live.notBefore = now() + longestPause;
    } finally {
      live.busy = false;
      desk.liveOnWay.delete(live.key);
    }
  }

  async function sendList(fold: Fold, request: Request): Promise<void> {
    const taken = new Set([...fold.listed, ...fold.folded]);
    for (const item of taken) item.busy = true;
    desk.pacer.take(request, now());
    try {
      if (fold.thread !== null && !(await hasRoot(fold.thread, false))) return;
      const post = listPost(fold, { platform, now: clock.now(), showTime: at => parts.cards.showTime(at) });
      const known = await read(post.key);
      const text = JSON.stringify(post.card);
      const first = desk.lists.get(post.key) ?? text;
      desk.lists.set(post.key, first);
      const ref = await connection.deliver({ ...post, ref: known?.ref ?? null });
      succeeded();
      // What was found again after a lost answer shows what the first try had: an edit puts it right.
      const wanted = first === text && known === null ? 1 : (known?.wanted ?? 1) + 1;
      await recordList(fold, { ...post, ref, wanted, delivered: wanted === 1 ? 1 : 0, changed: known?.changed ?? 0 });
      desk.lists.delete(post.key);
      for (const item of fold.folded) queue.drop(item.key);
      for (const item of fold.spared) item.spared = true;
    } catch (error) {
      if (await tookNote(request, error)) return;
      for (const item of taken) item.spared = true;
      parts.log.warn({ platform, reason: messageOf(error) }, 'a list of what was missed failed; posted one by one');
    } finally {
      for (const item of taken) item.busy = false;
    }
  }

  async function recordList(fold: Fold, list: Post): Promise<void> {
    const versions = new Map(fold.folded.map(item => [item.key, item.wanted]));
    const listed = (post: Post): Post => ({
      ...post,
      delivered: Math.max(post.delivered, versions.get(post.key) ?? 0),
      withheld: 'listed',
    });
    await parts.mutex.with(postsLock, () => writer.update([...versions.keys()], listed, [list]));
  }

  function succeeded(): void {
    desk.down = null;
    desk.lastSuccess = now();
  }

  /** What concerns more than one post: limits and outages. */
  async function tookNote(request: Request, error: unknown): Promise<boolean> {
    if (isCode(error, 'chat-limited')) {
      desk.pacer.hold(request, error.at ?? '', error.retryAfter ?? 1000, now());
      return true;
    }
    if (!isCode(error, 'chat-down')) return false;
    const failures = (desk.down?.failures ?? 0) + 1;
    const pause = Math.max(error.retryAfter ?? 0, Math.min(longestPause, 250 * 2 ** Math.min(failures, 10)));
    desk.down = { until: now() + pause, failures, because: messageOf(error) };
    if (failures === 1) parts.log.warn({ platform, because: messageOf(error) }, 'the platform is down; posts wait');
    return true;
  }

  async function failed(item: Item, request: Request, error: unknown): Promise<void> {
    if (await tookNote(request, error)) return;
    if (isCode(error, 'chat-refused')) return await refused(item, error);
    item.failures += 1;
    desk.lastFailure = { because: messageOf(error), at: now() };
    item.notBefore = now() + Math.min(longestPause, 250 * 2 ** Math.min(item.failures, 10));
    parts.log.warn({ platform, post: item.key, err: error, failures: item.failures }, 'a post could not be delivered');
    const othersGo = now() - desk.lastSuccess < longestPause;
    if (item.failures >= mostFailures && othersGo) await refused(item, error);
  }

  async function refused(item: Item, error: unknown): Promise<void> {
    const because = error instanceof TocsinError ? `${messageOf(error)} ${error.remedy}` : messageOf(error);
    const aboutChannel = error instanceof TocsinError && error.at?.startsWith('channel') === true;
    if (aboutChannel || (item.isRoot && item.ref === null)) return await move(item, because);
    const post = await read(item.key);
    if (post !== null) await refusals.skip(post, because);
    queue.drop(item.key);
  }

  async function move(item: Item, because: string): Promise<void> {
    await record();
    await refusals.moveThread(item.thread, because);
    for (const other of [...queue.items.values()]) if (other.thread === item.thread) queue.drop(other.key);
  }

  return {
    send,
    sendLive,
    sendList,
    record: () => record(),
    async makeOutput(live, card) {
      const known = await read(live.key);
      live.shown = textOf(known?.card ?? card);
      live.fresh = null;
      if (known === null) {
        const made = outputPost(live, card, clock.now());
        await parts.mutex.with(postsLock, () => writer.update([], () => null, [made]));
      }
    },
  };
}
