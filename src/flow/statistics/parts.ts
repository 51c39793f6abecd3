import type { Clock } from '../../kernel/clock.ts';
import type { Log } from '../../kernel/log.ts';
import type { Catalogue } from '../../ports/catalogue.ts';
import type { Store } from '../../ports/store.ts';
import type { Feed } from '../journal/feed.ts';

export interface StatisticsParts {
  feed: Feed;
  store: Store;
  catalogue: Pick<Catalogue, 'current'>;
  clock: Clock;
  log: Log;
}
