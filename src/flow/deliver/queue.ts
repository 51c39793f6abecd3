import type { Post } from '../../model/card.ts';

/** A post that the platform does not have yet, or not as it is wanted. Its card stays in the store until it is sent. */
export interface Item {
  key: string;
  kind: string;
  channel: string;
  /** The key of its root; its own for a root. */
  thread: string;
  isRoot: boolean;
  order: number;
  createdAt: number;
  /** The stamp of the row that was read last. */
  changed: number;
  wanted: number;
  delivered: number;
  ref: string | null;
  /** How often it was renewed. */
  renewed: number;
  over: boolean;
  /** Its group for fair queueing: its run, or its thread. */
  group: string;
  severity: Post['severity'];
  title: string;
  badge: string | null;
  /** A person has to decide. */
  asks: boolean;
  /** A request for it is in flight. */
  busy: boolean;
  /** It is posted by itself, however old it is: no list may stand for it. */
  exempted: boolean;
  failures: number;
  /** It is not sent before this time of the monotonic clock. */
  notBefore: number;
}

/** A version that the platform has, and that is not recorded in the store yet. */
export interface Mark {
  version: number;
  ref: string;
  /** The renewal of the post that was sent: a post that was renewed since then has another message. */
  renewed: number;
}

export interface Queue {
  readonly items: ReadonlyMap<string, Item>;
  /** Adds or updates a post that was read, with its unrecorded mark. */
  absorb(post: Post): void;
  /** The platform has this version now. */
  done(key: string, mark: Mark): void;
  drop(key: string): void;
  /** Its request is not in flight any more. */
  release(item: Item): void;
  /** The post is not sent before then, by the monotonic clock; also when it is wanted again. */
  pause(key: string, until: number): void;
  pausedUntil(key: string): number;
  /** No list may stand for the post, however old it is. */
  exempt(key: string): void;
  /** A post that was read, with its unrecorded mark. */
  overlay(post: Post): Post;
  unrecorded(): ReadonlyMap<string, Mark>;
  recorded(key: string, mark: Mark): void;
}

/** The most messages whose pause between two edits is remembered. */
const mostPauses = 5000;

export function createQueue(): Queue {
  const items = new Map<string, Item>();
  const marks = new Map<string, Mark>();
  const pauses = new Map<string, number>();
  const exempted = new Set<string>();

  function overlay(post: Post): Post {
    const mark = marks.get(post.key);
    if (mark === undefined || mark.renewed !== (post.renewed ?? 0)) return post;
    return { ...post, delivered: Math.max(post.delivered, mark.version), ref: mark.ref };
  }

  return {
    items,
    absorb(read) {
      const post = overlay(read);
      const known = items.get(post.key);
      // A newer state was read already.
      if (known !== undefined && post.changed < known.changed) return;
      if (post.wanted <= post.delivered) {
        if (known?.busy !== true) items.delete(post.key);
        else Object.assign(known, shown(post));
        return;
      }
      if (known === undefined) {
        const notBefore = pauses.get(post.key) ?? 0;
        items.set(post.key, {
          ...shown(post),
          busy: false,
          exempted: exempted.delete(post.key),
          failures: 0,
          notBefore,
        });
      } else Object.assign(known, shown(post));
    },
    done(key, mark) {
      marks.set(key, mark);
      const item = items.get(key);
      if (item === undefined || item.renewed !== mark.renewed) return;
      Object.assign(item, { delivered: mark.version, ref: mark.ref, failures: 0 });
      if (item.wanted <= item.delivered) items.delete(key);
    },
    drop: key => void items.delete(key),
    release(item) {
      item.busy = false;
      if (item.wanted <= item.delivered && items.get(item.key) === item) items.delete(item.key);
    },
    pause(key, until) {
      pauses.delete(key);
      pauses.set(key, until);
      const item = items.get(key);
      if (item !== undefined) item.notBefore = until;
      for (const oldest of pauses.keys()) {
        if (pauses.size <= mostPauses) break;
        pauses.delete(oldest);
      }
    },
    pausedUntil: key => pauses.get(key) ?? 0,
    exempt: key => void exempted.add(key),
    overlay,
    unrecorded: () => marks,
    recorded(key, mark) {
      if (marks.get(key) === mark) marks.delete(key);
    },
  };
}

function shown(post: Post) {
  const thread = post.thread ?? post.key;
  return {
    key: post.key,
    kind: post.key.split('/', 1)[0] ?? '',
    channel: post.channel,
    thread,
    isRoot: post.thread === null,
    order: post.order,
    createdAt: post.createdAt,
    changed: post.changed,
    wanted: post.wanted,
    delivered: post.delivered,
    ref: post.ref,
    renewed: post.renewed ?? 0,
    over: post.over ?? false,
    group: post.run ?? thread,
    severity: post.severity,
    title: post.card.title.slice(0, 200),
    badge: post.card.badge,
    asks: post.card.tone === 'ask',
  };
}
