import { sha256 } from '../../kernel/canonical.ts';
import type { Clock } from '../../kernel/clock.ts';
import { showInstant } from '../../kernel/duration.ts';
import { isCode, TocsinError } from '../../kernel/errors.ts';
import type { Ids } from '../../kernel/ids.ts';
import type { Metrics } from '../../kernel/metrics.ts';
import { createKeyedMutex } from '../../kernel/mutex.ts';
import { keepHeapSmall } from '../../kernel/small-heap.ts';
import {
  type Alert,
  type AlertEnd,
  type Effect,
  effectOf,
  foldAlert,
  isLaterStretch,
  toldEnd,
} from '../../model/alert.ts';
import type { Event, IncomingAlert, IncomingEvent } from '../../model/event.ts';
import { type NewEntry, streamOf } from '../../model/journal.ts';
import { endOfResolve, type Look } from '../../model/look.ts';
import type { Catalogue } from '../../ports/catalogue.ts';
import { canAsk, type Delivery } from '../../ports/source.ts';
import type { Change, Guard, Row, Store } from '../../ports/store.ts';
import type { Feed } from '../journal/feed.ts';
import { failedGuard } from '../journal/streams.ts';
import { inTurn, type Part, partsOf } from './parts.ts';
import { createReceivers } from './receivers.ts';

/** The result for one event of a delivery. */
export interface Accepted {
  event: string;
  alert: string | null;
  duplicate: boolean;
}

export interface Intake {
  /**
   * Verifies the raw bytes, parses them strictly, lets the source normalise them, drops duplicates and commits: when it resolves, the
   * events are durable. Rejects with `not-found`, `bad-signature` or `bad-body`, and then nothing is stored. `overloaded` and
   * `store-failed` may leave the first parts of a large delivery stored: when it is sent again, they change nothing but counts.
   */
  receive(source: string, delivery: Delivery): Promise<Accepted[]>;
  /**
   * For sources that make events themselves. `once` is an idempotency key; resolves to false when it was used before. `ends` says by
   * fingerprint how stretches ended, where more is known than the events say; `rows` are committed with the events.
   */
  emit(
    source: string,
    events: readonly IncomingEvent[],
    once: string,
    ends?: ReadonlyMap<string, AlertEnd>,
    rows?: readonly Row[],
  ): Promise<boolean>;
}

export interface IntakeParts {
  clock: Clock;
  ids: Ids;
  store: Store;
  feed: Feed;
  catalogue: Catalogue;
  metrics: Metrics;
  /** Lets other work go on; awaited between the parts of a large delivery. The next turn of the event loop when left out. */
  pause?: () => Promise<void>;
}

/** How long a signed delivery id is remembered, milliseconds: longer than any sender retries (PagerDuty: 48 hours). */
const rememberDeliveries = 7 * 24 * 3_600_000;

/** From this size on, bytes, a body is worth a smaller heap. */
const largeBody = 1024 * 1024;

/** How often a delivery is folded again because another one changed the same alert first. */
const maxTries = 50;

export function createIntake(parts: IntakeParts): Intake {
  const pending = createPendingAlerts();
  const receivers = createReceivers(parts);
  const pause = parts.pause ?? nextTurn;
  // Large deliveries take memory while they are worked on, so they go one after the other.
  const large = createKeyedMutex();

  async function accept(events: readonly IncomingEvent[], receipt: Receipt): Promise<Accepted[]> {
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
        if (failedGuard(error) === 'claim') return await asDuplicates(source, events, batch.accepted);
        if (attempt >= maxTries) throw new TocsinError('overloaded', { cause: error });
      }
    }
  }

  /** Names the alert of the first delivery, which may have made it in the same moment, or on another node. */
  function asDuplicates(source: string, events: readonly IncomingEvent[], accepted: readonly Accepted[]) {
    return Promise.all(
      accepted.map(async (one, index): Promise<Accepted> => {
        const body = events[index];
        const known = body?.kind === 'alert' ? await parts.store.alertOf(source, body.fingerprint) : null;
        return { ...one, alert: known?.id ?? one.alert, duplicate: true };
      }),
    );
  }

  return {
    async receive(name, delivery) {
      const configured = parts.catalogue.current().sources.get(name);
      if (configured === undefined) throw new TocsinError('not-found', { message: 'There is no such source.' });
      const { driver, options } = configured;
      const verified = driver.verify(delivery, options);
      if (!verified.ok) throw new TocsinError('bad-signature');
      const trusted = verified.by !== 'none';
      const take = async (part: Part) => {
        const { receiver, events } = part.normalised;
        if (receiver !== undefined && trusted) await receivers.keep(name, receiver);
        return await accept(events, receiptOf(name, part, trusted));
      };
      return await markingProof(trusted, async () => {
        if (delivery.body.length >= largeBody) keepHeapSmall();
        const made = await partsOf(driver, delivery, options, pause);
        if (made.length === 1) return await inTurn(made, take);
        return await large.with('', () => inTurn(made, take, pause));
      });
    },
    async emit(name, events, once, ends, rows) {
      const claim = { space: `emission/${name}`, key: once, keep: rememberDeliveries };
      const receipt = {
        source: name,
        at: parts.clock.now(),
        raw: null,
        trusted: true,
        once: claim,
        echo: null,
        ends,
        rows,
      };
      const accepted = await accept(events, receipt);
      return accepted.every(one => !one.duplicate);
    },
  };
}

