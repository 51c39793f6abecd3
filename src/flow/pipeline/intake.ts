import type { Clock } from '../../kernel/clock.ts';
import { isCode, notProven, TocsinError } from '../../kernel/errors.ts';
import type { Ids } from '../../kernel/ids.ts';
import type { Metrics } from '../../kernel/metrics.ts';
import { createKeyedMutex } from '../../kernel/mutex.ts';
import { keepHeapSmall } from '../../kernel/small-heap.ts';
import { type Alert, type AlertEnd, type Effect, effectOf, foldAlert } from '../../model/alert.ts';
import type { DeliveredEvent } from '../../model/delivery.ts';
import type { Event, IncomingEvent } from '../../model/event.ts';
import { type NewEntry, streamOf } from '../../model/journal.ts';
import type { Look } from '../../model/look.ts';
import type { Catalogue, ConfiguredSource } from '../../ports/catalogue.ts';
import { canAsk, type Delivery } from '../../ports/source.ts';
import type { Change, Guard, Row, Store } from '../../ports/store.ts';
import type { Feed } from '../journal/feed.ts';
import { failedGuard } from '../journal/streams.ts';
import { createCallbacks } from './callbacks.ts';
import { type Claim, eventIdOf, takeUnclaimed } from './once.ts';
import { inTurn, type Part, partsOf } from './parts.ts';
import { createPendingAlerts, type PendingAlerts } from './pending-alerts.ts';
import { eventId, type MadeOf, type Receipt, receiptOf, receiptOfEmission } from './receipt.ts';
import { createReceivers } from './receivers.ts';
import { moreOf, type Seen } from './stretch-end.ts';
import { asTest } from './test-events.ts';

/** The result for one event of a delivery. */
export interface Accepted {
  event: string;
  alert: string | null;
  duplicate: boolean;
}

/** Who delivers may want to know more than what is answered. */
export interface Watch {
  /** A test: its events are notices that prove nothing and are not counted as seen before (test-events.ts). */
  test?: true;
  /** Called once, when everything is durable. */
  taken(report: TakenReport): void;
}

export interface TakenReport {
  trusted: boolean;
  events: readonly DeliveredEvent[];
  /** Which of Tocsin's own actions came back, and was dropped. */
  echo: string | null;
}

export interface Intake {
  /**
   * Verifies the raw bytes, parses them strictly, lets the source normalise them, drops duplicates and commits: when it resolves, the
   * events are durable. Rejects with `not-found`, `bad-signature`, `key-unreachable` or `bad-body`, and then nothing is stored.
   * `overloaded` and `store-failed` may leave the first parts of a large delivery stored: when it is sent again, they change nothing
   * but counts.
   */
  receive(source: string, delivery: Delivery, watch?: Watch): Promise<Accepted[]>;
  /**
   * For sources that make events themselves. `once` is an idempotency key; resolves to false when it was used before. `ends` says by
   * fingerprint how stretches ended, where more is known than the events say; `rows` are committed with the events. `made` says of what
   * the events were made, where Tocsin did not make them alone.
   */
  emit(
    source: string,
    events: readonly IncomingEvent[],
    once: string,
    ends?: ReadonlyMap<string, AlertEnd>,
    rows?: readonly Row[],
    made?: MadeOf,
  ): Promise<boolean>;
}

export interface IntakeParts {
  clock: Clock;
  ids: Ids;
  store: Store;
  feed: Feed;
  catalogue: Catalogue;
  metrics: Metrics;
  /** Requests to addresses that senders name and their source allows; to public ones only when left out. */
  fetchPublic?: typeof fetch;
  /** Lets other work go on; awaited between the parts of a large delivery. The next turn of the event loop when left out. */
  pause?: () => Promise<void>;
}

/** From this size on, bytes, a body is worth a smaller heap. */
const largeBody = 1024 * 1024;

/** How often a delivery is folded again because another one changed the same alert first. */
const maxTries = 50;

