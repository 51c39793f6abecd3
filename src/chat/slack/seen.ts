import { messageOf } from '../../kernel/errors.ts';
import type { ChatHost } from '../../ports/chat.ts';

/** Deduplicates for a while: a redelivery does nothing, and a second click gets the answer of the first. */
export interface Seen<T> {
  /** What was kept under the key; `make` makes it when there is nothing yet. */
  once(key: string, make: () => T): { first: boolean; value: T };
}

export function createSeen<T>(options: { keep: number; most: number; monotonic(): number }): Seen<T> {
  const entries = new Map<string, { value: T; at: number }>();
  function sweep(now: number): void {
    // Entries are in the order of their time, so the old ones come first.
    for (const [key, { at }] of entries) {
      if (now - at < options.keep && entries.size < options.most) return;
      entries.delete(key);
    }
  }
  return {
    once(key, make) {
      const now = options.monotonic();
      sweep(now);
      const known = entries.get(key);
      if (known !== undefined) return { first: false, value: known.value };
      const value = make();
      entries.set(key, { value, at: now });
      return { first: true, value };
    },
  };
}

/** Deduplicates over all nodes and restarts, by a claim in the store. True while the store does not answer, as no act is possible then. */
export async function isFirst(key: string, keep: number, host: Pick<ChatHost, 'once' | 'log'>): Promise<boolean> {
  try {
    return await host.once(key, keep);
  } catch (error) {
    host.log.warn({ reason: messageOf(error) }, 'it cannot be told whether something from Slack was handled before');
    return true;
  }
}