function receiptOf(name: string, { delivery, normalised: { deliveryId, echo } }: Part, trusted: boolean): Receipt {
  const key = delivery.part === undefined ? deliveryId : `${deliveryId}#${delivery.part.first}`;
  const signed = deliveryId !== null && key !== null;
  return {
    source: name,
    at: delivery.at,
    raw: { digest: sha256(delivery.body), bytes: delivery.body },
    trusted,
    once: signed ? { space: `delivery/${name}`, key, keep: rememberDeliveries } : null,
    echo: echo ?? null,
  };
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

interface Receipt {
  source: string;
  at: number;
  raw: { digest: string; bytes: Buffer } | null;
  trusted: boolean;
  once: { space: string; key: string; keep: number } | null;
  /** Which of Tocsin's own actions came back as an event, and was dropped. */
  echo: string | null;
  /** How stretches ended, by fingerprint, where more is known than the events say. */
  ends?: ReadonlyMap<string, AlertEnd> | undefined;
  /** Committed with the events. */
  rows?: readonly Row[] | undefined;
}

interface Batch {
  change: Change;
  accepted: Accepted[];
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
  const accepted: Accepted[] = [];
  const guards: Guard[] = receipt.once === null ? [] : [{ kind: 'claim', ...receipt.once, at: receipt.at }];
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
      body,
    };
    if (body.kind !== 'alert') {
      entries.push(entryOf(event, streamOf.event(event.id), null, null));
      accepted.push({ event: event.id, alert: null, duplicate: false });
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
    accepted.push({ event: event.id, alert: next.id, duplicate: false });
  }
  const rows: Row[] = [...(receipt.rows ?? []), ...[...docs.values()].map(doc => ({ table: 'alert' as const, doc }))];
  for (const doc of anew.values()) rows.push({ table: 'look', doc });
  const blobs = receipt.raw === null ? [] : [receipt.raw];
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

interface Seen {
  look: Look | null;
  /** Whether the origin's alerts expire. */
  expires: boolean;
}

/**
 * What is kept of looks when a stretch begins: nothing of an earlier one. A stretch that is reopened goes on, but that it was not found
 * before says nothing any more. Null when nothing has to be changed.
 */
function lookOfNew(effect: Effect, alert: Alert, known: Alert | null, seen: Look | null): Look | null {
  if (effect === 'opened' && known !== null) return { alert: alert.id, at: null, endsAt: null, goneAt: null };
  return effect === 'reopened' && seen !== null ? { ...seen, goneAt: null } : null;
}

/** What is journalled beside the effect. `seen` is what was last seen at an origin whose alerts expire, or null where there is none to ask. */
function moreOf(
  effect: Effect,
  body: IncomingAlert,
  known: Alert | null,
  seen: Seen | null,
  given: AlertEnd | undefined,
): { end?: AlertEnd; quiet?: true } {
  if (effect === 'reopened') return { quiet: true };
  if (effect === 'opened') return known !== null && isLiveEpisode(known) ? { end: untold(body) } : {};
  if (effect !== 'resolved' && effect !== 'unseen') return {};
  if (given !== undefined) return { end: given };
  return { end: resolvedEnd(body, effect === 'unseen' ? null : known, seen) };
}

function resolvedEnd(body: IncomingAlert, known: Alert | null, seen: Seen | null): AlertEnd {
  const told = toldEnd(body);
  if (told.how !== 'told' || known === null) return told;
  const end = seen?.expires === true && body.endsAt !== null ? endOfResolve(seen.look, body.endsAt) : told;
  // A sender that tells its news in intervals tells nothing of an end and a new start within one.
  const between = isLiveEpisode(known) && isLaterStretch(body, known);
  return end.how === 'told' && between ? untold(body) : end;
}

/** How the earlier stretch ended when a new one began while it was live. */
function untold(body: IncomingAlert): AlertEnd {
  return { how: 'untold', because: `a newer stretch began at ${showInstant(body.startsAt)}` };
}

function isLiveEpisode(alert: Alert): boolean {
  return alert.state !== 'resolved' && alert.count > 0;
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

/** A delivery with a signed id gets the same event ids however often it comes, so a duplicate is answered with the first one's. */
function eventId(receipt: Receipt, index: number, ids: Ids): string {
  if (receipt.once === null) return ids.next('evt');
  return `evt_${sha256(`${receipt.once.space}\n${receipt.once.key}\n${index}`).slice(0, 24)}`;
}

/**
 * The newest state of alerts whose changes are being committed. Deliveries about one alert that arrive together fold on each other in
 * memory and share one transaction, instead of each losing the race for the stream's version.
 */
interface PendingAlerts {
  get(key: string): Alert | null;
  write(key: string, alert: Alert): void;
  settle(keys: readonly string[], ok: boolean): void;
}

function createPendingAlerts(): PendingAlerts {
  const live = new Map<string, { alert: Alert; users: number }>();
  return {
    get: key => live.get(key)?.alert ?? null,
    write(key, alert) {
      const known = live.get(key);
      live.set(key, { alert, users: (known?.users ?? 0) + 1 });
    },
    settle(keys, ok) {
      for (const key of keys) {
        const known = live.get(key);
        if (known === undefined) continue;
        known.users--;
        // After a failure the state in memory is not reliable; deliveries that folded on it fail their guards and fold again.
        if (!ok || known.users <= 0) live.delete(key);
      }
    },
  };
}
