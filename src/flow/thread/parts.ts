import type { KeyedMutex } from '../../kernel/mutex.ts';
import type { Run } from '../../model/run.ts';
import type { Catalogue } from '../../ports/catalogue.ts';
import type { ChatCapabilities } from '../../ports/chat.ts';
import type { StepOutline } from '../../ports/runbook.ts';
import type { Guard, Store } from '../../ports/store.ts';
import type { Feed } from '../journal/feed.ts';
import type { Docs } from '../journal/recent-docs.ts';
import type { Beforehand } from './beforehand/look.ts';
import type { CardTools } from './cards/cards.ts';

/** The dependencies of the projection of threads. */
export interface ThreadParts {
  store: Store;
  /** Where documents are read. */
  docs: Docs;
  feed: Feed;
  catalogue: Catalogue;
  mutex: KeyedMutex;
  cards: CardTools;
  /** The platforms that are on, and what each of them can do. */
  platforms(): ReadonlyMap<string, ChatCapabilities>;
  /** The plan's steps, from its snapshot. */
  outline(run: Run): Promise<readonly StepOutline[]>;
  /** Completes cards of approvals by what there is to know before one presses. */
  beforehand: Beforehand;
  /** Where the console is reachable, for links. */
  baseUrl(): string;
  /** Guards of every commit, for example the lease of the one node that projects. */
  fence?(): readonly Guard[];
}

/** Posts are read, changed and written under this key, by the projection and by the delivery. */
export const postsLock = 'posts';
