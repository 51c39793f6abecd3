import { messageOf } from '../kernel/errors.ts';
import type { DeliverParts } from './deliver.ts';
import { type Fold, planFold } from './deliver-fold.ts';
import { createPostWriter } from './deliver-marks.ts';
import { createLiveOutputs, type Live } from './deliver-output.ts';
import { createQueue, type Item } from './deliver-queue.ts';
import { createRefusals } from './deliver-refuse.ts';
import { createSender, type Desk } from './deliver-send.ts';
import { byTurn, type Candidate, createTurns, edits, firstReady, newPosts } from './deliver-turns.ts';
import { createPacer } from './pace.ts';
import { fallbackPlace } from './thread-places.ts';

/** One platform's poster: reads what is wanted, and sends what may go now. */
export interface Poster {
  /** Reads what changed, what running steps printed; records what was delivered. Rejects when the store does. */
  look(): Promise<void>;
  /** Starts all that may go now. Returns after how many milliseconds more may go by itself. */
  launch(): number;
  isIdle(): boolean;
  trouble(): string | null;
  /** Waits for what is on its way, and records it. */
  finish(): Promise<void>;
}

/** Requests on their way at the same time: a channel that hangs keeps one place. */
const mostAtOnce = 8;
/** Milliseconds between two looks at a running step's output. */
const outputEvery = 500;
/** Milliseconds after which edits are recorded, many at once: an edit that is done twice does no harm. */
const recordEvery = 1000;
const page = 500;

