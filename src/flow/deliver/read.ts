import type { DeliverContext } from './context.ts';
import type { Live, LiveOutputs } from './output.ts';
import { makeOutputs } from './send-live.ts';

/** Reads the posts that a platform should show: first the backlog, then what changed. */
export interface Reader {
  readNews(): Promise<void>;
  /** What running steps printed. */
  readOutput(): Promise<void>;
}

/** Milliseconds between two reads of a running step's output. */
export const outputEvery = 500;
const page = 500;

export function createReader(ctx: DeliverContext, lives: LiveOutputs): Reader {
  const { store, platform, clock } = ctx.parts;
  let stamp: number | null = null;

  /** All that is undelivered, and the runs whose output is live. Returns the stamp to go on from. */
  async function readBacklog(): Promise<number> {
    const [newest] = await store.posts({ platform, changedAfter: 0, order: 'newest', limit: 1 });
    for (let after = 0; ; ) {
      const posts = await store.posts({ platform, undelivered: true, changedAfter: after, limit: page });
      for (const post of posts) ctx.queue.absorb(post);
      after = posts.at(-1)?.changed ?? after;
      if (posts.length < page) break;
    }
    for (const run of await store.runs({ states: ['running'], limit: 1000 })) {
      const post = await store.post(platform, `run/${run.id}`);
      if (post !== null) lives.follow(post);
    }
    return newest?.changed ?? 0;
  }

  return {
    async readNews() {
      stamp ??= await readBacklog();
      for (;;) {
        const posts = await store.posts({ platform, changedAfter: stamp, limit: page });
        for (const post of posts) {
          ctx.queue.absorb(post);
          lives.follow(post);
          stamp = post.changed;
        }
        if (posts.length < page) return;
      }
    },
    async readOutput() {
      const now = clock.monotonic();
      const looked: Live[] = [];
      for (const live of lives.running()) {
        if (now - live.looked < outputEvery || live.busy) continue;
        live.looked = now;
        await lives.look(live);
        looked.push(live);
      }
      await makeOutputs(
        looked.filter(live => live.fresh !== null && live.shown === null),
        ctx,
      );
    },
  };
}
