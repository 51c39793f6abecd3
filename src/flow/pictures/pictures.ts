/** The pictures of alerts: the series that fired, asked of the origin's metrics after the alert was posted, once for each episode. */

import type { Clock } from '../../kernel/clock.ts';
import { isCode, messageOf } from '../../kernel/errors.ts';
import type { Log } from '../../kernel/log.ts';
import type { Metrics } from '../../kernel/metrics.ts';
import { system } from '../../model/actor.ts';
import type { Alert } from '../../model/alert.ts';
import { type Entry, type Fact, type FactOf, streamOf } from '../../model/journal.ts';
import type { Catalogue } from '../../ports/catalogue.ts';
import type { Change, Store } from '../../ports/store.ts';
import type { Feed, Following } from '../journal/feed.ts';
import type { Origins } from '../origin/origins.ts';
import { keepChart } from './keep.ts';

export interface PictureParts {
  store: Store;
  /** Carries a fencing token where several nodes could do this. */
  feed: Feed;
  clock: Clock;
  log: Log;
  metrics: Metrics;
  catalogue: Pick<Catalogue, 'current'>;
  origins: Pick<Origins, 'of'>;
}

export const cursorName = 'pictures';
/** How many are asked for at a time. */
const together = 4;
/** In a storm nobody looks at a thousand pictures, and the metrics have enough to do: so many a minute for each source. */
const mostPerMinute = 60;
/** An alert that is older than this when its turn comes gets none, milliseconds: nobody waits for it any more. */
const tooOld = 3_600_000;
/** For how long an origin that did not answer is left alone, milliseconds. */
const rest = 30_000;

interface Context {
  parts: PictureParts;
  stopped: AbortSignal;
  /** Until when a source is not asked, by our monotonic clock, and why. */
  down: Map<string, { until: number; because: string }>;
  /** When pictures of a source were begun within the last minute. */
  begun: Map<string, number[]>;
}

/**
 * Follows the journal with a cursor of its own, so it delays no thread and no run, and goes on after a restart where it was. A claim lets
 * each picture be recorded once, whichever node makes it.
 */
export async function startPictures(parts: PictureParts): Promise<Following> {
  const end = new AbortController();
  const ctx: Context = { parts, stopped: end.signal, down: new Map(), begun: new Map() };
  const following = parts.feed.follow({
    name: cursorName,
    after: await firstAfter(parts),
    kinds: ['event.accepted'],
    batch: 64,
    handle: entries => handle(entries, ctx),
  });
  return {
    ...following,
    async stop() {
      end.abort(new Error('stopped'));
      await following.stop();
    },
  };
}

/** Where there was no cursor yet, pictures begin now. What is stored is one more than the entry, so that 0 is told from none. */
async function firstAfter({ store, feed }: PictureParts): Promise<number> {
  const known = await store.cursor(cursorName);
  if (known > 0) return known - 1;
  const { seq } = await store.head();
  await feed.commit({ rows: [{ table: 'cursor', name: cursorName, value: seq + 1 }] });
  return seq;
}

/** A picture that is due. */
interface Due {
  alert: string;
  episode: number;
  of: 'start' | 'end';
  source: string;
  at: number;
}

async function handle(entries: readonly Entry[], ctx: Context): Promise<void> {
  const due = entries.flatMap(entry => dueOf(entry, ctx.parts));
  for (let from = 0; from < due.length; from += together)
    await Promise.all(due.slice(from, from + together).map(one => make(one, ctx)));
  const last = entries.at(-1);
  if (last !== undefined && !ctx.stopped.aborted)
    await ctx.parts.feed.commit({ rows: [{ table: 'cursor', name: cursorName, value: last.seq + 1 }] });
}

function dueOf({ fact, at }: Entry, { origins }: PictureParts): Due[] {
  if (fact.kind !== 'event.accepted' || fact.alert === null || fact.episode === null) return [];
  if (fact.effect !== 'opened' && fact.effect !== 'resolved') return [];
  const { source } = fact.event;
  if (origins.of(source)?.connection.picture === undefined) return [];
  return [{ alert: fact.alert, episode: fact.episode, of: fact.effect === 'opened' ? 'start' : 'end', source, at }];
}

