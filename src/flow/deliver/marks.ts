import { isCode } from '../../kernel/errors.ts';
import type { Post } from '../../model/card.ts';
import type { Guard, Row, Store } from '../../ports/store.ts';

/** Changes posts that the projection changes too, with optimistic concurrency: it reads them, and writes only when nothing changed. */
export interface PostWriter {
  /** Changes posts of the platform as they are now; what `change` returns null for is left alone. `more` goes into the same commit. */
  update(keys: readonly string[], change: (post: Post) => Post | null, more?: readonly Post[]): Promise<void>;
}

/** The projection commits a few times a second at most, so that a second try nearly always succeeds. */
const mostTries = 10;
const batch = 200;

export function createPostWriter(parts: {
  platform: string;
  store: Store;
  commit(change: { guards: readonly Guard[]; rows: readonly Row[] }): Promise<unknown>;
  fence?(): readonly Guard[];
}): PostWriter {
  async function write(keys: readonly string[], change: (post: Post) => Post | null, more: readonly Post[]) {
    const found = await Promise.all(keys.map(key => parts.store.post(parts.platform, key)));
    const posts = [...found.flatMap(post => (post === null ? [] : (change(post) ?? []))), ...more];
    if (posts.length === 0) return;
    const guards = posts.map(({ platform, key, changed }) => ({ kind: 'post' as const, platform, key, changed }));
    const rows = posts.map(doc => ({ table: 'post' as const, doc }));
    await parts.commit({ guards: [...(parts.fence?.() ?? []), ...guards], rows });
  }

  async function writeUntilFirst(keys: readonly string[], change: (post: Post) => Post | null, more: readonly Post[]) {
    for (let tries = 1; ; tries++) {
      try {
        return await write(keys, change, more);
      } catch (error) {
        const overtaken = isCode(error, 'guard-failed') && error.at?.startsWith('post ') === true;
        if (!overtaken || tries >= mostTries) throw error;
      }
    }
  }

  return {
    async update(keys, change, more = []) {
      if (keys.length === 0 && more.length > 0) await writeUntilFirst([], change, more);
      for (let at = 0; at < keys.length; at += batch)
        await writeUntilFirst(keys.slice(at, at + batch), change, at === 0 ? more : []);
    },
  };
}

/** The post with the version that the platform has now. A newer card stays wanted. */
export function withMark(post: Post, version: number, ref: string): Post {
  const { withheld: _, ...rest } = post;
  return { ...rest, delivered: Math.max(post.delivered, version), ref };
}

/** The post as one that the platform does not have, to be posted as a new message. */
export function renewed(post: Post): Post {
  const { withheld: _, ...rest } = post;
  return { ...rest, ref: null, delivered: 0, renewed: (post.renewed ?? 0) + 1 };
}
