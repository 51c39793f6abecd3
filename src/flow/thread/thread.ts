/** The projection from the journal to what each thread should show: places, posts, cards and notes. Nothing here talks to a platform. */

import { isCode } from '../../kernel/errors.ts';
import type { Entry } from '../../model/journal.ts';
import type { Following } from '../journal/feed.ts';
import { draftPosts } from './draft/draft.ts';
import { postsLock, type ThreadParts } from './parts.ts';
import { createPosting, type Posting } from './posts.ts';

const cursorName = 'threads';
/** The most tries of one batch. A poster may change a post while it is projected: then both are read again. */
const mostTries = 8;

/**
 * Chat is a view (P5). This projection follows the journal and stores what every thread should show: one post for each subject, rendered
 * from the current state, in the same transaction as its cursor. flow/deliver/deliver.ts then makes the platforms show it. So no platform
 * can block, repeat or lose a step, and after an outage the threads catch up in order.
 */
export async function startThreads(parts: ThreadParts): Promise<Following> {
  const posting = createPosting(parts);
  return parts.feed.follow({
    name: cursorName,
    after: await parts.store.cursor(cursorName),
    batch: 512,
    // A storm's subjects change several times in a moment; once in a tenth of a second is often enough for people.
    rest: { after: 64, ms: 100 },
    handle: entries => parts.mutex.with(postsLock, () => project(entries, posting, parts)),
  });
}

async function project(entries: readonly Entry[], posting: Posting, parts: ThreadParts): Promise<void> {
  const last = entries.at(-1);
  if (last === undefined) return;
  const wanted = await draftPosts(entries, {
    ...parts,
    store: { ...parts.store, ...parts.docs },
    config: () => parts.catalogue.current().config,
    glass: () => parts.catalogue.current().changes.breakGlass,
    gates: () => parts.catalogue.current().gates,
  });
  for (let tries = 1; ; tries++) {
    const made = await posting.postsFor(wanted);
    if (made.posts.length === 0) return;
    const guards = [...(parts.fence?.() ?? []), ...made.guards];
    const rows = made.posts.map(doc => ({ table: 'post' as const, doc }));
    try {
      await parts.feed.commit({ guards, rows: [...rows, { table: 'cursor', name: cursorName, value: last.seq }] });
      return posting.remember(made.posts);
    } catch (error) {
      const overtaken = isCode(error, 'guard-failed') && error.at?.startsWith('post ') === true;
      if (!overtaken || tries >= mostTries) throw error;
    }
  }
}
