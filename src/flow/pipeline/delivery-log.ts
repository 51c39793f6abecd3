import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../kernel/clock.ts';
import { messageOf } from '../../kernel/errors.ts';
import type { Ids } from '../../kernel/ids.ts';
import type { Log } from '../../kernel/log.ts';
import { createMinuteLimit } from '../../kernel/minute-limit.ts';
import {
  type DeliveredEvent,
  type DeliveryOutcome,
  type DeliveryRecord,
  type DeliveryRing,
  mostNamedEvents,
  ringSize,
} from '../../model/delivery.ts';
import type { Row } from '../../ports/store.ts';
import type { Feed } from '../journal/feed.ts';
import type { TakenReport } from './intake.ts';

/** What became of one delivery to a source of tocsin.yaml. */
export interface SeenDelivery {
  source: string;
  /** The client's address; null for a test of our own. */
  address: string | null;
  /** Of the body as it arrived; null when it was not read. */
  bytes: number | null;
  /** The sender proved itself. */
  proven: boolean;
  outcome: DeliveryOutcome;
}

/**
 * Keeps what became of the last deliveries to each source, for its page, and counts them. It costs a delivery nothing but memory: rows are
 * committed at most once a second, and the newest replace older ones, so a crash may lose the last second. A store that fails loses rows.
 */
export interface DeliveryLog {
  /** Returns at once. */
  seen(one: SeenDelivery): void;
  /** Resolves when what was seen is committed. Never rejects. */
  settled(): Promise<void>;
}

/** Between two commits, milliseconds. */
const pause = 1000;
/**
 * How many new causes of refusals get a row of their own within a minute, for each source. Strangers can come from any number of
 * addresses; the rest share a row for each code.
 */
const mostNewCauses = 10;
/** Refusals that say nothing about the delivery are only counted. */
const notAboutIt = ['overloaded', 'draining', 'store-failed'];

/** What was seen of one source and is not committed yet. */
interface Pending {
  accepted: Record<DeliveryRing, DeliveryRecord[]>;
  refused: Map<string, DeliveryRecord>;
  counts: Map<string, { count: number; at: number }>;
}

export function createDeliveryLog(parts: {
  clock: Pick<Clock, 'now' | 'monotonic' | 'sleep'>;
  ids: Ids;
  log: Log;
  feed: Pick<Feed, 'commit'>;
}): DeliveryLog {
  const { clock, ids } = parts;
  const causes = createCauses(clock);
  let pending = new Map<string, Pending>();
  let working: Promise<void> | null = null;
  let resting: AbortController | null = null;
  let ending = false;

  function add({ source, address, bytes, proven, outcome }: SeenDelivery): void {
    const at = clock.now();
    const of = pending.get(source) ?? emptyPending();
    pending.set(source, of);
    for (const [what, count] of countsOf(outcome)) {
      of.counts.set(what, { count: (of.counts.get(what)?.count ?? 0) + count, at });
    }
    const common = { source, at, first: at, count: 1, address, bytes, outcome };
    if (outcome.what === 'accepted') {
      const ring = proven ? 'proven' : 'unproven';
      const rows = of.accepted[ring];
      const named = { ...outcome, events: outcome.events.slice(0, mostNamedEvents) };
      rows.push({ ...common, ring, id: ids.next('dlv'), outcome: named });
      if (rows.length > ringSize[ring]) rows.shift();
    } else if (!notAboutIt.includes(outcome.code)) {
      const ring = proven ? 'proven' : 'stranger';
      const own = causes.has(source, ring, causeOf(outcome, address));
      const id = own ? causeOf(outcome, address) : `${outcome.code} from other addresses`;
      const known = of.refused.get(`${ring} ${id}`);
      const row = { ...common, ring, id, address: own ? address : null } as const;
      of.refused.set(
        `${ring} ${id}`,
        known === undefined ? row : { ...row, first: known.first, count: known.count + 1 },
      );
    }
  }

  async function flush(): Promise<void> {
    const taken = pending;
    pending = new Map();
    const rows = [...taken].flatMap(([source, of]) => rowsOf(source, of));
    await parts.feed.commit({ rows }).catch(error => {
      parts.log.warn({ rows: rows.length, because: messageOf(error) }, 'what became of deliveries could not be kept');
    });
  }

  async function work(): Promise<void> {
    while (pending.size > 0) {
      await nextTurn();
      await flush();
      if (ending) continue;
      resting = new AbortController();
      await clock.sleep(pause, resting.signal).catch(() => {});
      resting = null;
    }
  }

  return {
    seen(one) {
      add(one);
      working ??= work().finally(() => {
        working = null;
      });
    },
    async settled() {
      ending = true;
      resting?.abort();
      while (working !== null) await working;
      ending = false;
    },
  };
}

