import { sha256 } from '../../kernel/canonical.ts';
import type { Clock } from '../../kernel/clock.ts';
import { showInstant } from '../../kernel/duration.ts';
import { isCode, TocsinError } from '../../kernel/errors.ts';
import type { Ids } from '../../kernel/ids.ts';
import type { Metrics } from '../../kernel/metrics.ts';
import { type Alert, type AlertEnd, type Effect, effectOf, foldAlert, toldEnd } from '../../model/alert.ts';
import type { Event, IncomingAlert, IncomingEvent } from '../../model/event.ts';
import { type NewEntry, streamOf } from '../../model/journal.ts';
import { endOfResolve, type Look } from '../../model/look.ts';
import type { Catalogue } from '../../ports/catalogue.ts';
import { canAsk, type Delivery, parseDelivery } from '../../ports/source.ts';
import type { Change, Guard, Row, Store } from '../../ports/store.ts';
import type { Feed } from '../journal/feed.ts';
import { failedGuard } from '../journal/streams.ts';
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
   * events are durable. Rejects with `not-found`, `bad-signature`, `bad-body`, `overloaded` or `store-failed`, and then nothing is stored.
   */
  receive(source: string, delivery: Delivery): Promise<Accepted[]>;
  /**
   * For sources that make events themselves. `once` is an idempotency key; resolves to false when it was used before. `ends` says by
   * fingerprint how stretches ended, where more is known than the events say.
   */
  emit(
    source: string,
    events: readonly IncomingEvent[],
    once: string,
    ends?: ReadonlyMap<string, AlertEnd>,
  ): Promise<boolean>;
}

export interface IntakeParts {
  clock: Clock;
  ids: Ids;
  store: Store;
  feed: Feed;
  catalogue: Catalogue;
  metrics: Metrics;
}

/** How long a signed delivery id is remembered, milliseconds: longer than any sender retries (PagerDuty: 48 hours). */
const rememberDeliveries = 7 * 24 * 3_600_000;

/** How often a delivery is folded again because another one changed the same alert first. */
const maxTries = 50;

export function createIntake(parts: IntakeParts): Intake {
  const pending = createPendingAlerts();
  const receivers = createReceivers(parts);

  async function accept(
    source: string,
    events: readonly IncomingEvent[],
    facts: Omit<Receipt, 'source'>,
  ): Promise<Accepted[]> {
    for (let attempt = 1; ; attempt++) {
      const batch = await foldBatch(events, { source, ...facts }, { parts, pending });
      try {
        await parts.feed.commit(batch.change);
        batch.settle(true);
        if (facts.echo !== null) parts.metrics.count('tocsin_events_echoed_total', { source, what: facts.echo });
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
      const { events, deliveryId, echo, receiver } = markingProof(verified.by !== 'none', () =>
        driver.normalise(parseDelivery(driver, delivery, options), delivery, options),
      );
      if (receiver !== undefined && verified.by !== 'none') await receivers.keep(name, receiver);
      return await accept(name, events, {
        at: delivery.at,
        raw: { digest: sha256(delivery.body), bytes: delivery.body },
        trusted: verified.by !== 'none',
        once: deliveryId === null ? null : { space: `delivery/${name}`, key: deliveryId, keep: rememberDeliveries },
        echo: echo ?? null,
      });
    },
    async emit(name, events, once, ends) {
      const claim = { space: `emission/${name}`, key: once, keep: rememberDeliveries };
      const accepted = await accept(name, events, {
        at: parts.clock.now(),
        raw: null,
        trusted: true,
        once: claim,
        echo: null,
        ends: ends ?? null,
      });
      return accepted.every(one => !one.duplicate);
    },
  };
}

/** Marks the refusal of a delivery whose sender proved itself: it may be told where, and the operators are. */
function markingProof<T>(proven: boolean, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof TocsinError) error.proven = proven;
    throw error;
  }
}

interface Receipt {
  source: string;
  at: number;
  raw: { digest: string; bytes: Buffer } | null;
  trusted: boolean;
  once: { space: string; key: string; keep: number } | null;
  /** Which of Tocsin's own actions came back as an event, and was dropped. */
  echo: string | null;
  /** How stretches ended, by fingerprint, where more is known than their resolves say. */
  ends?: ReadonlyMap<string, AlertEnd> | null;
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
    const stored = pending.has(key) ? null : await parts.store.alertOf(receipt.source, body.fingerprint);
    const seen =
      body.state === 'resolved' ? await seenAtOrigin(pending.get(key) ?? stored, receipt.source, parts) : null;
    // Nothing is awaited from here to write(), so no other delivery can fold on the same state.
    const known = pending.get(key) ?? stored;
    const effect = effectOf(known, body);
    // Time-ordered ids keep new rows together in every index. Of two first deliveries at once the store takes one; the other folds again.
    const more = moreOf(effect, body, known, seen, receipt.ends?.get(body.fingerprint));
    const next = foldAlert(known, { ...event, body }, effect, parts.ids.next('alt'), more);
    const stream = streamOf.alert(next.id);
    if (!docs.has(next.id)) guards.push({ kind: 'stream', stream, version: next.version - 1 });
    pending.write(key, next);
    touched.push(key);
    docs.set(next.id, next);
    entries.push(entryOf(event, stream, effect, next, more));
    accepted.push({ event: event.id, alert: next.id, duplicate: false });
  }
  const rows: Row[] = [...docs.values()].map(doc => ({ table: 'alert', doc }));
  const blobs = receipt.raw === null ? [] : [receipt.raw];
  return { change: { guards, entries, rows, blobs }, accepted, settle: ok => pending.settle(touched, ok) };
}

/** What was last seen of the alert, for an origin that can be asked and whose alerts expire; else null. */
async function seenAtOrigin(
  alert: Alert | null,
  source: string,
  { catalogue, store }: IntakeParts,
): Promise<{ look: Look | null } | null> {
  const configured = catalogue.current().sources.get(source);
  if (alert === null || configured?.driver.expires !== true || !canAsk(configured)) return null;
  return { look: await store.look(alert.id) };
}

/** What is journalled beside the effect. `seen` is what was last seen at an origin whose alerts expire, or null where there is none to ask. */
function moreOf(
  effect: Effect,
  body: IncomingAlert,
  known: Alert | null,
  seen: { look: Look | null } | null,
  given: AlertEnd | undefined,
): { end?: AlertEnd; quiet?: true } {
  if (effect === 'reopened') return { quiet: true };
  if (effect === 'opened') return known !== null && isLiveEpisode(known) ? { end: untold(body) } : {};
  if (effect !== 'resolved' && effect !== 'unseen') return {};
  if (given !== undefined) return { end: given };
  const end = toldEnd(body);
  if (end.how !== 'told' || effect === 'unseen' || seen === null || body.endsAt === null) return { end };
  return { end: endOfResolve(seen.look, body.endsAt) };
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
  has(key: string): boolean;
  get(key: string): Alert | null;
  write(key: string, alert: Alert): void;
  settle(keys: readonly string[], ok: boolean): void;
}

function createPendingAlerts(): PendingAlerts {
  const live = new Map<string, { alert: Alert; users: number }>();
  return {
    has: key => live.has(key),
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
