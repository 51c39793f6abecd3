import { messageOf } from '../../kernel/errors.ts';
import { fallbackPlace } from '../thread/places.ts';
import { type Choice, createChooser, ownGroup } from './choose.ts';
import { type DeliverContext, type DeliverParts, record } from './context.ts';
import { createFairQueueing } from './fair-queueing.ts';
import { createLeftTimes } from './left.ts';
import { createPostWriter } from './marks.ts';
import { createLiveOutputs } from './output.ts';
import { createQueue } from './queue.ts';
import { createRateLimiter } from './rate-limiter.ts';
import { createReader, outputEvery } from './read.ts';
import { createRefusals } from './refuse.ts';
import { send } from './send.ts';
import { sendList } from './send-list.ts';
import { sendLive } from './send-live.ts';

/** The poster of one platform: reads what it should show, and sends what may go now. */
export interface Poster {
  /** Reads what changed and what running steps printed, and records what was delivered. Rejects when the store does. */
  look(): Promise<void>;
  /** Starts all requests that may go now. Returns the milliseconds until more may go without news. */
  launch(): number;
  isIdle(): boolean;
  trouble(): string | null;
  /** Waits for requests in flight, 10 s at most, and records what was delivered. */
  finish(): Promise<void>;
}

/** The most requests in flight at the same time, so that a channel that hangs holds up only one of them. */
const mostAtOnce = 8;
/** How long a stop waits for answers, milliseconds: a post that is not recorded is found again and not posted twice. */
const longestStop = 10_000;
/** Milliseconds between records of edits. They are recorded in batches, because an edit that is done twice does no harm. */
const recordEvery = 1000;

export function createPoster(parts: DeliverParts, wake: () => void): Poster {
  const { clock, platform, log } = parts;
  const ctx = createContext(parts);
  const lives = createLiveOutputs({ store: parts.store, link: ctx.link, listen: parts.outputs.listen, wake });
  const reader = createReader(ctx, lives);
  const tellLeft = createLeftTimes(ctx);
  const choose = createChooser(ctx, lives, parts.platforms().get(platform)?.rateLimits?.threads === true);
  const inFlight = new Set<Promise<void>>();
  let recordedAt = Number.NEGATIVE_INFINITY;

  function start(work: Promise<void>): void {
    const done = work
      .catch(error => log.error({ err: error, platform }, 'a delivery could not be recorded and is done again'))
      .finally(() => {
        inFlight.delete(done);
        wake();
      });
    inFlight.add(done);
  }

  /** Starts one request, or returns how long to wait, milliseconds. While the platform is down, one request at a time tries it. */
  function launchOne(now: number): number {
    if (ctx.down !== null && inFlight.size > 0) return Number.POSITIVE_INFINITY;
    if (ctx.down !== null && ctx.down.until > now) return ctx.down.until - now;
    const choice = choose(now);
    if (choice.what === 'nothing') return choice.wait;
    ctx.fairness.served(choice.next.group);
    ctx.fairness.served(ownGroup(choice.next));
    start(sendChoice(choice, ctx));
    return 0;
  }

  return {
    async look() {
      await tellLeft();
      await reader.readNews();
      await reader.readOutput();
      const now = clock.monotonic();
      if (ctx.queue.unrecorded().size === 0 || now - recordedAt < recordEvery) return;
      recordedAt = now;
      await record(ctx);
    },
    launch() {
      const now = clock.monotonic();
      let wait = 0;
      while (wait === 0 && inFlight.size < mostAtOnce) wait = launchOne(now);
      const output = lives.running().length > 0 ? outputEvery : Number.POSITIVE_INFINITY;
      const marks = ctx.queue.unrecorded().size > 0 ? recordEvery : Number.POSITIVE_INFINITY;
      return Math.min(wait === 0 ? Number.POSITIVE_INFINITY : wait, output, marks);
    },
    isIdle: () => ctx.queue.items.size === 0 && inFlight.size === 0 && ctx.queue.unrecorded().size === 0,
    trouble: () => troubleOf(ctx),
    async finish() {
      const patience = new AbortController();
      await Promise.race([Promise.allSettled(inFlight), clock.sleep(longestStop, patience.signal).catch(() => {})]);
      patience.abort(new Error('over'));
      lives.stop();
      await record(ctx).catch(error =>
        log.warn({ because: messageOf(error), platform }, 'edits were not recorded and are done again'),
      );
    },
  };
}

function sendChoice(choice: Exclude<Choice, { what: 'nothing' }>, ctx: DeliverContext): Promise<void> {
  const { request } = choice.next;
  if (choice.what === 'list') return sendList(choice.next.item.digest, request, ctx);
  if (choice.what === 'live') return sendLive(choice.next.item, request, ctx);
  return send(choice.next.item, request, ctx);
}

function createContext(parts: DeliverParts): DeliverContext {
  const capabilities = parts.platforms().get(parts.platform);
  const writer = createPostWriter({ ...parts, commit: change => parts.store.commit(change) });
  const isImmediate = (id: string) => parts.platforms().get(id)?.immediate === true;
  return {
    parts,
    queue: createQueue(),
    writer,
    limiter: createRateLimiter(capabilities?.rateLimits),
    fairness: createFairQueueing(),
    refusals: createRefusals({ ...parts, writer, isImmediate, fallback: () => fallbackPlace(parts) }),
    editEvery: capabilities?.editEvery ?? 0,
    link: run => `${parts.baseUrl()}/runs/${encodeURIComponent(run)}`,
    down: null,
    outage: parts.clock.now(),
    lastSuccess: Number.NEGATIVE_INFINITY,
    lastFailure: null,
    liveInFlight: new Set(),
    renewals: new Map(),
    lists: new Map(),
  };
}

function troubleOf({ down, lastFailure, lastSuccess, refusals }: DeliverContext): string | null {
  const failing = lastFailure !== null && lastFailure.at > lastSuccess ? lastFailure : null;
  const failure = down ?? failing;
  return failure === null ? refusals.trouble() : `posts are not delivered: ${failure.because}`;
}
