import type { Alert } from '../../../model/alert.ts';
import type { Card } from '../../../model/card.ts';
import type { Config } from '../../../model/config.ts';
import type { Event } from '../../../model/event.ts';
import type { Entry } from '../../../model/journal.ts';
import type { Run } from '../../../model/run.ts';
import type { BreakGlassSpec, GateSpec } from '../../../ports/catalogue.ts';
import type { StepOutline } from '../../../ports/runbook.ts';
import type { Store } from '../../../ports/store.ts';
import type { Docs } from '../../journal/recent-docs.ts';
import type { Beforehand } from '../beforehand/look.ts';
import type { CardTools } from '../cards/cards.ts';

/** One post that follows from the journal, before it is known where it goes and whether it changes anything. */
export interface Wanted extends Place {
  key: string;
  order: number;
  at: number;
  /** Null when nothing is posted where it is not shown yet. */
  render(): Promise<Card | null>;
  run: string | null;
  /** True when no further change of it is expected. */
  over: boolean;
  /** Makes the card of the one that is shown, where one is. */
  alter?(shown: Card): Card;
  /** True when it did not change, and is only wanted where it is not shown yet. */
  unchanged?: boolean;
}

/** Where a subject is shown. */
export interface Place {
  /** The key of the root whose thread it is in; null when it is a root itself. */
  thread: string | null;
  /** The alert that the thread is about; null for a thread without one. */
  alert: Alert | null;
  /** The event that it came from, for the routes; null where it is not known. */
  event: Event | null;
  /** The channels of its thread, as `platform:channel`; those of the routes when left out or empty. */
  to?: readonly string[];
}

export interface DraftParts {
  store: Docs & Pick<Store, 'alertOf' | 'stream' | 'runs' | 'approvals' | 'document'>;
  cards: CardTools;
  config(): Config;
  gates(): ReadonlyMap<string, Pick<GateSpec, 'to'>>;
  glass(): Pick<BreakGlassSpec, 'to' | 'mention'> | null;
  /** Where the console is reachable, for links. */
  baseUrl(): string;
  outline(run: Run): Promise<readonly StepOutline[]>;
  beforehand: Beforehand;
}

export interface DraftContext {
  parts: DraftParts;
  want(one: Omit<Wanted, 'order' | 'at'>, entry: Entry): void;
}
