import type { Post } from '../../src/model/card.ts';
import type { ChatConnection, ChatFile } from '../../src/ports/chat.ts';
import type { HostDouble } from './chat-host.ts';

/** A connection for tests that deliver one post at a time: the root is the one in the store where none is given. */
export interface StoredRoots extends Omit<ChatConnection, 'deliver' | 'upload'> {
  deliver(post: Post, root?: Post | null): Promise<string>;
  upload(post: Post, file: ChatFile): Promise<void>;
}

/** As the flow does it: roots come out of the store, and references are written down where the post is stored. */
export function withStoredRoots(connection: ChatConnection, double: Pick<HostDouble, 'store' | 'put'>): StoredRoots {
  const { store } = double;
  const rootOf = async (post: Post) => (post.thread === null ? null : await store.post(post.platform, post.thread));
  return {
    ...connection,
    async deliver(post, given) {
      const root = given === undefined ? await rootOf(post) : given;
      const ref = await connection.deliver(post, root);
      const row = await store.post(post.platform, post.key);
      if (row !== null && row.ref !== ref) await double.put({ ...row, ref, delivered: post.wanted });
      return ref;
    },
    upload: async (post, file) => await connection.upload?.(post, file, await rootOf(post)),
  };
}
