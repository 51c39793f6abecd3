import type { Clock } from '../../kernel/clock.ts';
import type { Log } from '../../kernel/log.ts';
import { system } from '../../model/actor.ts';
import { lapseOf, lapsesAt } from '../../model/alert-acts.ts';
import type { FactKind } from '../../model/journal.ts';
import type { Store } from '../../ports/store.ts';
import type { Feed } from '../journal/feed.ts';
import { everyOf } from '../journal/pages.ts';
import { startRounds } from '../journal/rounds.ts';
import { changeAlert } from './change-alert.ts';

export interface LapseParts {
  store: Pick<Store, 'alert' | 'alerts' | 'head'>;
  feed: Feed;
  clock: Clock;
  log: Log;
}

export interface Lapses {
  /** Ends what is over now. */
  sweep(): Promise<void>;
  stop(): Promise<void>;
}

/** Milliseconds between two looks at the times in memory; the store is read only for what is due. */
const every = 1000;

const kinds: readonly FactKind[] = ['alert.acknowledged', 'alert.unacknowledged', 'alert.silenced', 'alert.unsilenced'];

/**
 * Ends acknowledgements and silences whose time is over, as the system: the journal and the thread say so. The times are in memory. They
 * are read once from the alerts that fire or are silenced, and then follow from the journal, whichever node an act came through.
 */
export async function startLapses(parts: LapseParts): Promise<Lapses> {
  const { store, feed, clock } = parts;
  const due = new Map<string, number>();
  const note = async (id: string) => {
    const alert = await store.alert(id);
    const at = alert === null ? null : lapsesAt(alert);
    if (at === null) due.delete(id);
    else due.set(id, at);
  };
  // First the head, then the alerts: what is committed between the two is found by the follower.
  const { seq } = await store.head();
  for (const state of ['firing', 'silenced'] as const) {
    for await (const alert of everyOf(page => store.alerts({ ...page, state }))) {
      const at = lapsesAt(alert);
      if (at !== null) due.set(alert.id, at);
    }
  }
  const following = feed.follow({
    name: 'lapses',
    after: seq,
    kinds,
    batch: 256,
    async handle(entries) {
      for (const { fact } of entries) if ('alert' in fact && typeof fact.alert === 'string') await note(fact.alert);
    },
  });

  async function sweep(): Promise<void> {
    const now = clock.now();
    for (const [id, at] of due) {
      if (at > now) continue;
      await changeAlert(system, id, parts, alert => lapseOf(alert, now));
      await note(id);
    }
  }

  const again = 'silences that are over were not ended, and will be';
  const rounds = startRounds(sweep, { clock, log: parts.log, every, again });
  return {
    sweep,
    async stop() {
      await rounds.stop();
      await following.stop();
    },
  };
}
