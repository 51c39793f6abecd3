import type { Drawer } from '../../kernel/chart/draw.ts';
import type { Clock } from '../../kernel/clock.ts';
import { isCode, messageOf } from '../../kernel/errors.ts';
import type { Log } from '../../kernel/log.ts';
import type { Metrics } from '../../kernel/metrics.ts';
import type { KeyedMutex } from '../../kernel/mutex.ts';
import type { Post } from '../../model/card.ts';
import type { Catalogue } from '../../ports/catalogue.ts';
import type { ChatCapabilities, ChatConnection } from '../../ports/chat.ts';
import type { Guard, Store } from '../../ports/store.ts';
import type { Feed } from '../journal/feed.ts';
import type { OutputSignals } from '../journal/output-signals.ts';
import type { CardTools } from '../thread/cards/cards.ts';
import { postsLock } from '../thread/parts.ts';
import type { FairQueueing } from './fair-queueing.ts';
import { type PostWriter, renewed, withMark } from './marks.ts';
import type { Queue } from './queue.ts';
import type { RateLimiter, Request } from './rate-limiter.ts';
import type { Refusals } from './refuse.ts';

export interface DeliverParts {
  platform: string;
  connection: ChatConnection;
  /** The platforms that are on. */
  platforms(): ReadonlyMap<string, ChatCapabilities>;
  /** Where the console is reachable, for links. */
  baseUrl(): string;
  store: Store;
  feed: Feed;
  catalogue: Pick<Catalogue, 'current'>;
  cards: Pick<CardTools, 'showTime'>;
  mutex: KeyedMutex;
  outputs: Pick<OutputSignals, 'listen'>;
  clock: Clock;
  log: Log;
  /** Draws the pictures of posts; without it their texts are posted. */
  drawer?: Pick<Drawer, 'png'>;
  /** Guards of every commit: the lease `chat/<platform>` of the one node that delivers. */
  fence?(): readonly Guard[];
  metrics?: Pick<Metrics, 'count'>;
  /** Called with each post that the platform shows for the first time; returns at once. */
  delivered?(post: Post, at: number): void;
}

/** The state that the parts of a poster share. */
export interface DeliverContext {
  parts: DeliverParts;
  queue: Queue;
  writer: PostWriter;
  limiter: RateLimiter;
  fairness: FairQueueing;
  refusals: Refusals;
  /** Milliseconds between two edits of one message. */
  editEvery: number;
  /** The console's page of a run. */
  link(run: string): string;
  /** Set while the platform is down: then one request at a time tries it. `until` is by the monotonic clock. */
  down: { until: number; failures: number; because: string } | null;
  /** The last time of an outage, milliseconds since the epoch; the start of the process counts as one. */
  outage: number;
  /** By the monotonic clock. */
  lastSuccess: number;
  lastFailure: { because: string; at: number } | null;
  /** Keys of outputs with a live edit in flight. It must not overtake the edit to the final text. */
  liveInFlight: Set<string>;
  /** When roots were renewed, by key and the monotonic clock. */
  renewals: Map<string, number>;
  /** The cards of lists at their first try, by key: a try whose answer was lost may have posted that. */
  lists: Map<string, string>;
}

/** A rate limit that lasts this long, milliseconds, counts as an outage. */
const longLimit = 10_000;
/** The longest pause after failures, milliseconds. */
export const longestPause = 30_000;

export function pauseAfter(failures: number): number {
  return Math.min(longestPause, 250 * 2 ** Math.min(failures, 10));
}

/** The stored post, with what the platform has taken and is not recorded yet. */
export async function readPost(key: string, { parts, queue }: DeliverContext): Promise<Post | null> {
  const post = await parts.store.post(parts.platform, key);
  return post === null ? null : queue.overlay(post);
}

