import type { Card, Post } from '../../model/card.ts';
import type { Item } from './queue.ts';

/** Posts that an outage kept back for longer than this, milliseconds, are named in one list instead of posted one by one. */
export const oldBacklog = 30_000;
/** The most alerts of a channel's backlog that still go on and get a message of their own; all are in the list. */
const mostLive = 10;
/** More waiting messages of a channel make a list without an outage too: a minute of them, where one a second is allowed. */
const mostWaiting = 60;
/** A backlog of fewer messages is posted as it is. */
const fewest = 3;
/** Lines of a list; the rest is counted. */
const mostLines = 40;

/** The plan for a channel's backlog: one list stands for some posts, and the others are still posted one by one. */
export interface Digest {
  /** The thread of the list; null for a list of threads, in the channel. */
  thread: string | null;
  listed: Item[];
  /** The posts that the list stands for: each is posted only when it changes. */
  folded: Item[];
  exempted: Item[];
}

/**
 * Pure: plans the list of one channel. `items` are its posts that the platform does not have yet, `outage` is the last time of an outage,
 * `now` the current time, both milliseconds since the epoch. What people have to decide is never folded, and what still goes on only
 * beyond the ten most severe threads. Null when there is nothing to fold.
 */
export function planDigest(items: readonly Item[], now: number, outage: number): Digest | null {
  const open = items.filter(item => item.ref === null && !item.exempted && !item.busy);
  const old = open.filter(item => now - item.createdAt > oldBacklog);
  if (!old.some(item => item.createdAt <= outage) && (old.length === 0 || open.length <= mostWaiting)) return null;
  const roots = open.filter(item => item.isRoot);
  if (roots.length >= fewest) return digestRoots(roots, open);
  const waiting = new Set(items.filter(item => item.isRoot && item.ref === null).map(item => item.thread));
  for (const [thread, replies] of byThread(open.filter(item => !item.isRoot && !waiting.has(item.thread)))) {
    const finished = replies.filter(item => item.over && !item.asks);
    if (finished.length >= fewest) return { thread, listed: finished, folded: finished, exempted: [] };
  }
  return null;
}

/** Threads that are over are only listed. Of the others those are posted where somebody has to decide, and the most severe. */
function digestRoots(roots: readonly Item[], open: readonly Item[]): Digest {
  const asking = new Set(open.filter(item => item.asks).map(item => item.thread));
  const going = roots.filter(item => !item.over && !asking.has(item.thread));
  const severe = [...going].sort((a, b) => rankOf(a) - rankOf(b) || b.order - a.order).slice(0, mostLive);
  const exempted = roots.filter(item => asking.has(item.thread) || severe.includes(item));
  const gone = new Set(roots.filter(item => !exempted.includes(item)).map(item => item.thread));
  return { thread: null, listed: [...roots], folded: open.filter(item => gone.has(item.thread)), exempted };
}

function rankOf(item: Item): number {
  return ['critical', 'error', 'warning', 'info'].indexOf(item.severity ?? 'info');
}

function byThread(items: readonly Item[]): Map<string, Item[]> {
  const threads = new Map<string, Item[]>();
  for (const item of items) threads.set(item.thread, [...(threads.get(item.thread) ?? []), item]);
  return threads;
}

interface ListFacts {
  platform: string;
  now: number;
  /** How often the root of the thread was renewed: a list of the thread that was given up is another message. */
  renewed: number;
  showTime(at: number): string;
}

/** The list as a post. Its key names where it begins, so that a retry finds what the first try posted. */
export function listPost(digest: Digest, facts: ListFacts): Post {
  const items = [...digest.listed].sort((a, b) => a.order - b.order);
  const first = items[0];
  return {
    platform: facts.platform,
    key: `missed/${digest.thread ?? first?.channel ?? ''}/${first?.order ?? 0}${facts.renewed > 0 ? `/${facts.renewed}` : ''}`,
    channel: first?.channel ?? '',
    thread: digest.thread,
    card: listCard(items, digest, facts.showTime),
    wanted: 1,
    delivered: 0,
    ref: null,
    order: first?.order ?? 0,
    createdAt: facts.now,
    changed: 0,
    severity: null,
    alert: null,
    run: null,
    over: true,
  };
}

function listCard(items: readonly Item[], digest: Digest, showTime: (at: number) => string): Card {
  const times = items.map(item => item.createdAt);
  const lines = items.slice(-mostLines).map(item => `${item.badge === null ? '' : `[${item.badge}] `}${item.title}`);
  const before = items.length - lines.length;
  const shown = digest.thread === null ? digest.exempted.length : 0;
  const what = digest.thread === null ? 'alerts and runs' : 'messages';
  const follow =
    digest.thread !== null
      ? []
      : [
          shown === 0
            ? 'None of them is posted by itself until something changes.'
            : `${shown} that still go on follow; the others are posted when something changes.`,
        ];
  return {
    tone: 'warning',
    title: `Could not be posted in time: ${items.length} ${what}`,
    badge: null,
    blocks: [
      {
        kind: 'fields',
        fields: [
          { label: 'From', value: showTime(Math.min(...times)) },
          { label: 'To', value: showTime(Math.max(...times)) },
        ],
      },
      { kind: 'text', text: [...(before > 0 ? [`… and ${before} before these`] : []), ...lines].join('\n') },
      ...follow.map(text => ({ kind: 'text' as const, text })),
    ],
    buttons: [],
    mention: [],
  };
}