export function createIntake(parts: IntakeParts): Intake {
  const pending = createPendingAlerts();
  const receivers = createReceivers(parts);
  const callbacks = createCallbacks(parts);
  const pause = parts.pause ?? nextTurn;
  // Large deliveries take memory while they are worked on, so they go one after the other.
  const large = createKeyedMutex();

  async function accept(events: readonly IncomingEvent[], receipt: Receipt): Promise<Taken[]> {
    const { source, echo } = receipt;
    for (let attempt = 1; ; attempt++) {
      const batch = await foldBatch(events, receipt, { parts, pending });
      try {
        await parts.feed.commit(batch.change);
        batch.settle(true);
        if (echo !== null) parts.metrics.count('tocsin_events_echoed_total', { source, what: echo });
        return batch.accepted;
      } catch (error) {
        batch.settle(false);
        if (!isCode(error, 'guard-failed')) throw error;
        if (failedGuard(error) === 'claim') {
          if (receipt.each !== null) throw error;
          return await Promise.all(
            batch.accepted.map((one, index) => asDuplicate(parts.store, source, events[index], one)),
          );
        }
        if (attempt >= maxTries) throw new TocsinError('overloaded', { cause: error });
      }
    }
  }

  /** Takes events that have ids of their own: what came before, in whatever delivery, is a duplicate. */
  async function acceptEach(events: readonly IncomingEvent[], receipt: Receipt, each: readonly (Claim | null)[]) {
    const taken = await takeUnclaimed(each, parts.store, fresh =>
      accept(pick(events, fresh), { ...receipt, each: pick(each, fresh) }),
    );
    return await Promise.all(taken.map((one, index) => one ?? asDuplicateOf(each[index] ?? null, events[index])));

    function asDuplicateOf(claim: Claim | null, body: IncomingEvent | undefined): Promise<Taken> {
      const event = claim === null ? '' : eventIdOf(claim, 0);
      const kind = body?.kind ?? 'notice';
      const one = { event, kind, alert: null, episode: null, effect: null, duplicate: true };
      return asDuplicate(parts.store, receipt.source, body, one);
    }
  }

  return {
    async receive(name, received, watch) {
      const configured = parts.catalogue.current().sources.get(name);
      if (configured === undefined) throw new TocsinError('not-found', { message: 'There is no such source.' });
      const { driver, options } = configured;
      const { delivery, trusted } = await proofOf(configured, received, callbacks);
      let echo: string | null = null;
      const take = async (given: Part) => {
        const part = watch?.test === true ? { ...given, normalised: asTest(given.normalised) } : given;
        const { receiver, events } = part.normalised;
        echo ??= part.normalised.echo ?? null;
        if (receiver !== undefined && trusted) await receivers.keep(name, receiver);
        const receipt = receiptOf(name, part, { trusted, keepsRaw: driver.keepsRaw !== false, test: watch?.test });
        return receipt.each === null ? await accept(events, receipt) : await acceptEach(events, receipt, receipt.each);
      };
      const taken = await markingProof(trusted, async () => {
        if (delivery.body.length >= largeBody) keepHeapSmall();
        const made = await partsOf(driver, delivery, options, pause);
        if (made.length === 1) return await inTurn(made, take);
        return await large.with('', () => inTurn(made, take, pause));
      });
      watch?.taken({ trusted, events: taken, echo });
      return taken.map(({ event, alert, duplicate }) => ({ event, alert, duplicate }));
    },
    async emit(name, events, once, ends, rows, made) {
      const accepted = await accept(events, receiptOfEmission(name, parts.clock.now(), once, { ends, rows, made }));
      return accepted.every(one => !one.duplicate);
    },
  };
}

/** Throws `bad-signature` or `key-unreachable`. What it resolves to has what the driver asked for. */
async function proofOf(
  { driver, options }: ConfiguredSource,
  received: Delivery,
  callbacks: ReturnType<typeof createCallbacks>,
): Promise<{ delivery: Delivery; trusted: boolean }> {
  const keyed =
    driver.keyAt === undefined ? received : await callbacks.withKey(received, driver.keyAt(received, options));
  const verified = driver.verify(keyed, options);
  if (!verified.ok) throw notProven(verified.because);
  const trusted = verified.by !== 'none';
  const back = trusted ? (driver.askBack?.(keyed, options) ?? null) : null;
  return { delivery: back === null ? keyed : await callbacks.askedBack(keyed, back), trusted };
}

/** Marks the refusal of a delivery whose sender proved itself: it may be told where, and the operators are. */
async function markingProof<T>(proven: boolean, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof TocsinError) error.proven = proven;
    throw error;
  }
}

function nextTurn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve));
}

/** What is answered, and what is told to who watches. */
type Taken = Accepted & DeliveredEvent;

interface Batch {
  change: Change;
  accepted: Taken[];
  settle(ok: boolean): void;
}

