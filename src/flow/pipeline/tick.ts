import type { Clock } from '../../kernel/clock.ts';
import type { Log } from '../../kernel/log.ts';
import type { Metrics } from '../../kernel/metrics.ts';
import type { Catalogue } from '../../ports/catalogue.ts';
import type { EmitTools } from '../../ports/emit.ts';
import type { RecordBatch, RecordsTaken } from '../../ports/records.ts';
import type { Source } from '../../ports/source.ts';
import type { Row, Store } from '../../ports/store.ts';
import type { Feed } from '../journal/feed.ts';
import { everyOf } from '../journal/pages.ts';
import { createDeadLetters } from './dead-letters.ts';
import type { Intake } from './intake.ts';
import type { RefusedSources } from './refused-sources.ts';

/** Runs the sources that make events themselves, and starts them again when their options change. */
export interface Tickers {
  reload(): Promise<void>;
  stop(): Promise<void>;
}

export interface TickerParts {
  catalogue: Catalogue;
  intake: Intake;
  store: Store;
  feed: Feed;
  clock: Clock;
  log: Log;
  metrics: Metrics;
  refused: RefusedSources;
  /** Takes batches of raw records, by the name of their source, and counts what was lost before. */
  records: {
    take(source: string, batch: RecordBatch): Promise<RecordsTaken>;
    lost(source: string, records: number, because: string): Promise<void>;
  };
}

/** Starts the sources whose driver `runs` holds for: those of every node, or those of the node that has the duty. */
export async function startTickers(parts: TickerParts, runs: (driver: Source) => boolean): Promise<Tickers> {
  const { catalogue, log } = parts;
  const heard = await followActs(parts);
  let running = new Map<string, { options: string; stop: () => Promise<void> }>();
  let turn: Promise<void> = Promise.resolve();

  /** Starts what is new, and stops what is gone. A source that cannot be started is left out, so that the others go on. */
  async function apply(wanted: boolean): Promise<unknown[]> {
    const failures: unknown[] = [];
    const next: typeof running = new Map();
    const sources = wanted ? catalogue.current().sources : new Map();
    for (const [name, { driver, options }] of sources) {
      if (driver.start === undefined || !runs(driver)) continue;
      const text = textOf(options);
      const known = running.get(name);
      if (known?.options === text) {
        next.set(name, known);
        running.delete(name);
        continue;
      }
      // Two that follow one origin would both tell the same.
      if (known !== undefined && driver.oneNode === true) {
        running.delete(name);
        await known.stop();
      }
      try {
        next.set(name, { options: text, stop: await driver.start(options, toolsOf(name, parts, heard.on)) });
      } catch (error) {
        failures.push(error);
        log.error({ err: error, source: name }, 'a source could not be started');
      }
    }
    for (const [name, { stop }] of running) {
      await stop();
      if (!next.has(name)) parts.refused.trouble(name, null);
    }
    running = next;
    return failures;
  }

  function reload(wanted: boolean): Promise<void> {
    turn = turn
      .then(() => apply(wanted))
      .then(() => {})
      .catch(error => log.error({ err: error }, 'the sources that make events themselves could not be started again'));
    return turn;
  }

  const [failure] = await apply(true);
  if (failure !== undefined) {
    await heard.stop();
    await apply(false);
    throw failure;
  }
  return {
    reload: () => reload(true),
    async stop() {
      await heard.stop();
      await reload(false);
    },
  };
}

/** Options that mean the same are the same text. */
function textOf(options: unknown): string {
  return JSON.stringify(options, (_name, value) => (value instanceof Map || value instanceof Set ? [...value] : value));
}

/** Milliseconds between two lines of the log about what one source refuses with one code. */
const logEvery = 1000;

function toolsOf(source: string, parts: TickerParts, on: Heard['on']): EmitTools {
  const { intake, store, feed, clock, log, metrics, refused, records } = parts;
  const logged = new Map<string, number>();
  const cursorOf = (key: string) => `ticks/${source}/${key}`;
  const rowOf = (key: string, value: number | string): Row =>
    typeof value === 'number'
      ? { table: 'cursor', name: cursorOf(key), value }
      : { table: 'memo', name: cursorOf(key), value };
  return {
    clock,
    log: log.child({ source }),
    emit: (events, once, memo) =>
      intake.emit(source, events, once, undefined, memo === undefined ? [] : [rowOf(memo.key, memo.value)]),
    async deliver(events, once, made) {
      const fresh = await intake.emit(source, events, once, undefined, [], made);
      refused.accepted(source);
      return fresh;
    },
    refused({ proven, ...refusal }) {
      const { code, because } = refusal;
      metrics.count('tocsin_events_refused_total', { source, code });
      if (proven) refused.refused({ source, ...refusal });
      const now = clock.monotonic();
      if (now - (logged.get(code) ?? Number.NEGATIVE_INFINITY) < logEvery) return;
      logged.set(code, now);
      log.warn({ source, code, because, at: refusal.at, proven }, 'refused what was sent to a source');
    },
    trouble(because) {
      if (because !== null) log.error({ source, because }, 'a source takes nothing');
      refused.trouble(source, because);
    },
    remembered: key => store.cursor(cursorOf(key)),
    rememberedText: key => store.memo(cursorOf(key)),
    async remember(key, value) {
      await feed.commit({ rows: [rowOf(key, value)] });
    },
    alertOf: fingerprint => store.alertOf(source, fingerprint),
    async *liveAlerts() {
      for (const state of ['firing', 'silenced'] as const)
        for await (const alert of everyOf(page => store.alerts({ ...page, state })))
          if (alert.source === source) yield alert;
    },
    takeRecords: batch => records.take(source, batch),
    letters: createDeadLetters(source, parts, listener => on('letter.retrying', listener)),
    lost: (count, because) => records.lost(source, count, because),
    halted: async () => (await store.halted()) !== null,
    onResume: listener => on('halt.cleared', listener),
  };
}

interface Heard {
  on(kind: 'halt.cleared' | 'letter.retrying', listener: () => void): () => void;
  stop(): Promise<void>;
}

/** Tells of each time that somebody resumed, or asked for another try, on whichever node. */
async function followActs({ store, feed }: TickerParts): Promise<Heard> {
  const listeners = { 'halt.cleared': new Set<() => void>(), 'letter.retrying': new Set<() => void>() };
  const following = feed.follow({
    name: 'acts for sources',
    after: (await store.head()).seq,
    kinds: ['halt.cleared', 'letter.retrying'],
    batch: 100,
    async handle(entries) {
      const kinds = new Set(entries.map(entry => entry.fact.kind));
      for (const kind of ['halt.cleared', 'letter.retrying'] as const) {
        if (kinds.has(kind)) for (const listener of listeners[kind]) listener();
      }
    },
  });
  return {
    on(kind, listener) {
      listeners[kind].add(listener);
      return () => listeners[kind].delete(listener);
    },
    stop: () => following.stop(),
  };
}
