import type { Alert } from '../../model/alert.ts';
import {
  beginListening,
  interrupt,
  isMissing,
  type Listening,
  listenOn,
  toleranceOf,
} from '../../model/expectation.ts';
import type { FactOf } from '../../model/journal.ts';
import { type Expectation, expectSource } from '../../ports/catalogue.ts';
import type { Row, Store } from '../../ports/store.ts';
import { matchesLabels } from './match.ts';

/** One expectation, and what is known of it. */
export interface Watch {
  expectation: Expectation;
  listening: Listening;
  /** When it was last heard, by our clock, milliseconds since the epoch; null when it never was. */
  heardAt: number | null;
  /** How often it was heard since this node watches: a note that was begun before the newest does not overwrite it. */
  heard: number;
  /** True while its alert may be open. */
  told: boolean;
  /** A source that brought it without proof of who sent it, since it was last heard. */
  unproven: string | null;
  /** True when it was watched before, by this process or another. */
  resumed: boolean;
  /** When this node heard it last, or began to watch, by the monotonic clock. */
  since: number;
}

/** Longer ago than this, what was noted says nothing about now, milliseconds. */
const forgotten = 86_400_000;

/** The notes of an expectation are numbers that outlive the process; the journal has what was heard after them. */
const notes = (key: string) =>
  ({
    at: `expect/${key}/at`,
    heardAt: `expect/${key}/heard`,
    listened: `expect/${key}/listened`,
    limit: `expect/${key}/limit`,
  }) as const;

/** The watch as it was left, by this process or another node. `fresh`: the journal between then and now is not read. */
export async function resumeWatch(
  expectation: Expectation,
  parts: { store: Store; now: number; steady: number; pace: number; fresh: boolean },
): Promise<Watch> {
  const { store } = parts;
  const named = notes(expectation.key);
  const [at, heardAt, listened, limit] = await Promise.all([
    store.cursor(named.at),
    store.cursor(named.heardAt),
    store.cursor(named.listened),
    store.cursor(named.limit),
  ]);
  const known = await store.alertOf(expectSource, expectation.key);
  const told = known !== null && known.state !== 'resolved';
  const heardSince = known !== null && heardAt >= known.startsAt;
  const noted = { at: parts.fresh ? 0 : at, listening: { listened, limit } };
  return {
    expectation,
    listening:
      told && !heardSince
        ? { listened: expectation.every, limit: expectation.every }
        : resumeListening(noted, expectation.every, parts),
    heardAt: heardAt === 0 ? null : heardAt,
    heard: 0,
    told,
    unproven: null,
    resumed: at !== 0,
    since: parts.steady,
  };
}

function resumeListening(
  noted: { at: number; listening: Listening },
  every: number,
  { now, pace }: { now: number; pace: number },
): Listening {
  const { at, listening } = noted;
  const gap = now - at;
  const isOther = listening.limit < every || listening.limit > 2 * every;
  if (at === 0 || gap > forgotten || isOther) return beginListening(every);
  return gap >= 0 && gap <= toleranceOf(every, pace) ? listening : interrupt(listening, every);
}

/** What the time since the last note adds; `whole` when a delivery would have been accepted in all of it. */
export function creditOf(watch: Watch, spent: { ms: number; whole: boolean; steady: number; pace: number }): Listening {
  const { listening, expectation } = watch;
  if (spent.whole) return listenOn(listening, Math.max(0, Math.min(spent.ms, spent.steady - watch.since)));
  return spent.ms > toleranceOf(expectation.every, spent.pace) ? interrupt(listening, expectation.every) : listening;
}

/** The notes to store. */
export function rowsOf({ expectation, heardAt }: Watch, listening: Listening, now: number): Row[] {
  const named = notes(expectation.key);
  return [
    { table: 'cursor', name: named.at, value: now },
    { table: 'cursor', name: named.heardAt, value: heardAt ?? 0 },
    { table: 'cursor', name: named.listened, value: Math.round(listening.listened) },
    { table: 'cursor', name: named.limit, value: Math.round(listening.limit) },
  ];
}

/** Makes an expectation that is no longer in the files begin anew, should it come back. */
export function forgetRows({ expectation }: Watch): Row[] {
  return Object.values(notes(expectation.key)).map(name => ({ table: 'cursor', name, value: 0 }));
}

/**
 * True when the event is the expected news: a firing alert that says something new, a notice or a change, from a sender that proved itself. Ticks
 * and our own alerts show nothing about anybody else. Without proof anybody could keep a watchdog quiet; that is noted on the watch.
 */
export function hear(watch: Watch, { event, effect }: FactOf<'event.accepted'>, steady: number): boolean {
  const { expectation } = watch;
  const { kind } = event.body;
  if (event.source === expectSource || (expectation.source ?? event.source) !== event.source) return false;
  if (kind === 'tick' || effect === 'stale' || (event.body.kind === 'alert' && event.body.state !== 'firing'))
    return false;
  if (!matchesLabels(expectation.match, event)) return false;
  // A test of the source says nothing of its sender, nor of its proof.
  if (event.test === true) return false;
  if (!event.trusted) {
    watch.unproven = event.source;
    return false;
  }
  watch.listening = beginListening(expectation.every);
  watch.heardAt = Math.max(watch.heardAt ?? 0, event.receivedAt);
  watch.heard++;
  watch.since = steady;
  watch.unproven = null;
  return true;
}

/** True when an operator closed its alert, and it was not heard since: it is not told again. */
export function isClosed(watch: Watch, known: Alert): boolean {
  return known.state === 'resolved' && known.end?.how === 'closed' && known.startsAt > (watch.heardAt ?? 0);
}

/** True when its absence, or the end of it, may have to be told. */
export function wantsTelling(watch: Watch): boolean {
  return watch.told || isMissing(watch.listening);
}
