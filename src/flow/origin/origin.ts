/** The way back to where an alert came from: acknowledge, note, resolve and page, at the origin's pace. */

import type { Clock } from '../../kernel/clock.ts';
import type { Log } from '../../kernel/log.ts';
import type { Metrics } from '../../kernel/metrics.ts';
import type { Alert } from '../../model/alert.ts';
import type { Run } from '../../model/run.ts';
import type { Catalogue } from '../../ports/catalogue.ts';
import type { Store } from '../../ports/store.ts';
import type { Feed } from '../journal/feed.ts';
import type { Origin, Origins } from './origins.ts';
import { cursorOf, type RunningOutbox, startOutbox } from './outbox.ts';
import { tell } from './perform.ts';
import { type OutboxName, writeBacksOf } from './write-backs.ts';

/** Writes outcomes back to where alerts came from, and calls people; from the journal. One node does it at a time. */
export interface OriginService {
  /** Why an origin could not be told something, by source; null where all is well. */
  trouble(): Record<string, string | null>;
  /** Looks again at which origins there are: tocsin.yaml changed. */
  reload(): Promise<void>;
  stop(): Promise<void>;
}

export interface OriginParts {
  store: Store;
  feed: Feed;
  clock: Clock;
  metrics: Metrics;
  log: Log;
  catalogue: Catalogue;
  origins: Origins;
  links(run: Run, alert: Alert | null): Promise<readonly { label: string; url: string }[]>;
}

interface Place {
  origin: Origin;
  outbox: OutboxName;
  running: RunningOutbox;
}

export async function startOrigins(parts: OriginParts): Promise<OriginService> {
  let places = new Map<string, Place>();
  let turn: Promise<void> = Promise.resolve();

  async function apply(wanted: boolean): Promise<void> {
    const next: typeof places = new Map();
    for (const { origin, outbox } of wanted ? lanesOf(parts.origins.all()) : []) {
      const name = cursorOf(origin.source, outbox);
      const known = places.get(name);
      if (known?.origin.connection === origin.connection) {
        next.set(name, known);
        places.delete(name);
      }
    }
    for (const place of places.values()) await place.running.stop();
    for (const { origin, outbox } of wanted ? lanesOf(parts.origins.all()) : []) {
      const name = cursorOf(origin.source, outbox);
      if (!next.has(name)) next.set(name, await openPlace(origin, outbox, parts));
    }
    places = next;
  }

  function reload(wanted: boolean): Promise<void> {
    turn = turn
      .then(() => apply(wanted))
      .catch(error => parts.log.error({ err: error }, 'the origins could not be opened again'));
    return turn;
  }

  await apply(true);
  return {
    trouble() {
      const all = [...places.values()].map(({ origin, running }) => [origin.source, running.trouble()] as const);
      const told: Record<string, string | null> = {};
      for (const [source, trouble] of all) told[source] ??= trouble;
      return told;
    },
    reload: () => reload(true),
    stop: () => reload(false),
  };
}

function lanesOf(origins: readonly Origin[]): { origin: Origin; outbox: OutboxName }[] {
  return origins.flatMap(origin => [
    ...(tells(origin) ? [{ origin, outbox: 'tell' as const }] : []),
    ...(origin.connection.page === undefined ? [] : [{ origin, outbox: 'page' as const }]),
  ]);
}

function tells({ connection }: Origin): boolean {
  return (['acknowledge', 'note', 'resolve', 'recall', 'onCall'] as const).some(can => connection[can] !== undefined);
}

async function openPlace(origin: Origin, outbox: OutboxName, parts: OriginParts): Promise<Place> {
  const { source, connection, driver } = origin;
  await markStart(cursorOf(source, outbox), parts);
  const people = () => parts.catalogue.current().config.people;
  const running = await startOutbox({
    ...parts,
    source,
    outbox,
    perMinute: connection.perMinute[outbox],
    writeBacks: entry =>
      writeBacksOf(entry, outbox, {
        source,
        connection,
        store: parts.store,
        config: () => parts.catalogue.current().config,
        callsByItself: from => from === source || parts.origins.of(from)?.connection.recall !== undefined,
      }),
    tell: (writeBack, failures) => tell(writeBack, failures, { ...parts, source, connection, driver, people }),
  });
  return { origin, outbox, running };
}

/** An origin that is new is told what happens from now on, never the whole past. */
async function markStart(name: string, parts: OriginParts): Promise<void> {
  if ((await parts.store.cursor(name)) > 0) return;
  const { seq } = await parts.store.head();
  await parts.feed.commit({ rows: [{ table: 'cursor', name, value: seq + 1 }] });
}
