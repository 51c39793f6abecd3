import type { Rate, RateLimits } from '../../ports/chat.ts';

/** A request to a chat platform, as its rate limits count it. */
export interface Request {
  kind: 'post' | 'edit' | 'file';
  channel: string;
  /** True for what may wait: it leaves one token of each bucket, so that a decision goes at once. */
  patient: boolean;
}

/**
 * Token buckets that say when a request may go, so that the platform's rate limits are kept instead of run into. All times are of the
 * monotonic clock, in milliseconds.
 */
export interface RateLimiter {
  /** How long to wait; 0 when it may go now. */
  wait(request: Request, now: number): number;
  /** Takes its tokens: it goes now. */
  take(request: Request, now: number): void;
  /**
   * The platform limited a request: nothing like it goes for `ms`. `at` is what the driver named: `channel X` for this kind in this
   * channel, `method X` for this kind anywhere, `all` for everything.
   */
  hold(request: Request, at: string, ms: number, now: number): void;
}

/** The part of a rate that is used: requests bunch up on their way, so that a platform may count a little more than was sent. */
const margin = 0.95;
/** The most tokens in a bucket of a rate that says nothing of bursts. */
const usualBurst = 4;
/** Buckets of channels that are full again are forgotten above this number. */
const mostBuckets = 2000;

export function createRateLimiter(rateLimits: RateLimits | undefined): RateLimiter {
  const buckets = new Map<string, Bucket>();
  const holds = new Map<string, number>();

  function bucketsOf({ kind, channel }: Request, now: number): Bucket[] {
    if (rateLimits === undefined) return [];
    const wanted: [string, Rate | undefined][] =
      kind === 'edit'
        ? [
            [`edits ${channel}`, rateLimits.edits],
            ['edits', rateLimits.allEdits],
          ]
        : [
            [`posts ${channel}`, rateLimits.posts],
            ['posts', rateLimits.allPosts],
          ];
    return wanted.flatMap(([name, rate]) => (rate === undefined ? [] : [bucketOf(name, rate, now)]));
  }

  function bucketOf(name: string, rate: Rate, now: number): Bucket {
    const known = buckets.get(name);
    if (known !== undefined) return known;
    if (buckets.size >= mostBuckets)
      for (const [other, bucket] of buckets) if (bucket.isFull(now)) buckets.delete(other);
    const made = createBucket(rate, now);
    buckets.set(name, made);
    return made;
  }

  return {
    wait(request, now) {
      const held = scopesOf(request).map(scope => (holds.get(scope) ?? 0) - now);
      return Math.max(0, ...held, ...bucketsOf(request, now).map(bucket => bucket.wait(request.patient ? 2 : 1, now)));
    },
    take(request, now) {
      for (const bucket of bucketsOf(request, now)) bucket.take(now);
    },
    hold(request, at, ms, now) {
      for (const [scope, until] of holds) if (until <= now) holds.delete(scope);
      const [channel, kind, all] = scopesOf(request);
      const scope = at.startsWith('channel') ? channel : at === 'all' ? all : kind;
      if (scope !== undefined) holds.set(scope, Math.max(holds.get(scope) ?? 0, now + ms));
    },
  };
}

function scopesOf({ kind, channel }: Request): [string, string, string] {
  return [`${kind} in ${channel}`, kind, 'all'];
}

interface Bucket {
  /** Milliseconds until so many `tokens` are in it; never more than its size. */
  wait(tokens: number, now: number): number;
  take(now: number): void;
  isFull(now: number): boolean;
}

/**
 * A token bucket. Its burst may go at once, the rest evenly. So in any window of `per`, wherever it begins, no more than `count` go, and an
 * urgent request rarely waits.
 */
function createBucket(
  { count, per, burst = Math.min(usualBurst, Math.floor(count / 10)) }: Rate,
  start: number,
): Bucket {
  const size = Math.max(1, Math.min(count, burst));
  const perMs = ((count - size + 1) / per) * margin;
  let level = size;
  let last = start;
  const fill = (now: number) => {
    level = Math.min(size, level + Math.max(0, now - last) * perMs);
    last = Math.max(last, now);
  };
  return {
    wait(tokens, now) {
      fill(now);
      const missing = Math.min(tokens, size) - level;
      return missing <= 1e-9 ? 0 : Math.ceil(missing / perMs);
    },
    take(now) {
      fill(now);
      level -= 1;
    },
    isFull(now) {
      fill(now);
      return level >= size;
    },
  };
}
