import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../kernel/clock.ts';
import type { Ids } from '../../kernel/ids.ts';
import type { Alert, AlertEnd } from '../../model/alert.ts';
import type { IncomingAlert } from '../../model/event.ts';
import { endOfGone } from '../../model/look.ts';
import type { Quiet } from '../../model/muted.ts';
import type { ConfiguredSource } from '../../ports/catalogue.ts';
import type { ListedAlert, Listing } from '../../ports/source.ts';
import type { Row, Store } from '../../ports/store.ts';
import type { Feed } from '../journal/feed.ts';
import type { Intake } from '../pipeline/intake.ts';
import type { Receivers } from '../pipeline/receivers.ts';
import { isMissing, lackedBy, muteOf, quietBesidesOurs, resolveOf } from './compare.ts';
import type { Looks } from './looks.ts';
import { recordOfAlert } from './record.ts';

/**
 * In what the last list differed, and since when, by the monotonic clock. The key names the alert and its stretch, so that what was heard of
 * in between begins anew.
 */
export type Suspects = ReadonlyMap<string, number>;

/** What one list is compared with. */
export interface Given {
  source: ConfiguredSource;
  listing: Extract<Listing, { ok: true }>;
  /** The live alerts of the source, read before the list was asked for. */
  live: readonly Alert[];
  asked: { at: number; monotonic: number };
  suspects: Suspects;
}

export interface ApplyParts {
  store: Store;
  feed: Feed;
  clock: Clock;
  ids: Ids;
  looks: Looks;
  intake: Intake;
  receivers: Receivers;
  signal: AbortSignal;
}

/** How far apart two lists are that prove something, milliseconds. */
const apart = 10_000;

/** A list that is older when it is acted on says too little: this process was paused, or is too slow, milliseconds. */
const oldest = 45_000;

/** How many alerts are handled without a pause for other work, and in one commit. */
const slice = 50;

/** Acts on what the list says for the second time, and on who keeps alerts quiet. Resolves to what it says for the first time. */
export async function applyList(given: Given, parts: ApplyParts): Promise<Suspects> {
  const next = new Map<string, number>();
  const { listing, live, asked, suspects } = given;
  const times = { at: asked.at, origin: listing.at };

  /** True when the last list said the same, long enough before. */
  function isProven(key: string): boolean {
    const since = suspects.get(key) ?? asked.monotonic;
    next.set(key, since);
    return asked.monotonic - since >= apart;
  }

  const quietOf: QuietOf = (listed, alert) =>
    quietBesidesOurs(listed, alert, () => isProven(`own ${alert?.id} ${alert?.episode}`));
  const known = new Map(live.map(alert => [alert.fingerprint, alert]));
  const present = new Set<string>();
  for await (const told of slices(listing.alerts, parts)) {
    const some = told.map(one => ({ ...one, silenced: quietOf(one, known.get(one.event.fingerprint) ?? null) }));
    for (const { event } of some) present.add(event.fingerprint);
    await noteSeen(told, known, quietOf, given, parts);
    const lacks = await Promise.all(some.map(one => lackOf(one, known, times, given, parts)));
    const proven = lacks.flatMap(events => {
      const [event] = events;
      return event !== undefined && isProven(`open ${event.fingerprint} ${event.startsAt}`) ? events : [];
    });
    await emit(proven, new Map(), given, parts);
  }
  const missing = live.filter(alert => !present.has(alert.fingerprint) && isMissing(alert, times));
  for await (const some of slices(missing, parts)) {
    const gone = await Promise.all(
      some.map(alert => resolveIfGone(alert, isProven(keyOfStretch(alert)), given, parts)),
    );
    const resolved = gone.flatMap(one => (one === null ? [] : [one]));
    await emit(
      resolved.map(({ event }) => event),
      new Map(resolved.map(({ event, end }) => [event.fingerprint, end])),
      given,
      parts,
    );
  }
  return next;
}

/**
 * Why the list is not of the origin that sends here, although it was answered: an address of another Alertmanager would close all that is
 * live. Null when one of its receivers leads here, and when none is known to.
 */
export async function strangenessOf(
  listing: Given['listing'],
  source: ConfiguredSource,
  receivers: Receivers,
): Promise<string | null> {
  if (listing.receivers === undefined) return null;
  for (const receiver of listing.receivers) if (await leadsHere(receiver, source, receivers)) return null;
  const named = source.driver.receivers?.(source.options) ?? [];
  if (named.length === 0 && !(await receivers.any(source.name))) return null;
  return `none of the receivers of the origin that ${source.name} asks leads here, so it is not the one that sends`;
}