export function createPoster(parts: DeliverParts, wake: () => void): Poster {
  const { clock, store, platform } = parts;
  const capabilities = parts.platforms().get(platform);
  const isImmediate = (id: string) => parts.platforms().get(id)?.immediate === true;
  const writer = createPostWriter({ ...parts, commit: change => store.commit(change) });
  const desk: Desk = {
    parts,
    queue: createQueue(),
    writer,
    pacer: createPacer(capabilities?.pace),
    turns: createTurns(),
    refusals: createRefusals({ ...parts, writer, isImmediate, fallback: () => fallbackPlace(parts) }),
    editEvery: capabilities?.editEvery ?? 0,
    link: run => `${parts.baseUrl()}/runs/${encodeURIComponent(run)}`,
    down: null,
    lastSuccess: Number.NEGATIVE_INFINITY,
    lastFailure: null,
    liveOnWay: new Set(),
    lists: new Map(),
  };
  const lives = createLiveOutputs({ store, link: desk.link });
  const sender = createSender(desk);
  const onWay = new Set<Promise<void>>();
  const lanes = capabilities?.pace?.threads === true;
  const laneOf = (item: { channel: string; thread: string; isRoot: boolean }) =>
    lanes && !item.isRoot ? item.thread : item.channel;
  let stamp: number | null = null;
  let recordedAt = Number.NEGATIVE_INFINITY;

  function start(work: Promise<void>): void {
    const done = work
      .catch(error =>
        parts.log.error(
          { reason: messageOf(error), platform },
          'a delivery failed in an unforeseen way and is tried again',
        ),
      )
      .finally(() => {
        onWay.delete(done);
        wake();
      });
    onWay.add(done);
  }

  async function readNews(): Promise<void> {
    stamp ??= await readBacklog();
    for (;;) {
      const posts = await store.posts({ platform, changedAfter: stamp, limit: page });
      for (const post of posts) {
        desk.queue.absorb(post);
        lives.follow(post);
        stamp = post.changed;
      }
      if (posts.length < page) return;
    }
  }

  /** At the start: all that is undelivered, and the runs whose output is live. Returns the stamp to go on from. */
  async function readBacklog(): Promise<number> {
    const [newest] = await store.posts({ platform, changedAfter: 0, order: 'newest', limit: 1 });
    for (let after = 0; ; ) {
      const posts = await store.posts({ platform, undelivered: true, changedAfter: after, limit: page });
      for (const post of posts) desk.queue.absorb(post);
      after = posts.at(-1)?.changed ?? after;
      if (posts.length < page) break;
    }
    for (const run of await store.runs({ states: ['running'], limit: 1000 })) {
      const post = await store.post(platform, `run/${run.id}`);
      if (post !== null) lives.follow(post);
    }
    return newest?.changed ?? 0;
  }

  async function readOutput(now: number): Promise<void> {
    for (const live of lives.running()) {
      if (now - live.looked < outputEvery || live.busy) continue;
      live.looked = now;
      await lives.look(live);
      if (live.fresh !== null && live.shown === null) await sender.makeOutput(live, live.fresh);
    }
  }

  /** Lists of old backlogs go before everything else of their channels. */
  function folds(): Candidate<{ fold: Fold; notBefore: number; channel: string }>[] {
    const channels = new Map<string, Item[]>();
    const busy = new Set<string>();
    for (const item of desk.queue.items.values()) {
      if (item.ref !== null) continue;
      if (item.busy) busy.add(item.channel);
      channels.set(item.channel, [...(channels.get(item.channel) ?? []), item]);
    }
    return [...channels].flatMap(([channel, items]) => {
      if (busy.has(channel)) return [];
      const { fold, spare } = planFold(items, clock.now());
      for (const item of spare) item.spared = true;
      if (fold === null) return [];
      const lane = lanes && fold.thread !== null ? fold.thread : channel;
      const notBefore = Math.max(...fold.listed.map(item => item.notBefore));
      const request = { kind: 'post', channel: lane, patient: false } as const;
      return [{ item: { fold, notBefore, channel }, request, group: fold.thread ?? channel, rank: 0 }];
    });
  }

  function liveEdits(now: number): Candidate<Live>[] {
    return lives
      .running()
      .filter(live => live.fresh !== null && live.shown !== null && !live.busy && !desk.queue.items.has(live.key))
      .filter(live => live.notBefore <= now)
      .map(live => ({
        item: live,
        request: {
          kind: 'edit',
          channel: lanes ? (live.home.thread ?? live.home.key) : live.home.channel,
          patient: true,
        },
        group: live.run,
        rank: 2,
      }));
  }

  /** One thing that may go now, started; otherwise how long to wait. */
  function launchOne(now: number): number {
    if (desk.down !== null && onWay.size > 0) return Number.POSITIVE_INFINITY;
    if (desk.down !== null && desk.down.until > now) return desk.down.until - now;
    const lists = folds();
    const list = firstReady(lists, desk.pacer, now);
    if (list.ready !== null) {
      start(sender.sendList(list.ready.item.fold, list.ready.request));
      return 0;
    }
    const folding = new Set(lists.map(one => one.item.channel));
    const posts = newPosts(desk.queue, laneOf, desk.turns).filter(one => !folding.has(one.item.channel));
    const post = firstReady(posts, desk.pacer, now);
    const running = liveEdits(now);
    const changed = edits(desk.queue, laneOf, desk.turns).filter(one => !desk.liveOnWay.has(one.item.key));
    const changes = [...changed, ...running].sort(
      (a, b) => byTurn(a, b, desk.turns) || ownTurn(a, desk) - ownTurn(b, desk),
    );
    const edit = firstReady(changes, desk.pacer, now);
    const ready = [post.ready, edit.ready].filter(one => one !== null).sort((a, b) => a.rank - b.rank)[0];
    if (ready === undefined) return Math.min(list.wait, post.wait, edit.wait);
    desk.turns.served(ready.group);
    desk.turns.served(ownGroup(ready));
    start('home' in ready.item ? sender.sendLive(ready.item, ready.request) : sender.send(ready.item, ready.request));
    return 0;
  }

  return {
    async look() {
      await readNews();
      await readOutput(clock.monotonic());
      if (desk.queue.unrecorded().size > 0 && clock.monotonic() - recordedAt >= recordEvery) {
        recordedAt = clock.monotonic();
        await sender.record();
      }
    },
    launch() {
      const now = clock.monotonic();
      let wait = 0;
      while (wait === 0 && onWay.size < mostAtOnce) wait = launchOne(now);
      const output = lives.running().length > 0 ? outputEvery : Number.POSITIVE_INFINITY;
      const record = desk.queue.unrecorded().size > 0 ? recordEvery : Number.POSITIVE_INFINITY;
      return Math.min(wait === 0 ? Number.POSITIVE_INFINITY : wait, output, record);
    },
    isIdle: () => desk.queue.items.size === 0 && onWay.size === 0 && desk.queue.unrecorded().size === 0,
    trouble() {
      const failure =
        desk.down ?? (desk.lastFailure !== null && desk.lastFailure.at > desk.lastSuccess ? desk.lastFailure : null);
      return failure === null ? desk.refusals.trouble() : `posts are not delivered: ${failure.because}`;
    },
    async finish() {
      await Promise.allSettled(onWay);
      await sender
        .record()
        .catch(error =>
          parts.log.warn({ reason: messageOf(error), platform }, 'edits were not recorded and are done again'),
        );
    },
  };
}

/** Within a run's turn its progress and its outputs take turns too. */
function ownGroup(candidate: Candidate<{ key: string }>): string {
  return `${candidate.group} ${candidate.item.key}`;
}

function ownTurn(candidate: Candidate<{ key: string }>, desk: Desk): number {
  return desk.turns.lastOf(ownGroup(candidate));
}
