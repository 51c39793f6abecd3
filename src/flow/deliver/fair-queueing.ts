import type { Item, Queue } from './queue.ts';
import type { RateLimiter, Request } from './rate-limiter.ts';

/** Something that could be sent, and how it counts. */
export interface Candidate<T = Item> {
  item: T;
  request: Request;
  /** The unit of fair queueing: the least recently served group goes first. */
  group: string;
  /** Lower goes first. */
  rank: number;
}

/** Remembers when each group was served, so that a group with many posts does not hold up the others. */
export interface FairQueueing {
  served(group: string): void;
  /** A number that grows with each group served; 0 for one that never was. */
  lastOf(group: string): number;
}

const mostRemembered = 5000;

export function createFairQueueing(): FairQueueing {
  const last = new Map<string, number>();
  let count = 0;
  return {
    served(group) {
      last.delete(group);
      count += 1;
      last.set(group, count);
      for (const oldest of last.keys()) {
        if (last.size <= mostRemembered) break;
        last.delete(oldest);
      }
    },
    lastOf: group => last.get(group) ?? 0,
  };
}

/** The channel as the platform's rate limits count it. */
export type LimitKeyOf = (item: { channel: string; thread: string; isRoot: boolean }) => string;

/**
 * New messages: within a thread in the order of the journal, the root first; among threads those where somebody has to decide, then the
 * least recently served. One at a time in a channel.
 */
export function newPosts(queue: Queue, limitKeyOf: LimitKeyOf, fairness: FairQueueing): Candidate[] {
  const heads = new Map<string, Item>();
  const asking = new Set<string>();
  const busy = new Set<string>();
  for (const item of queue.items.values()) {
    if (item.ref !== null) continue;
    if (item.busy) busy.add(limitKeyOf(item));
    if (item.asks) asking.add(item.thread);
    const head = heads.get(item.thread);
    if (head === undefined || goesBefore(item, head)) heads.set(item.thread, item);
  }
  return [...heads.values()]
    .filter(item => !item.busy && !busy.has(limitKeyOf(item)))
    .map(item => ({
      item,
      request: { kind: item.kind === 'log' ? 'file' : 'post', channel: limitKeyOf(item), patient: false } as const,
      group: item.thread,
      rank: asking.has(item.thread) ? 0 : 1,
    }))
    .sort((a, b) => byTurn(a, b, fairness) || a.item.order - b.item.order);
}

function goesBefore(a: Item, b: Item): boolean {
  if (a.isRoot !== b.isRoot) return a.isRoot;
  if (a.order !== b.order) return a.order < b.order;
  return lateness(a) - lateness(b) < 0 || (lateness(a) === lateness(b) && a.key < b.key);
}

/** Output and log of a run have the order of its card, and come after it. */
function lateness({ kind }: Item): number {
  return ['output', 'log'].indexOf(kind);
}

/** Edits: what people have to decide first, then fair queueing. Only the newest version of a post is sent. */
export function edits(queue: Queue, limitKeyOf: LimitKeyOf, fairness: FairQueueing): Candidate[] {
  const found: Candidate[] = [];
  for (const item of queue.items.values()) {
    // An edit may have to post its message anew, so its root comes first.
    if (item.ref === null || item.busy || waitsForRoot(item, queue)) continue;
    const urgent = item.asks || item.kind === 'approval';
    found.push({
      item,
      request: { kind: 'edit', channel: limitKeyOf(item), patient: !urgent },
      group: item.group,
      rank: urgent ? 0 : 2,
    });
  }
  return found.sort((a, b) => byTurn(a, b, fairness) || a.item.order - b.item.order);
}

/** True while the root of the thread has yet to be posted. */
export function waitsForRoot({ key, thread }: { key: string; thread: string }, queue: Queue): boolean {
  return key !== thread && queue.items.get(thread)?.ref === null;
}

export function byTurn(a: Candidate<unknown>, b: Candidate<unknown>, fairness: FairQueueing): number {
  return a.rank - b.rank || fairness.lastOf(a.group) - fairness.lastOf(b.group);
}

/** The first that may go now, else the milliseconds until one may. */
export function firstReady<T extends Candidate<{ notBefore: number }>>(
  candidates: readonly T[],
  limiter: RateLimiter,
  now: number,
): { ready: T | null; wait: number } {
  let wait = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const needed = Math.max(candidate.item.notBefore - now, limiter.wait(candidate.request, now));
    if (needed <= 0) return { ready: candidate, wait: 0 };
    wait = Math.min(wait, needed);
  }
  return { ready: null, wait };
}
