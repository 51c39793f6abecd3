/** Statistics of alerts, runs and people, counted from the journal as it grows, and the digest of a week. */

import { startDigest } from './digest.ts';
import { countedKinds, foldEntry } from './fold.ts';
import type { StatisticsParts } from './parts.ts';
import { createWorkingSet } from './working-set.ts';

const cursorName = 'statistics';

/**
 * Follows the journal and adds what it says to the week in which it happened, in one transaction with the cursor: each entry is counted
 * once, whatever stops in between. The first start of a build that has it counts what the journal held before.
 */
export async function startStatistics(parts: StatisticsParts): Promise<{ stop(): Promise<void> }> {
  const { feed, store, catalogue, clock } = parts;
  const following = feed.follow({
    name: cursorName,
    after: await store.cursor(cursorName),
    batch: 512,
    kinds: countedKinds,
    // Figures are looked at by people, and a storm changes the same few documents again and again.
    rest: { after: 1, ms: 2000 },
    async handle(entries, upTo) {
      const set = createWorkingSet(store, catalogue.current().config.timezone);
      for (const entry of entries) await foldEntry(entry, set, store);
      await feed.commit({ rows: [...set.rows(clock.now()), { table: 'cursor', name: cursorName, value: upTo }] });
    },
  });
  const end = new AbortController();
  const stopped = new Promise<false>(resolve => end.signal.addEventListener('abort', () => resolve(false)));
  const telling = startDigest(parts, () => Promise.race([following.caughtUp().then(() => true), stopped]));
  return {
    async stop() {
      end.abort();
      await telling.stop();
      await following.stop();
    },
  };
}
