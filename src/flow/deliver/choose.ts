import type { Desk } from './desk.ts';
import { type Fold, planFold } from './fold.ts';
import type { Live, LiveOutputs } from './output.ts';
import type { Item } from './queue.ts';
import { byTurn, type Candidate, edits, firstReady, type LaneOf, newPosts } from './turns.ts';

/** What goes next. */
export type Choice =
  | { what: 'list'; next: Candidate<ListItem> }
  | { what: 'post'; next: Candidate<Item> }
  | { what: 'live'; next: Candidate<Live> }
  /** Nothing may go before that many milliseconds have passed. */
  | { what: 'nothing'; wait: number };

export interface ListItem {
  key: string;
  fold: Fold;
  notBefore: number;
  channel: string;
}

/**
 * Chooses by these rules: the list of an old backlog before anything else of its channel; what people have to decide; new messages;
 * then edits, whose runs take turns. `threadsApart` where each thread is a channel of its own to the platform.
 */
export function createChooser(desk: Desk, lives: LiveOutputs, threadsApart: boolean): (now: number) => Choice {
  const laneOf: LaneOf = item => (threadsApart && !item.isRoot ? item.thread : item.channel);
  return now => {
    const lists = listsOf(desk, threadsApart);
    const list = firstReady(lists, desk.pacer, now);
    if (list.ready !== null) return { what: 'list', next: list.ready };
    const listing = new Set(lists.map(one => one.item.channel));
    const posts = newPosts(desk.queue, laneOf, desk.turns).filter(one => !listing.has(one.item.channel));
    const post = firstReady(posts, desk.pacer, now);
    const changed = edits(desk.queue, laneOf, desk.turns).filter(one => !desk.liveOnWay.has(one.item.key));
    const edit = firstReady(mixed(changed, liveEdits(desk, lives, threadsApart), desk), desk.pacer, now);
    if (post.ready !== null && (edit.ready === null || post.ready.rank <= edit.ready.rank))
      return { what: 'post', next: post.ready };
    if (edit.ready === null) return { what: 'nothing', wait: Math.min(list.wait, post.wait, edit.wait) };
    const { item, ...rest } = edit.ready;
    if ('home' in item) return { what: 'live', next: { ...rest, item } };
    return { what: 'post', next: { ...rest, item } };
  };
}

/** Within a run's turn its progress and its outputs take turns too. */
export function ownGroup(candidate: Candidate<{ key: string }>): string {
  return `${candidate.group} ${candidate.item.key}`;
}

function mixed(changed: readonly Candidate[], lives: readonly Candidate<Live>[], { turns }: Desk) {
  const own = (candidate: Candidate<{ key: string }>) => turns.lastOf(ownGroup(candidate));
  return [...changed, ...lives].sort((a, b) => byTurn(a, b, turns) || own(a) - own(b));
}

function listsOf({ queue, parts, outage }: Desk, threadsApart: boolean): Candidate<ListItem>[] {
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
    const fold = planFold(items, parts.clock.now(), outage);
    if (fold === null) return [];
    const lane = threadsApart ? (fold.thread ?? channel) : channel;
    const notBefore = Math.max(...fold.listed.map(item => item.notBefore));
    const group = fold.thread ?? channel;
    const request = { kind: 'post', channel: lane, patient: false } as const;
    return [{ item: { key: group, fold, notBefore, channel }, request, group, rank: 0 }];
  });
}

function liveEdits(desk: Desk, lives: LiveOutputs, threadsApart: boolean): Candidate<Live>[] {
  return lives
    .running()
    .filter(live => live.fresh !== null && live.shown !== null && !live.busy && !desk.queue.items.has(live.key))
    .map(live => {
      live.notBefore = Math.max(live.notBefore, desk.queue.pausedUntil(live.key));
      const channel = threadsApart ? (live.home.thread ?? live.home.key) : live.home.channel;
      return { item: live, request: { kind: 'edit', channel, patient: true }, group: live.run, rank: 2 };
    });
}
