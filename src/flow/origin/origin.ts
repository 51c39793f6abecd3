/** Write-back to where an alert came from, as an outbox: acknowledge, note, resolve and page, within the origin's rate limit. */

import type { Clock } from '../../kernel/clock.ts';
import type { Log } from '../../kernel/log.ts';
import type { Metrics } from '../../kernel/metrics.ts';
import type { Alert } from '../../model/alert.ts';
import type { Run } from '../../model/run.ts';
import type { Catalogue } from '../../ports/catalogue.ts';
import type { OriginConnection } from '../../ports/origin.ts';
import type { Store } from '../../ports/store.ts';
import type { Feed } from '../journal/feed.ts';
import type { Origin, Origins } from './origins.ts';
import { cursorOf, type RunningOutbox, startOutbox } from './outbox.ts';
import { perform } from './perform.ts';
import { type OutboxName, writeBacksOf } from './write-backs.ts';

/** Writes outcomes back to where alerts came from, and pages people. It follows the journal, on one node at a time. */
export interface OriginService {
  /** Why the last write-back failed, by source; null where all is well. */
  trouble(): Record<string, string | null>;
  /** Reads the list of origins again, after tocsin.yaml changed. */
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
  links(run: Run | null, alert: Alert | null): Promise<readonly { label: string; url: string }[]>;
}

interface OpenOutbox {
  origin: Origin;
  outbox: OutboxName;
  running: RunningOutbox;
}

export async function startOrigins(parts: OriginParts): Promise<OriginService> {
  let opened = new Map<string, OpenOutbox>();
  let turn: Promise<void> = Promise.resolve();

  async function apply(wanted: boolean): Promise<void> {
    const next: typeof opened = new Map();
    for (const { origin, outbox } of wanted ? outboxesOf(parts.origins.all()) : []) {
      const name = cursorOf(origin.source, outbox);
      const known = opened.get(name);
      if (known?.origin.connection === origin.connection) {
        next.set(name, known);
        opened.delete(name);
      }
    }
    for (const one of opened.values()) await one.running.stop();
    for (const { origin, outbox } of wanted ? outboxesOf(parts.origins.all()) : []) {
      const name = cursorOf(origin.source, outbox);
      if (!next.has(name)) next.set(name, await openOutbox(origin, outbox, parts));
    }
    opened = next;
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
      const all = [...opened.values()].map(({ origin, running }) => [origin.source, running.trouble()] as const);
      const troubles: Record<string, string | null> = {};
      for (const [source, trouble] of all) troubles[source] ??= trouble;
      return troubles;
    },
    reload: () => reload(true),
    stop: () => reload(false),
  };
}

function outboxesOf(origins: readonly Origin[]): { origin: Origin; outbox: OutboxName }[] {
  return origins.flatMap(origin => [
    ...(writesBack(origin) ? [{ origin, outbox: 'tell' as const }] : []),
    ...(origin.connection.page === undefined ? [] : [{ origin, outbox: 'page' as const }]),
    ...(origin.connection.ticket === undefined ? [] : [{ origin, outbox: 'ticket' as const }]),
  ]);
}

function writesBack({ connection }: Origin): boolean {
  return (['acknowledge', 'note', 'resolve', 'recall', 'onCall', 'silence', 'report'] as const).some(
    can => connection[can] !== undefined,
  );
}

async function openOutbox(origin: Origin, outbox: OutboxName, parts: OriginParts): Promise<OpenOutbox> {
  const { source, connection, driver } = origin;
  await markStart(cursorOf(source, outbox), parts);
  const people = () => parts.catalogue.current().config.people;
  const running = await startOutbox({
    ...parts,
    source,
    outbox,
    perMinute: connection.perMinute[outbox === 'page' ? 'page' : 'tell'],
    writeBacks: entry =>
      writeBacksOf(entry, outbox, {
        source,
        connection,
        store: parts.store,
        config: () => parts.catalogue.current().config,
        glassPages: () => parts.catalogue.current().changes.breakGlass?.pages ?? null,
        callsByItself: from => from === source || callsPeople(parts.origins.of(from)?.connection),
      }),
    perform: (writeBack, failures) => perform(writeBack, failures, { ...parts, source, connection, driver, people }),
  });
  return { origin, outbox, running };
}

function callsPeople(connection: OriginConnection | undefined): boolean {
  return connection?.recall !== undefined && connection.notifiesLater !== true;
}

/** A new origin gets write-backs from now on, never for the whole past. */
async function markStart(name: string, parts: OriginParts): Promise<void> {
  if ((await parts.store.cursor(name)) > 0) return;
  const { seq } = await parts.store.head();
  await parts.feed.commit({ rows: [{ table: 'cursor', name, value: seq + 1 }] });
}
