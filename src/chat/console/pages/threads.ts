import type { ChatHost } from '../../../ports/chat.ts';

/** The thread in the console that shows a run, by the key of its root; null when it is posted somewhere else only. */
export async function findThread(
  host: ChatHost,
  about: { id: string; alert: string | null; episode: number | null },
): Promise<string | null> {
  const keys = [`run/${about.id}`, about.alert === null ? null : `alert/${about.alert}/${about.episode ?? 1}`];
  for (const key of keys) {
    const post = key === null ? null : await host.store.post('console', key);
    if (post !== null) return post.thread ?? post.key;
  }
  return null;
}
