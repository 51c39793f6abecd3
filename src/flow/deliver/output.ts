import type { Card, Post } from '../../model/card.ts';
import type { Store } from '../../ports/store.ts';
import { outputCard } from '../thread/cards/output.ts';
import { outputKey } from '../thread/posts.ts';

/** The output of a step that runs now, as one platform shows it. */
export interface Live {
  key: string;
  run: string;
  step: string;
  title: string;
  /** The post of the run, in whose thread the output is. */
  runPost: Post;
  /** The last chunk that was read. */
  after: number;
  /** The end of the output. */
  text: string;
  /** What the message shows now; null when there is none yet. */
  shown: string | null;
  /** What it should show; null when that is the same. */
  fresh: Card | null;
  /** When it was last read, by the monotonic clock. */
  looked: number;
  busy: boolean;
  /** It is not edited before this time of the monotonic clock. */
  notBefore: number;
}

/**
 * Live output of running steps, read from the chunks in the store, so that a step on another node is shown too, and no post is stored for
 * a chunk. The final text is stored by the projection (flow/thread/posts.ts).
 */
export interface LiveOutputs {
  /** Reads from a run's post which steps run. */
  follow(post: Post): void;
  running(): readonly Live[];
  /** Reads new chunks, and sets `fresh`. */
  look(live: Live): Promise<void>;
  stop(): void;
}

/** The most characters that are kept of the end of a step's output. */
const mostKept = 8000;
/** Chunks that are read at a time. */
const page = 500;

export function createLiveOutputs(parts: {
  store: Pick<Store, 'output'>;
  link(run: string): string;
  /** Calls the listener when the run printed something, until the returned function is called. */
  listen(run: string, listener: () => void): () => void;
  /** Called when a step printed for the first time: people who approved it wait for that. */
  wake(): void;
}): LiveOutputs {
  const running = new Map<string, Live>();
  const hearing = new Map<string, () => void>();

  function add(live: Live): void {
    running.set(live.key, live);
    const unlisten = parts.listen(live.run, () => {
      if (live.shown !== null) return;
      live.looked = Number.NEGATIVE_INFINITY;
      parts.wake();
    });
    hearing.set(live.key, unlisten);
  }

  function remove(key: string): void {
    running.delete(key);
    hearing.get(key)?.();
    hearing.delete(key);
  }

  async function read(live: Live): Promise<void> {
    for (;;) {
      const chunks = await parts.store.output({ run: live.run, step: live.step, after: live.after, limit: page });
      for (const chunk of chunks) {
        live.text = (live.text + chunk.text).slice(-mostKept);
        live.after = chunk.seq;
      }
      if (chunks.length < page) return;
    }
  }

  return {
    follow(post) {
      if (post.run === null || !post.key.startsWith(`run/${post.run}`)) return;
      const progress = post.card.blocks.find(block => block.kind === 'progress');
      const steps = (progress?.steps ?? []).filter(step => step.state === 'running');
      const suffix = post.key.slice(`run/${post.run}`.length);
      const keys = new Set(steps.map(step => outputKey(post.run ?? '', step.id) + suffix));
      for (const live of running.values()) if (live.runPost.key === post.key && !keys.has(live.key)) remove(live.key);
      for (const step of steps) {
        const key = outputKey(post.run, step.id) + suffix;
        const known = running.get(key);
        if (known === undefined) add(newLive(key, post, post.run, step));
        else known.runPost = post;
      }
    },
    running: () => [...running.values()],
    async look(live) {
      await read(live);
      const block = { kind: 'output' as const, run: live.run, step: live.step, tail: live.text, live: true };
      const card = outputCard(block, live.title, parts.link(live.run));
      live.fresh = live.text.trim() === '' || textOf(card) === live.shown ? null : card;
    },
    stop: () => [...running.keys()].forEach(remove),
  };
}

/** What an output card shows, to compare. */
export function textOf(card: Card): string {
  return card.blocks.map(block => (block.kind === 'output' ? block.tail : '')).join('');
}

function newLive(key: string, runPost: Post, run: string, step: { id: string; title: string }): Live {
  return {
    key,
    run,
    step: step.id,
    title: step.title || step.id,
    runPost,
    after: 0,
    text: '',
    shown: null,
    fresh: null,
    looked: Number.NEGATIVE_INFINITY,
    busy: false,
    notBefore: 0,
  };
}

/** The post of an output that has none yet; the first chunk makes it. */
export function outputPost(live: Live, card: Card, now: number): Post {
  const { runPost } = live;
  return {
    platform: runPost.platform,
    key: live.key,
    channel: runPost.channel,
    thread: runPost.thread ?? runPost.key,
    card,
    wanted: 1,
    delivered: 0,
    ref: null,
    order: runPost.order,
    createdAt: now,
    changed: 0,
    severity: runPost.severity,
    alert: runPost.alert,
    run: live.run,
    over: true,
  };
}
