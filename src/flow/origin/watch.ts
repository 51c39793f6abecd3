import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../kernel/clock.ts';
import { messageOf } from '../../kernel/errors.ts';
import type { Log } from '../../kernel/log.ts';
import type { Alert } from '../../model/alert.ts';
import type { Sight } from '../../model/look.ts';
import type { Catalogue } from '../../ports/catalogue.ts';
import type { Listing } from '../../ports/source.ts';
import type { Store } from '../../ports/store.ts';
import type { Feed } from '../journal/feed.ts';
import { createOnceLogger } from '../journal/log-once.ts';
import { everyOf } from '../journal/pages.ts';
import type { Looks } from './looks.ts';

/**
 * Looks at the origin of every alert that a run or an open approval is about, at most 30 s apart, where alerts expire, and keeps until when
 * it is held for firing. Without such a look nobody could tell later whether a resolve was a cure or an expiry.
 */
export interface WatchParts {
  store: Store;
  feed: Feed;
  looks: Looks;
  catalogue: Catalogue;
  clock: Clock;
  log: Log;
}

/** Milliseconds between two rounds, and the age from which a look is repeated: together below the 30 s between two looks. */
const every = 10_000;
const oldEnough = 14_000;
/** How many alerts of one source are asked one by one; more are read from its list. */
const few = 20;
/** How many questions are under way at one time. */
const together = 4;
const listTimeout = 15_000;

export interface Watch {
  stop(): Promise<void>;
}

export async function startWatch(parts: WatchParts): Promise<Watch> {
  const end = new AbortController();
  const asked = new Map<string, number>();
  const { seq } = await parts.store.head();

  /** A run that just began is looked at once, at once: it may be over before the next round. */
  const following = parts.feed.follow({
    name: 'looks',
    after: seq,
    batch: 256,
    kinds: ['run.created'],
    async handle(entries) {
      const ids = entries.flatMap(({ fact }) =>
        fact.kind === 'run.created' && fact.run.alert !== null ? [fact.run.alert] : [],
      );
      await lookAtAll(await alertsOf(new Set(ids), parts), asked, parts);
    },
  });

  const onceLogger = createOnceLogger(parts.log, {}, 'the alerts of runs could not be looked at and are tried again');
  const round = async () => lookAtAll(await alertsOf(await watched(parts.store), parts), asked, parts);

  async function loop(): Promise<void> {
    while (!end.signal.aborted) {
      await parts.clock.sleep(every, end.signal).catch(() => {});
      if (end.signal.aborted) return;
      await round().then(onceLogger.well, error => onceLogger.failed(error));
    }
  }

  const ended = loop();
  return {
    async stop() {
      end.abort(new Error('stopped'));
      await following.stop();
      await ended;
    },
  };
}

/** The alerts of all runs that are not over. A run that waits for its approval is one of them. */
async function watched(store: Store): Promise<Set<string>> {
  const found = new Set<string>();
  for await (const run of everyOf(page => store.runs({ ...page, states: ['waiting', 'queued', 'running', 'asking'] })))
    if (run.alert !== null) found.add(run.alert);
  return found;
}

async function alertsOf(ids: ReadonlySet<string>, { store, looks }: WatchParts): Promise<Alert[]> {
  const found: Alert[] = [];
  for (const id of ids) {
    const alert = await store.alert(id);
    if (alert !== null && alert.state !== 'resolved' && looks.expires(alert.source)) found.push(alert);
  }
  return found;
}

async function lookAtAll(alerts: readonly Alert[], asked: Map<string, number>, parts: WatchParts): Promise<void> {
  const now = parts.clock.monotonic();
  for (const [id, at] of asked) if (now - at > 10 * every) asked.delete(id);
  const due = alerts.filter(alert => now - (asked.get(alert.id) ?? Number.NEGATIVE_INFINITY) >= oldEnough);
  for (const alert of due) asked.set(alert.id, now);
  for (const [source, own] of Map.groupBy(due, alert => alert.source)) {
    if (own.length > few && (await lookAtList(source, own, parts))) continue;
    await inParallel(own, alert => parts.looks.look(alert));
  }
}

/** False when the source has no list. A list that proves nothing, or cannot be read, leaves what is known as it is. */
async function lookAtList(source: string, alerts: readonly Alert[], parts: WatchParts): Promise<boolean> {
  const configured = parts.catalogue.current().sources.get(source);
  if (configured?.driver.listFiring === undefined) return false;
  const tools = { fetch, signal: AbortSignal.timeout(listTimeout), clock: parts.clock };
  const listing = await configured.driver.listFiring(configured.options, tools).catch(error => {
    parts.log.warn({ source, reason: messageOf(error) }, 'the list of what fires could not be read');
    return null;
  });
  if (listing?.ok !== true) return true;
  const sights = sightsOf(listing);
  await inParallel(alerts, async alert => {
    await nextTurn();
    await parts.looks.keep(alert.id, sights.get(alert.fingerprint) ?? { state: 'gone', at: listing.at });
  });
  return true;
}

function sightsOf({ at, alerts }: Extract<Listing, { ok: true }>): Map<string, Sight> {
  return new Map(alerts.map(({ event, endsAt }) => [event.fingerprint, { state: 'firing', at, endsAt }]));
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const left = [...items];
  const lanes = Array.from({ length: together }, async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
  });
  await Promise.all(lanes);
}
