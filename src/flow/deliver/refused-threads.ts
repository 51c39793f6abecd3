import type { Clock } from '../../kernel/clock.ts';
import type { Post } from '../../model/card.ts';

/** Why a platform does not take a message, and what that is about: the whole channel, this thread (it is locked), or this message. */
export interface Refusal {
  because: string;
  blame: 'channel' | 'thread' | 'message';
}

/** The threads of which something is not where it belongs, for /readyz and for where they go next. Kept in memory, an hour each. */
export interface RefusedThreads {
  /** The thread goes on in `place`, written `platform:channel`. */
  moved(root: Post, refusal: Refusal, place: string): void;
  leftOut(root: Post, refusal: Refusal, key: string): void;
  accepted(post: Post): void;
  /** False for a thread that was begun anew less than 10 minutes ago, or three times, and is refused again. */
  mayBeginAnew(root: Post): boolean;
  problems(): string[];
}

/** How long /readyz names a thread that moved, or in which something was left out, milliseconds. */
const reportFor = 60 * 60_000;
/** A thread that was begun anew so lately goes to the fallback channel when it is locked again, milliseconds. */
const lastsAtLeast = 10 * 60_000;
/** A root that was renewed this often goes to the fallback channel in any case. */
const mostRenewed = 3;
const mostThreads = 200;

/** A thread that moved, or in which something was left out. */
interface RefusedThread {
  channel: string;
  because: string;
  at: number;
  /** What the last refusal was about. */
  blame: Refusal['blame'];
  /** Keys of the messages that are in the console only. */
  leftOut: Set<string>;
  /** Where it goes on; null where it stays. */
  goesOn: string | null;
}

export function createRefusedThreads(clock: Pick<Clock, 'monotonic'>): RefusedThreads {
  const threads = new Map<string, RefusedThread>();

  function touch(root: Post, { because, blame }: Refusal): RefusedThread {
    const known = threads.get(root.key);
    const one = known ?? { channel: root.channel, because, blame, at: 0, leftOut: new Set(), goesOn: null };
    threads.delete(root.key);
    threads.set(root.key, one);
    for (const oldest of threads.keys()) {
      if (threads.size <= mostThreads) break;
      threads.delete(oldest);
    }
    return Object.assign(one, { because, blame, at: clock.monotonic() });
  }

  return {
    moved(root, refusal, place) {
      touch(root, refusal).goesOn = place;
    },
    leftOut: (root, refusal, key) => void touch(root, refusal).leftOut.add(key),
    accepted(post) {
      const root = post.thread ?? post.key;
      const known = threads.get(root);
      known?.leftOut.delete(post.key);
      // A new reply shows that the thread takes messages; an edit, and the root in its channel, do not.
      const isNewReply = post.ref === null && post.thread !== null;
      const isWell = known?.blame === 'thread' ? isNewReply : known?.leftOut.size === 0;
      if (known?.goesOn === null && isWell) threads.delete(root);
    },
    mayBeginAnew(root) {
      const known = threads.get(root.key);
      const isSoon = known !== undefined && known.goesOn !== null && clock.monotonic() - known.at < lastsAtLeast;
      // What this process remembers is lost with it, so the row has the last word.
      return !isSoon && (root.renewed ?? 0) < mostRenewed;
    },
    problems() {
      for (const [root, { at }] of threads) if (clock.monotonic() - at > reportFor) threads.delete(root);
      return [...threads].map(threadText);
    },
  };
}

/** For /readyz, which anybody may read: the thread by its key, never by its title. */
function threadText([root, { channel, because, leftOut, goesOn }]: [string, RefusedThread]): string {
  const count = leftOut.size;
  const left = count === 0 ? '' : ` ${count} ${count === 1 ? 'message is' : 'messages are'} in the console only.`;
  const on = goesOn === null ? '' : ` It goes on in ${goesOn}.`;
  return `the thread ${root} in ${channel} does not take messages: ${because}${left}${on}`;
}
