import type { Clock } from '../../kernel/clock.ts';
import type { Ids } from '../../kernel/ids.ts';
import type { Log } from '../../kernel/log.ts';
import type { Metrics } from '../../kernel/metrics.ts';
import type { Catalogue } from '../../ports/catalogue.ts';
import type { Store } from '../../ports/store.ts';
import type { Feed } from '../journal/feed.ts';
import type { Streams } from '../journal/streams.ts';
import type { Intake } from '../pipeline/intake.ts';

export interface ChangesParts {
  clock: Clock;
  ids: Ids;
  log: Log;
  metrics: Metrics;
  store: Store;
  feed: Feed;
  streams: Streams;
  catalogue: Pick<Catalogue, 'current'>;
  intake: Pick<Intake, 'emit'>;
}