/** Records what was delivered. A newer card stays wanted. */
export async function record(ctx: DeliverContext, keys = [...ctx.queue.unrecorded().keys()]): Promise<void> {
  const marks = new Map(ctx.queue.unrecorded());
  const put = (post: Post) => {
    const mark = marks.get(post.key);
    return mark === undefined || mark.renewed !== (post.renewed ?? 0) ? null : withMark(post, mark.version, mark.ref);
  };
  if (keys.length > 0) await ctx.parts.mutex.with(postsLock, () => ctx.writer.update(keys, put));
  for (const key of keys) {
    const mark = marks.get(key);
    if (mark !== undefined) ctx.queue.recorded(key, mark);
  }
}

/** The root that a message replies to. Null for a message in the channel itself; `wait` where the root has to be posted first. */
export type Placement = { wait: false; root: Post | null } | { wait: true };

/** Finds the root with its reference. A root that was only named in a list gets its own message now, because its thread goes on. */
export async function findRoot(thread: string | null, ctx: DeliverContext): Promise<Placement> {
  const root = thread === null ? null : await readPost(thread, ctx);
  if (root === null || root.ref !== null) return { wait: false, root };
  ctx.queue.exempt(root.key);
  const again = (post: Post): Post | null => {
    const { withheld, ...rest } = post;
    const isWanted = post.ref !== null || (post.delivered === 0 && withheld === undefined);
    return isWanted ? null : { ...rest, delivered: 0 };
  };
  await ctx.parts.mutex.with(postsLock, () => ctx.writer.update([root.key], again));
  return { wait: true };
}

/** The least time between two renewals of a root, milliseconds, so that one that is deleted again is not renewed for ever. */
const renewPause = 60_000;

/**
 * Posts a root anew whose message is gone; its replies wait for that. Resolves to false when it was renewed less than a minute ago and is
 * gone again.
 */
export async function renewRoot(gone: Post, ctx: DeliverContext): Promise<boolean> {
  await record(ctx);
  const root = await readPost(gone.key, ctx);
  // It was renewed already, or is being sent.
  if (root === null || root.ref !== gone.ref || ctx.queue.items.get(gone.key)?.busy === true) return true;
  const now = ctx.parts.clock.monotonic();
  if (now - (ctx.renewals.get(gone.key) ?? Number.NEGATIVE_INFINITY) < renewPause) return false;
  if (ctx.renewals.size > mostRenewals) ctx.renewals.clear();
  ctx.renewals.set(gone.key, now);
  const { platform, log } = ctx.parts;
  log.warn({ platform, post: gone.key }, 'the first message of a thread was deleted, and is posted anew');
  ctx.queue.exempt(gone.key);
  await ctx.parts.mutex.with(postsLock, () =>
    ctx.writer.update([gone.key], post => (post.ref === gone.ref ? renewed(post) : null)),
  );
  await readAgain([gone.key], ctx);
  return true;
}

const mostRenewals = 1000;

/** Reads changed posts into the queue, so that they are not sent as they were known before. */
export async function readAgain(keys: readonly string[], ctx: DeliverContext): Promise<void> {
  for (const key of keys) {
    const post = await readPost(key, ctx);
    if (post !== null) ctx.queue.absorb(post);
  }
}

export function succeeded(ctx: DeliverContext): void {
  ctx.down = null;
  ctx.lastSuccess = ctx.parts.clock.monotonic();
}

/** Handles errors that concern more than one post, `chat-limited` and `chat-down`; false for any other. */
export function handledForAll(ctx: DeliverContext, request: Request, error: unknown): boolean {
  const { platform, clock, log } = ctx.parts;
  const now = clock.monotonic();
  if (isCode(error, 'chat-limited')) {
    const wait = error.retryAfter ?? 1000;
    ctx.limiter.hold(request, error.at ?? '', wait, now);
    if (wait >= longLimit) ctx.outage = clock.now() + wait;
    return true;
  }
  if (!isCode(error, 'chat-down')) return false;
  const failures = (ctx.down?.failures ?? 0) + 1;
  const pause = Math.max(error.retryAfter ?? 0, pauseAfter(failures));
  ctx.outage = clock.now();
  ctx.down = { until: now + pause, failures, because: messageOf(error) };
  if (failures === 1) log.warn({ platform, because: messageOf(error) }, 'the platform is down; posts wait');
  return true;
}