/** Folds the events of one delivery, one after the other, into one change. */
async function foldBatch(
  events: readonly IncomingEvent[],
  receipt: Receipt,
  tools: { parts: IntakeParts; pending: PendingAlerts },
): Promise<Batch> {
  const { parts, pending } = tools;
  const entries: NewEntry[] = [];
  const accepted: Taken[] = [];
  const claims = [receipt.once, ...(receipt.each ?? [])].filter(claim => claim !== null);
  const guards: Guard[] = claims.map(claim => ({ kind: 'claim', ...claim, at: receipt.at }));
  const docs = new Map<string, Alert>();
  const touched: string[] = [];
  const anew = new Map<string, Look>();
  const stored = await readAlerts(events, receipt.source, tools);
  const looks = await readLooks(events, receipt.source, stored, parts);
  const asks = canAsk(parts.catalogue.current().sources.get(receipt.source));
  // Nothing is awaited from here on, so no other delivery can fold on the same state.
  for (const [index, body] of events.entries()) {
    const event: Event = {
      id: eventId(receipt, index, parts.ids),
      source: receipt.source,
      receivedAt: receipt.at,
      raw: receipt.raw?.digest ?? null,
      trusted: receipt.trusted,
      ...(receipt.test === true ? { test: true as const } : {}),
      body,
    };
    const said = { event: event.id, kind: body.kind, duplicate: false };
    if (body.kind !== 'alert') {
      entries.push(entryOf(event, streamOf.event(event.id), null, null));
      accepted.push({ ...said, alert: null, episode: null, effect: null });
      continue;
    }
    const key = `${receipt.source}\n${body.fingerprint}`;
    const known = pending.get(key) ?? stored.get(key) ?? null;
    const effect = effectOf(known, body);
    // Time-ordered ids keep new rows together in every index. Of two first deliveries at once the store takes one; the other folds again.
    const more = moreOf(effect, body, known, looks.get(key) ?? null, receipt.ends?.get(body.fingerprint));
    const next = foldAlert(known, { ...event, body }, effect, parts.ids.next('alt'), more);
    const stream = streamOf.alert(next.id);
    if (!docs.has(next.id)) guards.push({ kind: 'stream', stream, version: next.version - 1 });
    pending.write(key, next);
    touched.push(key);
    docs.set(next.id, next);
    const look = asks ? lookOfNew(effect, next, known, looks.get(key)?.look ?? null) : null;
    if (look !== null) anew.set(next.id, look);
    entries.push(entryOf(event, stream, effect, next, more));
    accepted.push({ ...said, alert: next.id, episode: next.episode, effect });
  }
  const rows: Row[] = [...(receipt.rows ?? []), ...[...docs.values()].map(doc => ({ table: 'alert' as const, doc }))];
  for (const doc of anew.values()) rows.push({ table: 'look', doc });
  // The raw bytes are found by the events that name them: of a delivery without one nobody would.
  const blobs = receipt.raw === null || entries.length === 0 ? [] : [receipt.raw];
  return { change: { guards, entries, rows, blobs }, accepted, settle: ok => pending.settle(touched, ok) };
}

/** The alerts of these events by their keys: as they are being committed, else as stored. The store is asked for all of them together. */
async function readAlerts(
  events: readonly IncomingEvent[],
  source: string,
  { parts, pending }: { parts: IntakeParts; pending: PendingAlerts },
): Promise<Map<string, Alert | null>> {
  const prints = new Set(events.flatMap(event => (event.kind === 'alert' ? [event.fingerprint] : [])));
  const found = [...prints].map(async fingerprint => {
    const key = `${source}\n${fingerprint}`;
    return [key, pending.get(key) ?? (await parts.store.alertOf(source, fingerprint))] as const;
  });
  return new Map(await Promise.all(found));
}

/** What was last seen of the alerts that these events resolve, by their keys, for an origin that can be asked and whose alerts expire. */
async function readLooks(
  events: readonly IncomingEvent[],
  source: string,
  stored: ReadonlyMap<string, Alert | null>,
  { catalogue, store }: IntakeParts,
): Promise<Map<string, Seen>> {
  const configured = catalogue.current().sources.get(source);
  if (!canAsk(configured)) return new Map();
  const expires = configured?.driver.expires === true;
  const found = events.map(async event => {
    if (event.kind !== 'alert') return null;
    const key = `${source}\n${event.fingerprint}`;
    const alert = stored.get(key) ?? null;
    // Most news says that it still fires: the store is not asked for each of those.
    const matters = event.state === 'resolved' ? expires : alert?.state === 'resolved';
    return alert === null || !matters ? null : ([key, { look: await store.look(alert.id), expires }] as const);
  });
  return new Map((await Promise.all(found)).filter(one => one !== null));
}

/**
 * What is kept of looks when a stretch begins: nothing of an earlier one. A stretch that is reopened goes on, but that it was not found
 * before says nothing any more. Null when nothing has to be changed.
 */
function lookOfNew(effect: Effect, alert: Alert, known: Alert | null, seen: Look | null): Look | null {
  if (effect === 'opened' && known !== null) return { alert: alert.id, at: null, endsAt: null, goneAt: null };
  return effect === 'reopened' && seen !== null ? { ...seen, goneAt: null } : null;
}

function entryOf(
  event: Event,
  stream: string,
  effect: Effect | null,
  alert: Alert | null,
  more: ReturnType<typeof moreOf> = {},
): NewEntry {
  return {
    stream,
    actor: { kind: 'source', id: event.source },
    at: event.receivedAt,
    fact: { kind: 'event.accepted', event, effect, alert: alert?.id ?? null, episode: alert?.episode ?? null, ...more },
  };
}

/** Names the alert of the first delivery, which may have made it in the same moment, or on another node. */
async function asDuplicate(store: Store, source: string, body: IncomingEvent | undefined, one: Taken): Promise<Taken> {
  const known = body?.kind === 'alert' ? await store.alertOf(source, body.fingerprint) : null;
  const alert = known?.id ?? one.alert;
  return { ...one, alert, episode: known?.episode ?? one.episode, effect: null, duplicate: true };
}

function pick<T>(all: readonly T[], indexes: readonly number[]): T[] {
  return indexes.map(index => all[index] as T);
}
