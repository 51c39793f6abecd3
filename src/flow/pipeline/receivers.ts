import type { Clock } from '../../kernel/clock.ts';
import { isCode } from '../../kernel/errors.ts';
import { keyOf } from '../../model/incoming.ts';
import type { Guard, Store } from '../../ports/store.ts';
import type { Feed } from '../journal/feed.ts';
import { failedGuard } from '../journal/streams.ts';

/** The receivers of an origin through which proven deliveries came: alerts that it lists for one of them are ours. */
export interface Receivers {
  /** Keeps a name for good: two commits for each new one. */
  keep(source: string, receiver: string): Promise<void>;
  known(source: string, receiver: string): Promise<boolean>;
  /** True when at least one name was kept. */
  any(source: string): Promise<boolean>;
}

/** How many names are remembered, so that the store is not asked for each delivery. */
const most = 1000;

export function createReceivers({ store, feed, clock }: { store: Store; feed: Feed; clock: Clock }): Receivers {
  const seen = new Set<string>();

  function remember(source: string, receiver: string): void {
    if (seen.size >= most) seen.clear();
    seen.add(`${source}\n${receiver}`);
  }

  async function known(source: string, receiver: string): Promise<boolean> {
    if (seen.has(`${source}\n${receiver}`)) return true;
    if (!(await store.claimed(nameOf(source, receiver)))) return false;
    remember(source, receiver);
    return true;
  }

  async function claim(name: Name): Promise<void> {
    const guard: Guard = { kind: 'claim', ...name, at: clock.now(), keep: null };
    try {
      await feed.commit({ guards: [guard] });
    } catch (error) {
      // It was kept before, or another delivery did it in the same moment.
      if (!isCode(error, 'guard-failed') || failedGuard(error) !== 'claim') throw error;
    }
  }

  return {
    known,
    any: source => store.claimed(anyOf(source)),
    async keep(source, receiver) {
      if (await known(source, receiver)) return;
      await claim(anyOf(source));
      await claim(nameOf(source, receiver));
      remember(source, receiver);
    },
  };
}

type Name = Parameters<Store['claimed']>[0];

function anyOf(source: string): Name {
  return { space: 'receivers', key: keyOf(source) };
}

function nameOf(source: string, receiver: string): Name {
  return { space: `receiver/${source}`, key: keyOf(receiver) };
}