async function* slices<T>(all: readonly T[], { signal }: ApplyParts): AsyncGenerator<readonly T[]> {
  for (let from = 0; from < all.length; from += slice) {
    await nextTurn();
    if (signal.aborted) return;
    yield all.slice(from, from + slice);
  }
}

function keyOfStretch({ id, episode, startsAt, lastFiring }: Alert): string {
  return `close ${id} ${episode} ${startsAt} ${lastFiring}`;
}

/** Who keeps a listed alert quiet besides us. */
type QuietOf = (listed: ListedAlert, alert: Alert | null) => Quiet | null;

/** Keeps what was seen of live alerts, and journals who keeps them quiet. */
async function noteSeen(
  some: readonly ListedAlert[],
  known: ReadonlyMap<string, Alert>,
  quietOf: QuietOf,
  { source, listing }: Given,
  { store, feed, clock }: ApplyParts,
): Promise<void> {
  const found = some.flatMap(listed => {
    const alert = known.get(listed.event.fingerprint);
    return alert === undefined ? [] : [{ alert, listed }];
  });
  const rows = found.map(({ alert, listed }): Row => {
    return { table: 'look', doc: { alert: alert.id, at: listing.at, endsAt: listed.endsAt, goneAt: null } };
  });
  if (rows.length > 0) await feed.commit({ rows });
  const actor = { kind: 'source', id: source.name } as const;
  await Promise.all(
    found
      .filter(({ alert, listed }) => muteOf(alert, quietOf(listed, alert), clock.now()) !== null)
      .map(({ alert, listed }) =>
        recordOfAlert(
          alert.id,
          actor,
          newest => {
            // It may have been silenced here since the list was asked for.
            const silenced = quietOf(listed, newest);
            const change = muteOf(newest, silenced, clock.now());
            if (change === null) return null;
            return silenced === null
              ? { kind: 'alert.unmuted', alert: newest.id }
              : { kind: 'alert.muted', alert: newest.id, ...silenced };
          },
          { store, feed, now: clock.now },
        ),
      ),
  );
}

async function lackOf(
  listed: ListedAlert,
  known: ReadonlyMap<string, Alert>,
  times: { at: number; origin: number },
  { source }: Given,
  { store, receivers }: ApplyParts,
): Promise<IncomingAlert[]> {
  const { fingerprint } = listed.event;
  const live = known.get(fingerprint);
  if (live !== undefined) return lackedBy(listed, live, true, times);
  if (listed.silenced !== null || !(await isOurs(listed, source, receivers))) return [];
  return lackedBy(listed, await store.alertOf(source.name, fingerprint), true, times);
}

/** True when it is routed to a receiver that leads here: one of the options, or of a delivery that proved itself. */
async function isOurs(listed: ListedAlert, source: ConfiguredSource, receivers: Receivers): Promise<boolean> {
  for (const receiver of listed.receivers ?? []) if (await leadsHere(receiver, source, receivers)) return true;
  return false;
}

async function leadsHere(receiver: string, source: ConfiguredSource, receivers: Receivers): Promise<boolean> {
  const named = source.driver.receivers?.(source.options) ?? [];
  return named.length > 0 ? named.includes(receiver) : await receivers.known(source.name, receiver);
}

/** Keeps that it was not found. The resolve, and how the stretch ended, when that is proven and nothing was heard of it meanwhile. */
async function resolveIfGone(
  alert: Alert,
  proven: boolean,
  { source, listing }: Given,
  { store, looks }: ApplyParts,
): Promise<{ event: IncomingAlert; end: AlertEnd } | null> {
  const kept = await looks.keep(alert.id, { state: 'gone', at: listing.at });
  if (!proven) return null;
  const newest = await store.alert(alert.id);
  if (newest === null || newest.state === 'resolved' || keyOfStretch(newest) !== keyOfStretch(alert)) return null;
  const expires = source.driver.expires === true;
  // What does not expire may be gone from the list because it was merged: its origin says so of the alert itself.
  if (!expires && (await looks.look(newest)).state !== 'gone') return null;
  const end = endOfGone(kept, expires);
  return { event: resolveOf(newest, kept.goneAt ?? listing.at), end };
}

async function emit(
  events: readonly IncomingAlert[],
  ends: ReadonlyMap<string, AlertEnd>,
  { source, asked }: Given,
  { intake, ids, clock }: ApplyParts,
): Promise<void> {
  if (events.length === 0 || clock.monotonic() - asked.monotonic > oldest) return;
  await intake.emit(source.name, events, `reconcile/${ids.next('evt')}`, ends);
}
