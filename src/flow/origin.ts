import type { Clock } from '../kernel/clock.ts';
import type { Log } from '../kernel/log.ts';
import type { Alert } from '../model/alert.ts';
import type { Run } from '../model/run.ts';
import type { Catalogue } from '../ports/catalogue.ts';
import type { Store } from '../ports/store.ts';
import type { Feed } from './feed.ts';
import { holdLease } from './hold-lease.ts';
import { cursorOf, type RunningLane, startLane } from './origin-lane.ts';
import { tell } from './origin-perform.ts';
import { type Lane, tellingsOf } from './origin-tellings.ts';
import type { Origin, Origins } from './origins.ts';

/** Writes outcomes back to where alerts came from, and calls people; from the journal, on one node. */
export interface OriginService {
  /** Why an origin could not be told something, by source; null where all is well. */
  trouble(): Record<string, string | null>;
  /** Looks again at which origins there are: tocsin.yaml changed. */
  reload(): Promise<void>;
  /** Resolves when everything is told that followed from the journal so far. */
  settled(): Promise<void>;
  stop(): Promise<void>;
}

export interface OriginParts {
  store: Store;
  feed: Feed;
  clock: Clock;
  log: Log;
  catalogue: Catalogue;
  origins: Origins;
  /** Names this process in leases. */
  holder: string;
  links(run: Run, alert: Alert | null): Promise<readonly { label: string; url: string }[]>;
}

/** A node that is gone is replaced within this time, milliseconds. */
const ttl = 15_000;

/** How long what is under way may take when the process stops, milliseconds. */
const grace = 3000;

interface Place {
  origin: Origin;
  lane: Lane;
  running: RunningLane | null;
  stop(): Promise<void>;
}

export async function startOrigins(parts: OriginParts): Promise<OriginService> {
  let places = new Map<string, Place>();
  let turn: Promise<void> = Promise.resolve();

  async function apply(wanted: boolean): Promise<void> {
    const next: typeof places = new Map();
    for (const { origin, lane } of wanted ? lanesOf(parts.origins.all()) : []) {
      const name = cursorOf(origin.source, lane);
      const known = places.get(name);
      if (known?.origin.connection === origin.connection) {
        next.set(name, known);
        places.delete(name);
      }
    }
    for (const place of places.values()) await place.stop();
    for (const { origin, lane } of wanted ? lanesOf(parts.origins.all()) : []) {
      const name = cursorOf(origin.source, lane);
      if (!next.has(name)) next.set(name, await openPlace(origin, lane, parts));
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
      const all = [...places.values()].map(
        ({ origin, running }) => [origin.source, running?.trouble() ?? null] as const,
      );
      const told: Record<string, string | null> = {};
      for (const [source, trouble] of all) told[source] ??= trouble;
      return told;
    },
    reload: () => reload(true),
    async settled() {
      await Promise.all([...places.values()].map(place => place.running?.settled()));
    },
    async stop() {
      const stopping = reload(false);
      // What is under way may end, for a moment; what hangs is told again after the next start.
      await Promise.race([stopping, parts.clock.sleep(grace)]);
      await parts.origins.close();
      await stopping;
    },
  };
}

function lanesOf(origins: readonly Origin[]): { origin: Origin; lane: Lane }[] {
  return origins.flatMap(origin => [
    ...(tells(origin) ? [{ origin, lane: 'tell' as const }] : []),
    ...(origin.connection.page === undefined ? [] : [{ origin, lane: 'page' as const }]),
  ]);
}

function tells({ connection }: Origin): boolean {
  return (['acknowledge', 'note', 'resolve', 'recall', 'onCall'] as const).some(can => connection[can] !== undefined);
}

/** Resolves when the lane has begun, or when another node has it. */
async function openPlace(origin: Origin, lane: Lane, parts: OriginParts): Promise<Place> {
  const { source, connection } = origin;
  const name = cursorOf(source, lane);
  const begun = Promise.withResolvers<void>();
  const place: Place = { origin, lane, running: null, stop: async () => {} };
  await markStart(name, parts);
  const tellParts = {
    connection,
    driver: origin.driver,
    people: () => parts.catalogue.current().config.people,
    store: parts.store,
    clock: parts.clock,
    links: parts.links,
  };
  const held = holdLease({
    ...parts,
    name,
    ttl,
    async work(token, signal) {
      const running = await startLane({
        ...parts,
        source,
        lane,
        perMinute: connection.perMinute[lane],
        lease: { name, token },
        tellings: entry =>
          tellingsOf(entry, lane, {
            source,
            connection,
            store: parts.store,
            config: () => parts.catalogue.current().config,
            callsByItself: from => from === source || parts.origins.of(from)?.connection.recall !== undefined,
          }),
        tell: (telling, failures) => tell(telling, failures, { ...tellParts, source }),
      });
      place.running = running;
      begun.resolve();
      await new Promise<void>(resolve => {
        if (signal.aborted) resolve();
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
      place.running = null;
      await running.stop();
    },
  });
  place.stop = () => held.stop();
  await Promise.race([begun.promise, parts.clock.sleep(0)]);
  return place;
}

/** An origin that is new is told what happens from now on, never the whole past. */
async function markStart(name: string, parts: OriginParts): Promise<void> {
  if ((await parts.store.cursor(name)) > 0) return;
  const { seq } = await parts.store.head();
  await parts.feed.commit({ rows: [{ table: 'cursor', name, value: seq + 1 }] });
}
