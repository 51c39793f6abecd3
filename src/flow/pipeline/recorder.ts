import type { Clock } from '../../kernel/clock.ts';
import { isCode, messageOf } from '../../kernel/errors.ts';
import type { Log } from '../../kernel/log.ts';
import type { Secrets } from '../../kernel/redact/redact.ts';
import { keptAfterEnd, type Recorded, type Recording } from '../../model/recording.ts';
import type { Catalogue, ConfiguredSource } from '../../ports/catalogue.ts';
import type { Delivery } from '../../ports/source.ts';
import type { Store } from '../../ports/store.ts';
import type { Feed } from '../journal/feed.ts';
import type { SeenDelivery } from './delivery-log.ts';
import { type CleanDelivery, cleanDelivery } from './redact-delivery.ts';

/** Keeps deliveries that somebody asked to record, without their secrets. What is kept is deleted ten minutes after the recording ended. */
export interface Recorder {
  /** Returns at once. The sender has its answer already. */
  offer(seen: SeenDelivery, delivery: Delivery): void;
  /** Call when a recording began or ended on this node: others notice it within a second. */
  changed(): void;
  /** Deletes what is over. Never rejects. */
  sweep(): Promise<void>;
  /** Resolves when what was offered is kept. Never rejects. */
  settled(): Promise<void>;
}

/** False for a source whose bodies may hold secrets that nothing knows, and for one of raw logs: they are kept nowhere, so not here either. */
export function mayRecord({ driver }: ConfiguredSource): boolean {
  return driver.keepsRaw !== false && driver.records === undefined;
}

/** For how long the list of recordings is believed, milliseconds. */
const fresh = 1000;
/** The most deliveries that wait to be kept; more are let go. */
const mostWaiting = 20;

export function createRecorder(parts: {
  clock: Pick<Clock, 'now' | 'monotonic'>;
  log: Log;
  store: Pick<Store, 'recordings'>;
  feed: Pick<Feed, 'commit'>;
  catalogue: Pick<Catalogue, 'current'>;
  /** All values that must never be shown. */
  hidden(): Secrets;
}): Recorder {
  const { clock, log, store, feed } = parts;
  let known: { at: number; list: readonly Recording[] } = { at: Number.NEGATIVE_INFINITY, list: [] };
  let waiting = 0;
  let last: Promise<void> = Promise.resolve();
  /** The next number of each recording that this node tries. */
  const next = new Map<string, number>();

  async function recordings(): Promise<readonly Recording[]> {
    if (clock.monotonic() - known.at < fresh) return known.list;
    const before = known;
    const at = clock.monotonic();
    const list = await store.recordings();
    // What was read before something changed is not believed.
    if (known === before) known = { at, list };
    for (const id of next.keys()) if (!list.some(one => one.id === id)) next.delete(id);
    return list;
  }

  function wanted(list: readonly Recording[], { source, proven }: SeenDelivery): Recording[] {
    const now = clock.now();
    return list.filter(one => one.source === source && one.until > now && (proven || one.unproven) && isOpen(one));
  }

  function isOpen({ id, most }: Recording): boolean {
    return (next.get(id) ?? 1) <= most;
  }

  async function keepIn(recording: Recording, clean: CleanDelivery, doc: Omit<Recorded, 'number'>): Promise<void> {
    while (isOpen(recording)) {
      const { id } = recording;
      const number = next.get(id) ?? 1;
      next.set(id, number + 1);
      // Several nodes keep deliveries of one recording: each number is taken once.
      const claim = {
        kind: 'claim',
        space: 'recording',
        key: `${id}/${number}`,
        at: doc.at,
        keep: 86_400_000,
      } as const;
      const row = { table: 'recorded', recording: id, doc: { ...doc, number }, body: clean.body } as const;
      try {
        await feed.commit({ guards: [claim], rows: [row] });
        return;
      } catch (error) {
        if (!isCode(error, 'guard-failed')) throw error;
      }
    }
  }

  async function keep(seen: SeenDelivery, delivery: Delivery): Promise<void> {
    const open = wanted(await recordings(), seen);
    const source = parts.catalogue.current().sources.get(seen.source);
    if (open.length === 0 || source === undefined || !mayRecord(source)) return;
    const clean = cleanDelivery(delivery, source, parts.hidden());
    if (clean === null) return log.warn({ source: seen.source }, 'a delivery is too large to be recorded');
    const { outcome } = seen;
    const what = outcome.what === 'accepted' ? 'accepted' : outcome.code;
    const doc = { at: delivery.at, outcome: what, headers: clean.headers, removed: clean.removed };
    for (const recording of open) await keepIn(recording, clean, doc);
  }

  return {
    offer(seen, delivery) {
      const isFresh = clock.monotonic() - known.at < fresh;
      if (waiting >= mostWaiting || (isFresh && wanted(known.list, seen).length === 0)) return;
      waiting += 1;
      last = last
        .then(() => keep(seen, delivery))
        .catch(error => log.warn({ source: seen.source, because: messageOf(error) }, 'a delivery was not recorded'))
        .finally(() => {
          waiting -= 1;
        });
    },
    changed() {
      known = { at: Number.NEGATIVE_INFINITY, list: [] };
    },
    async sweep() {
      try {
        const over = (await store.recordings()).filter(one => one.until + keptAfterEnd < clock.now());
        if (over.length > 0) await feed.commit({ rows: over.map(({ id }) => ({ table: 'recording-gone', id })) });
      } catch (error) {
        log.warn({ because: messageOf(error) }, 'old recordings could not be deleted');
      }
    },
    settled: async () => await last,
  };
}

/** Between two looks for recordings that are over, milliseconds. */
const sweepEvery = 60_000;

/** Deletes recordings that are over, until it is stopped. */
export function startRecordingSweep({
  clock,
  recorder,
}: {
  clock: Pick<Clock, 'sleep'>;
  recorder: Pick<Recorder, 'sweep'>;
}): { stop(): Promise<void> } {
  const end = new AbortController();
  const loop = async () => {
    while (!end.signal.aborted) {
      await recorder.sweep();
      await clock.sleep(sweepEvery, end.signal);
    }
  };
  const ended = loop().catch(() => {});
  return {
    async stop() {
      end.abort(new Error('stopped'));
      await ended;
    },
  };
}
