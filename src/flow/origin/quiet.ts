import type { Clock } from '../../kernel/clock.ts';
import { system } from '../../model/actor.ts';
import type { Alert } from '../../model/alert.ts';
import type { Catalogue } from '../../ports/catalogue.ts';
import { canAsk, timingOf } from '../../ports/source.ts';
import type { Store } from '../../ports/store.ts';
import type { Feed } from '../journal/feed.ts';
import { everyOf } from '../journal/pages.ts';

import { recordOfAlert } from './record.ts';

/** So many times the longest interval of repeats pass without news before an alert may be over. */
const intervals = 3;

/** At most once in so many milliseconds all live alerts are gone through. */
const every = 300_000;

/** Marks live alerts of which no news came for too long, where nobody can ask: they may be over. */
export interface QuietMarks {
  /** Goes through all live alerts, when it is time. */
  mark(): Promise<void>;
}

export function createQuietMarks(parts: { store: Store; feed: Feed; clock: Clock; catalogue: Catalogue }): QuietMarks {
  const { store, feed, clock, catalogue } = parts;
  let last: number | null = null;

  /** When its news is not trusted any more; infinite where it can be asked, and for a sender that repeats nothing. */
  function quietFrom(alert: Alert): number {
    const source = catalogue.current().sources.get(alert.source);
    if (source === undefined || canAsk(source)) return Number.POSITIVE_INFINITY;
    return alert.lastSeen + intervals * timingOf(source).repeatInterval;
  }

  return {
    async mark() {
      if (last !== null && clock.monotonic() - last < every) return;
      last = clock.monotonic();
      for await (const alert of everyOf(page => store.alerts({ ...page, state: 'firing' }))) {
        if (alert.quietSince !== null || quietFrom(alert) > clock.now()) continue;
        await recordOfAlert(
          alert.id,
          system,
          newest => {
            const since = quietFrom(newest);
            return newest.quietSince !== null || since > clock.now()
              ? null
              : { kind: 'alert.quiet', alert: newest.id, since };
          },
          { store, feed, now: clock.now },
        );
      }
    },
  };
}