async function make(due: Due, ctx: Context): Promise<void> {
  const { store } = ctx.parts;
  if (ctx.stopped.aborted || (await store.claimed({ space: 'picture', key: keyOf(due) }))) return;
  const alert = await store.alert(due.alert);
  // A later episode has its own; the document says nothing of this one any more.
  if (alert === null || alert.episode !== due.episode) return;
  // The end is drawn where the start was: it tells what became of it.
  if (due.of === 'end' && !(await hasStart(due, store))) return;
  const because = leftOut(due, ctx);
  const made: Made | null = because === null ? await ask(alert, due, ctx) : { picture: null, because, blobs: [] };
  if (made !== null && !ctx.stopped.aborted) await record(due, made, ctx.parts);
}

async function hasStart({ alert, episode }: Due, store: Store): Promise<boolean> {
  const entries = await store.stream(streamOf.picture(`${alert}/${episode}`));
  return entries.some(({ fact }) => fact.kind === 'alert.pictured' && fact.of === 'start' && fact.picture !== null);
}

/** Why none is asked for; null when it is, which counts. */
function leftOut({ source, at }: Due, { begun, parts }: Context): string | null {
  const now = parts.clock.monotonic();
  const lately = (begun.get(source) ?? []).filter(one => now - one < 60_000);
  begun.set(source, lately);
  const isOld = parts.clock.now() - at > tooOld;
  if (!isOld && lately.length < mostPerMinute) {
    lately.push(now);
    return null;
  }
  parts.metrics.count('tocsin_pictures_total', { source, outcome: 'left-out' });
  return isOld
    ? 'It was an hour old when its turn came.'
    : `More than ${mostPerMinute} alerts of its source came within a minute.`;
}

type Made = Pick<FactOf<'alert.pictured'>, 'picture' | 'because'> & { blobs: NonNullable<Change['blobs']> };

/** Null when a stop ended it: then it is asked for again after the start. */
async function ask(alert: Alert, due: Due, { parts, down, stopped }: Context): Promise<Made | null> {
  const { source } = due;
  const { metrics, clock, log } = parts;
  const resting = down.get(source);
  if (resting !== undefined && resting.until > clock.monotonic())
    return { picture: null, because: resting.because, blobs: [] };
  try {
    // Drawn as it was when it began, also when it has ended meanwhile.
    const shown: Alert = due.of === 'start' ? { ...alert, resolvedAt: null } : alert;
    const chart = await parts.origins.of(source)?.connection.picture?.(shown, clock.now());
    if (chart === undefined) return { picture: null, because: 'Its source has no metrics any more.', blobs: [] };
    const { picture, blob } = keepChart(chart, parts.catalogue.current().config.timezone);
    metrics.count('tocsin_pictures_total', { source, outcome: 'ok' });
    return { picture, because: null, blobs: [blob] };
  } catch (error) {
    if (stopped.aborted) return null;
    const because = messageOf(error);
    if (!isCode(error, 'origin-refused')) down.set(source, { until: clock.monotonic() + rest, because });
    metrics.count('tocsin_pictures_total', { source, outcome: 'failed' });
    log.warn({ source, alert: alert.id, because }, 'an alert has no picture');
    return { picture: null, because, blobs: [] };
  }
}

async function record(due: Due, { blobs, ...made }: Made, { feed, clock }: PictureParts): Promise<void> {
  const at = clock.now();
  const { alert, episode, of } = due;
  const fact: Fact = { kind: 'alert.pictured', alert, episode, of, ...made };
  try {
    await feed.commit({
      guards: [{ kind: 'claim', space: 'picture', key: keyOf(due), at, keep: null }],
      entries: [{ stream: streamOf.picture(`${alert}/${episode}`), actor: system, at, fact }],
      blobs,
    });
  } catch (error) {
    // Another node was first.
    if (!isCode(error, 'guard-failed') || error.at?.startsWith('claim') !== true) throw error;
  }
}

function keyOf({ alert, episode, of }: Due): string {
  return `${alert}/${episode}/${of}`;
}
