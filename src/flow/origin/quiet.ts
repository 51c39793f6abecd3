import type { Clock } from '../../kernel/clock.ts';
import { showDuration } from '../../kernel/duration.ts';
import { system } from '../../model/actor.ts';
import { type Alert, awaitsFirst } from '../../model/alert.ts';
import type { IncomingAlert } from '../../model/event.ts';
import type { Catalogue } from '../../ports/catalogue.ts';
import { canAsk, timingOf } from '../../ports/source.ts';
import type { Store } from '../../ports/store.ts';
import type { Feed } from '../journal/feed.ts';
import { everyOf } from '../journal/pages.ts';
import type { Intake } from '../pipeline/intake.ts';
import { resolveOf } from './compare.ts';
import { recordOfAlert } from './record.ts';

/** So many times the longest interval of repeats pass without news before an alert may be over. */
const intervals = 3;

/** At most once in so many milliseconds all live alerts are gone through. */
const every = 300_000;

/** Goes through live alerts of which no news came for too long: they may be over, or are where their sender tells no end. */
export interface QuietMarks {
  /** Goes through all live alerts, when it is time. */
  mark(): Promise<void>;
}

export interface QuietParts {
  store: Store;
  feed: Feed;
  clock: Clock;
  catalogue: Catalogue;
  intake: Pick<Intake, 'emit'>;
}

export function createQuietMarks(parts: QuietParts): QuietMarks {
  const { store, feed, clock, catalogue } = parts;
  let last: number | null = null;

  const sourceOf = (alert: Alert) => catalogue.current().sources.get(alert.source);

  /** When its news is not trusted any more; infinite where it can be asked, and for a sender that repeats nothing. */
  function quietFrom(alert: Alert): number {
    const source = sourceOf(alert);
    if (source === undefined || canAsk(source)) return Number.POSITIVE_INFINITY;
    return alert.lastSeen + intervals * timingOf(source).repeatInterval;
  }

  /** Ends a stretch whose sender tells no end, once no news of it came for the time of its source. Resolves to true when it is over. */
  async function endIfOver(alert: Alert): Promise<boolean> {
    const source = sourceOf(alert);
    const after = source === undefined ? undefined : timingOf(source).endsAfter;
    if (after === undefined || awaitsFirst(alert) || alert.lastSeen + after > clock.now()) return false;
    const because = `no news of it came for ${showDuration(after)}, and ${alert.source} told no end`;
    await parts.intake.emit(
      alert.source,
      [endOf(alert, after)],
      `quiet/${alert.id}/${alert.episode}/${alert.lastSeen}`,
      new Map([[alert.fingerprint, { how: 'expired', because }]]),
      [],
      { trusted: alert.trusted, raw: null },
    );
    return true;
  }

  async function markIfQuiet(alert: Alert): Promise<void> {
    if (alert.quietSince !== null || quietFrom(alert) > clock.now()) return;
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

  return {
    async mark() {
      if (last !== null && clock.monotonic() - last < every) return;
      last = clock.monotonic();
      for await (const alert of everyOf(page => store.alerts({ ...page, state: 'firing' })))
        if (!(await endIfOver(alert))) await markIfQuiet(alert);
    },
  };
}

/**
 * The end of a stretch that nobody tells. News that came since this alert was read is newer than it (`occurredAt`, `newsAt`), so that it
 * then ends nothing.
 */
function endOf(alert: Alert, after: number): IncomingAlert {
  return {
    ...resolveOf(alert, alert.lastSeen + after),
    occurredAt: alert.lastSeen,
    ...(alert.newsAt === null ? {} : { newsAt: alert.newsAt }),
  };
}
