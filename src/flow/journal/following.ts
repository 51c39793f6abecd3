import type { Log } from '../../kernel/log.ts';
import type { Entry, FactKind } from '../../model/journal.ts';
import { createOnceLogger } from './log-once.ts';
import { createPassedOver } from './passed-over.ts';

export interface Follower {
  name: string;
  after: number;
  /** The kinds of entries that are handled; others are not even read. All kinds when left out. */
  kinds?: readonly FactKind[];
  /** The most entries in one batch. */
  batch: number;
  /**
   * Coalescing under load: after a batch of at least `after` entries, and fewer than `batch`, `ms` milliseconds pass before the next, so
   * that what changes often is handled less often. Without it the next batch follows at once.
   */
  rest?: { after: number; ms: number };
  /** `upTo` is the cursor afterwards. It is later than the last entry when unwanted kinds follow; `entries` may then be empty. */
  handle(entries: readonly Entry[], upTo: number): Promise<void>;
}

export interface Following {
  /** Resolves when all that was committed before the call has been handled. */
  caughtUp(): Promise<void>;
  stop(): Promise<void>;
}

export interface Wanted {
  after: number;
  limit: number;
  kinds: readonly FactKind[] | undefined;
}

export interface Found {
  entries: readonly Entry[];
  /** There are no other wanted entries up to this sequence. */
  upTo: number;
}

/** What was appended. */
export interface News {
  first: number;
  last: number;
  /** The kinds of all entries from `first` to `last`; null when they are not known. */
  kinds: readonly string[] | null;
  /** True when news of what lies before comes for certain. */
  inOrder: boolean;
}

/** A follower at work. */
export interface Follow extends Following {
  /** Up to this sequence everything was handled. */
  cursor(): number;
  hear(news: News): void;
}

export interface FollowParts {
  read(wanted: Wanted): Promise<Found>;
  /** Called when a follower has handled a batch. */
  handled(): void;
  log: Log;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  newest(): number;
}

/**
 * A follower keeps its cursor durable when it is called. So it is called with the first news, and after so many entries that were passed
 * over, whatever they hold.
 */
const mostPassedOver = 1000;

export function startFollowing(follower: Follower, parts: FollowParts): Follow {
  const place = createPlace(follower, parts.handled);
  let stopped = false;
  let wake: (() => void) | null = null;
  let dirty = false;
  const failing = createPause(parts.sleep);
  const again = 'a follower of the journal failed and will try again';
  const onceLogger = createOnceLogger(parts.log, { follower: follower.name }, again);
  const resting = createPause(parts.sleep);

  function rouse() {
    dirty = true;
    wake?.();
  }

  async function turn(): Promise<{ taken: number; moved: boolean }> {
    const { batch: limit, kinds } = follower;
    const { entries, upTo } = await parts.read({ after: place.cursor(), limit, kinds });
    if (upTo <= place.cursor()) return { taken: entries.length, moved: false };
    await follower.handle(entries, upTo);
    place.called(upTo);
    return { taken: entries.length, moved: true };
  }

  /** Left out while somebody waits for this follower, or stops it. */
  async function rest(taken: number) {
    // A follower that is behind does not rest.
    const isLate = taken >= follower.batch;
    if (follower.rest === undefined || taken < follower.rest.after || isLate || place.isAwaited() || stopped) return;
    await resting.take(follower.rest.ms);
  }

  async function loop() {
    let failures = 0;
    while (!stopped) {
      try {
        dirty = false;
        const { taken, moved } = await turn();
        failures = 0;
        onceLogger.well();
        if (!moved && !dirty && !stopped) {
          await new Promise<void>(resolve => {
            wake = resolve;
          });
          wake = null;
        }
        // Requests that arrived meanwhile go first: a follower may lag, the door may not.
        await new Promise(resolve => setImmediate(resolve));
        await rest(taken);
      } catch (error) {
        failures++;
        onceLogger.failed(error, { after: place.cursor() });
        if (!stopped) await failing.take(Math.min(10_000, 100 * 2 ** failures));
      }
    }
  }

  const ended = loop();
  return {
    cursor: place.cursor,
    hear(news) {
      if (place.hear(news)) rouse();
    },
    caughtUp() {
      const seq = parts.newest();
      if (place.cursor() >= seq) return Promise.resolve();
      const caughtUp = place.reached(seq);
      resting.end();
      rouse();
      return caughtUp;
    },
    async stop() {
      stopped = true;
      failing.end();
      resting.end();
      wake?.();
      await ended;
    },
  };
}

/** Up to where a follower has come: what it handled, and what it need not. */
function createPlace({ after, kinds: wanted }: Follower, moved: () => void) {
  let cursor = after;
  let calledAt = Number.NEGATIVE_INFINITY;
  const passedOver = createPassedOver();
  let waiters: { seq: number; resolve: () => void }[] = [];

  function moveTo(seq: number) {
    cursor = seq;
    waiters = waiters.filter(waiter => waiter.seq > cursor || waiter.resolve());
    moved();
  }

  return {
    cursor: () => cursor,
    isAwaited: () => waiters.length > 0,
    reached: (seq: number) => new Promise<void>(resolve => waiters.push({ seq, resolve })),
    called(upTo: number) {
      calledAt = upTo;
      moveTo(passedOver.reach(Math.max(cursor, upTo)));
    },
    /** True when the follower has to look; false where nothing of this is wanted, and it sleeps on. */
    hear({ first, last, kinds, inOrder }: News): boolean {
      if (last <= cursor) return false;
      const isWanted = kinds === null || wanted?.some(kind => kinds.includes(kind)) !== false;
      if (isWanted || !passedOver.add(first, last)) return true;
      const reached = passedOver.reach(cursor);
      if (reached - calledAt > mostPassedOver) return true;
      if (reached > cursor) moveTo(reached);
      else if (!inOrder) return true;
      // Somebody waits: news of what lies before is not waited for.
      return waiters.length > 0;
    },
  };
}

/** A pause that can be ended early. */
function createPause(sleep: FollowParts['sleep']) {
  let end: AbortController | null = null;
  return {
    async take(ms: number): Promise<void> {
      const controller = new AbortController();
      end = controller;
      await sleep(ms, controller.signal).catch(error => {
        if (!controller.signal.aborted) throw error;
      });
      end = null;
    },
    end: () => end?.abort(),
  };
}
