import type { Clock } from '../../kernel/clock.ts';
import { isCode, messageOf } from '../../kernel/errors.ts';
import type { Log } from '../../kernel/log.ts';
import { system } from '../../model/actor.ts';
import type { Alert } from '../../model/alert.ts';
import type { Event } from '../../model/event.ts';
import { type FactOf, streamOf } from '../../model/journal.ts';
import type { Catalogue } from '../../ports/catalogue.ts';
import { timingOf } from '../../ports/source.ts';
import type { Store } from '../../ports/store.ts';
import type { Feed } from '../journal/feed.ts';
import { everyOf } from '../journal/pages.ts';

/**
 * The quiet time of alerts that fire again after their resolve. A cluster of senders repeats stale news: resolved, firing 12 s later,
 * resolved 3 s after that. Only one that still fires after `reopenAfter` is journalled as reopened, and people are asked anew.
 */
export interface Reopenings {
  /** Begins the quiet time of an alert that was just reopened. */
  add(alert: Alert, event: Event): void;
  stop(): Promise<void>;
}

export interface ReopenParts {
  store: Store;
  feed: Feed;
  catalogue: Catalogue;
  clock: Clock;
  log: Log;
}

/** How long a failed commit waits, milliseconds. */
const again = 5000;

/** Goes on with the quiet times that were under way when the process ended. */
export async function startReopenings(parts: ReopenParts): Promise<Reopenings> {
  const end = new AbortController();
  const waiting = new Map<string, Promise<void>>();

  function add(alert: Alert, event: Event): void {
    const { reopenedAt } = alert;
    if (reopenedAt === null) return;
    const key = `${alert.id}/${reopenedAt}`;
    if (waiting.has(key)) return;
    const work = waitAndTell(alert.id, reopenedAt, event)
      .catch(error => {
        if (!end.signal.aborted)
          parts.log.error({ alert: alert.id, because: messageOf(error) }, 'a reopened alert could not be told');
      })
      .finally(() => waiting.delete(key));
    waiting.set(key, work);
  }

  async function waitAndTell(id: string, reopenedAt: number, event: Event): Promise<void> {
    const { reopenAfter } = timingOf(parts.catalogue.current().sources.get(event.source));
    await parts.clock.sleep(Math.max(0, reopenedAt + reopenAfter - parts.clock.now()), end.signal);
    while (!end.signal.aborted) {
      if (await told({ id, reopenedAt }, event, parts)) return;
      await parts.clock.sleep(again, end.signal);
    }
  }

  // Somebody may have silenced it meanwhile; its thread says all the same that it fires again.
  for (const state of ['firing', 'silenced'] as const)
    for await (const alert of everyOf(page => parts.store.alerts({ ...page, state }))) {
      const event = alert.reopenedAt === null ? null : await reopenedBy(alert, parts.store);
      if (event !== null) add(alert, event);
    }
  return {
    add,
    async stop() {
      end.abort(new Error('stopped'));
      await Promise.all(waiting.values());
    },
  };
}

/** False when the alert changed in the same moment, or the store is down: it is read and tried again. True also when there is nothing to tell. */
async function told(
  { id, reopenedAt }: { id: string; reopenedAt: number },
  event: Event,
  parts: ReopenParts,
): Promise<boolean> {
  try {
    const alert = await parts.store.alert(id);
    if (alert !== null && alert.reopenedAt === reopenedAt && alert.state !== 'resolved')
      await tell(alert, event, parts);
    return true;
  } catch (error) {
    if (isCode(error, 'guard-failed') || isCode(error, 'store-failed')) return false;
    throw error;
  }
}

async function tell(alert: Alert, event: Event, parts: ReopenParts): Promise<void> {
  const stream = streamOf.alert(alert.id);
  const fact: FactOf<'alert.reopened'> = { kind: 'alert.reopened', alert: alert.id, episode: alert.episode, event };
  await parts.feed.commit({
    guards: [{ kind: 'stream', stream, version: alert.version }],
    entries: [{ stream, actor: system, at: parts.clock.now(), fact }],
    rows: [{ table: 'alert', doc: { ...alert, reopenedAt: null, version: alert.version + 1 } }],
  });
}

/** The event that reopened it last, from its journal: only after a restart. */
async function reopenedBy(alert: Alert, store: Store): Promise<Event | null> {
  const entries = await store.stream(streamOf.alert(alert.id));
  const last = entries.findLast(({ fact }) => fact.kind === 'event.accepted' && fact.effect === 'reopened');
  return last?.fact.kind === 'event.accepted' ? last.fact.event : null;
}
