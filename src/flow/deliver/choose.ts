import type { DeliverContext } from './context.ts';
import { type Digest, planDigest } from './digest.ts';
import { byTurn, type Candidate, edits, firstReady, type LimitKeyOf, newPosts, waitsForRoot } from './fair-queueing.ts';
import type { Live, LiveOutputs } from './output.ts';
import type { Item } from './queue.ts';

/** What goes next. */
export type Choice =
  | { what: 'list'; next: Candidate<ListItem> }
  | { what: 'post'; next: Candidate<Item> }
  | { what: 'live'; next: Candidate<Live> }
  /** Nothing may go before that many milliseconds have passed. */
  | { what: 'nothing'; wait: number };

export interface ListItem {
  key: string;
  digest: Digest;
  notBefore: number;
  channel: string;
}

/**
 * Chooses in this order: the list of an old backlog before anything else of its channel; what people have to decide; new messages; edits,
 * with fair queueing among runs. `threadsApart` is for platforms whose limits count each thread as a channel of its own.
 */
export function createChooser(ctx: DeliverContext, lives: LiveOutputs, threadsApart: boolean): (now: number) => Choice {
  const limitKeyOf: LimitKeyOf = item => (threadsApart && !item.isRoot ? item.thread : item.channel);
  return now => {
    const lists = listsOf(ctx, threadsApart);
    const list = firstReady(lists, ctx.limiter, now);
    if (list.ready !== null) return { what: 'list', next: list.ready };
    const listing = new Set(lists.map(one => one.item.channel));
    const posts = newPosts(ctx.queue, limitKeyOf, ctx.fairness).filter(one => !listing.has(one.item.channel));
    const post = firstReady(posts, ctx.limiter, now);
    const changed = edits(ctx.queue, limitKeyOf, ctx.fairness).filter(one => !ctx.liveInFlight.has(one.item.key));
    const edit = firstReady(mixed(changed, liveEdits(ctx, lives, threadsApart), ctx), ctx.limiter, now);
    if (post.ready !== null && (edit.ready === null || post.ready.rank <= edit.ready.rank))
      return { what: 'post', next: post.ready };
    if (edit.ready === null) return { what: 'nothing', wait: Math.min(list.wait, post.wait, edit.wait) };
    const { item, ...rest } = edit.ready;
    if ('runPost' in item) return { what: 'live', next: { ...rest, item } };
    return { what: 'post', next: { ...rest, item } };
  };
}

/** The group within a run: its progress and its outputs take turns too. */
export function ownGroup(candidate: Candidate<{ key: string }>): string {
  return `${candidate.group} ${candidate.item.key}`;
}

function mixed(changed: readonly Candidate[], lives: readonly Candidate<Live>[], { fairness }: DeliverContext) {
  const own = (candidate: Candidate<{ key: string }>) => fairness.lastOf(ownGroup(candidate));
  return [...changed, ...lives].sort((a, b) => byTurn(a, b, fairness) || own(a) - own(b));
}

function listsOf({ queue, parts, outage }: DeliverContext, threadsApart: boolean): Candidate<ListItem>[] {
  const channels = new Map<string, Item[]>();
  const busy = new Set<string>();
  for (const item of queue.items.values()) {
    if (item.ref !== null) continue;
    if (item.busy) busy.add(item.channel);
    const known = channels.get(item.channel);
    if (known === undefined) channels.set(item.channel, [item]);
    else known.push(item);
  }
  return [...channels].flatMap(([channel, items]) => {
    if (busy.has(channel)) return [];
    const digest = planDigest(items, parts.clock.now(), outage);
    if (digest === null) return [];
    const limitKey = threadsApart ? (digest.thread ?? channel) : channel;
    const notBefore = Math.max(...digest.listed.map(item => item.notBefore));
    const group = digest.thread ?? channel;
    const request = { kind: 'post', channel: limitKey, patient: false } as const;
    return [{ item: { key: group, digest, notBefore, channel }, request, group, rank: 0 }];
  });
}

function liveEdits(ctx: DeliverContext, lives: LiveOutputs, threadsApart: boolean): Candidate<Live>[] {
  return lives
    .running()
    .filter(live => live.fresh !== null && live.shown !== null && !live.busy && !ctx.queue.items.has(live.key))
    .filter(({ key, runPost }) => !waitsForRoot({ key, thread: runPost.thread ?? runPost.key }, ctx.queue))
    .map(live => {
      live.notBefore = Math.max(live.notBefore, ctx.queue.pausedUntil(live.key));
      const channel = threadsApart ? (live.runPost.thread ?? live.runPost.key) : live.runPost.channel;
      return { item: live, request: { kind: 'edit', channel, patient: true }, group: live.run, rank: 2 };
    });
}