function emptyPending(): Pending {
  return { accepted: { proven: [], unproven: [], stranger: [] }, refused: new Map(), counts: new Map() };
}

function rowsOf(source: string, { accepted, refused, counts }: Pending): Row[] {
  const docs = [...Object.values(accepted).flat(), ...refused.values()];
  return [
    ...docs.map(doc => ({ table: 'delivery' as const, doc })),
    ...[...counts].map(([what, { count, at }]) => ({
      table: 'delivery_count' as const,
      doc: { source, what, count, at },
    })),
  ];
}

/** What makes two refusals one row. Numbers in the place do not: one field of all elements of a list is one cause. */
function causeOf({ code, at, because }: Extract<DeliveryOutcome, { what: 'refused' }>, address: string | null): string {
  const place = (at ?? '').replace(/\d+/g, '#');
  return [code, place, because.replace(/\d+/g, '#').slice(0, 100), address ?? ''].join(' | ');
}

/** Which causes have a row of their own: those of the last rows, and some new ones a minute. */
function createCauses(clock: Pick<Clock, 'monotonic'>) {
  const rings = new Map<string, { known: Set<string>; admit: (cause: string) => boolean }>();
  return {
    has(source: string, ring: DeliveryRing, cause: string): boolean {
      const key = `${ring} ${source}`;
      const of = rings.get(key) ?? { known: new Set(), admit: createMinuteLimit(clock, mostNewCauses) };
      rings.set(key, of);
      const admitted = of.known.delete(cause) || of.admit(cause);
      if (admitted) of.known.add(cause);
      // The oldest is the first.
      const [oldest] = of.known;
      if (of.known.size > ringSize[ring] && oldest !== undefined) of.known.delete(oldest);
      return admitted;
    },
  };
}

function countsOf(outcome: DeliveryOutcome): [string, number][] {
  if (outcome.what === 'refused') return [[`refused/${outcome.code}`, 1]];
  if (outcome.test) return [['test', 1]];
  const { events, echo, total } = outcome;
  const duplicates = events.filter(event => event.duplicate).length;
  const counts: [string, number][] = [
    ['accepted', 1],
    ['events', total],
    ['duplicate', duplicates],
    ['stale', events.filter(event => event.effect === 'stale').length],
    ['notice', events.filter(event => event.kind === 'notice' && !event.duplicate).length],
    ['echo', echo === null ? 0 : 1],
  ];
  return counts.filter(([, count]) => count > 0);
}

/** The outcome of an accepted delivery. The counts need all its events; a row names the first. */
export function acceptedOutcome(
  { events, echo }: Pick<TakenReport, 'events' | 'echo'>,
  test: boolean,
): Extract<DeliveryOutcome, { what: 'accepted' }> {
  return { what: 'accepted', events: events.map(eventOf), total: events.length, echo, test };
}

function eventOf({ event, kind, alert, episode, effect, duplicate }: DeliveredEvent): DeliveredEvent {
  return { event, kind, alert, episode, effect, duplicate };
}
