import type { Clock } from '../../kernel/clock.ts';
import type { Ids } from '../../kernel/ids.ts';
import type { Log } from '../../kernel/log.ts';
import type { Metrics } from '../../kernel/metrics.ts';
import type { Evidence } from '../../model/gates/evidence.ts';
import type { BadMatch } from '../../model/gates/known-bad.ts';
import type { Subject } from '../../model/gates/subject.ts';
import type { Catalogue } from '../../ports/catalogue.ts';
import type { Store } from '../../ports/store.ts';
import type { Feed } from '../journal/feed.ts';
import type { Streams } from '../journal/streams.ts';

/** What is known to be bad now. */
export interface KnownBadList {
  /** The entries that hold for the subject, or for what its evidence says that it is made of. */
  match(subject: Subject, evidence: Evidence): Promise<readonly BadMatch[]>;
}

export interface GateParts {
  clock: Clock;
  ids: Ids;
  log: Log;
  metrics: Metrics;
  store: Store;
  feed: Feed;
  streams: Streams;
  catalogue: Pick<Catalogue, 'current'>;
  knownBad: KnownBadList;
}
