import type { Clock } from '../../kernel/clock.ts';
import type { Log } from '../../kernel/log.ts';
import type { Catalogue } from '../../ports/catalogue.ts';
import type { EmitTools } from '../../ports/source.ts';
import type { Store } from '../../ports/store.ts';
import type { Feed } from '../journal/feed.ts';
import type { Intake } from './intake.ts';

/** Runs the sources that make events themselves, and starts them again when their options change. */
export interface Tickers {
  reload(): Promise<void>;
  stop(): Promise<void>;
}

export async function startTickers(parts: {
  catalogue: Catalogue;
  intake: Intake;
  store: Store;
  feed: Feed;
  clock: Clock;
  log: Log;
}): Promise<Tickers> {
  const { catalogue, log } = parts;
  const resumes = await followResumes(parts);
  let running = new Map<string, { options: string; stop: () => Promise<void> }>();
  let turn: Promise<void> = Promise.resolve();

  async function apply(wanted: boolean) {
    const next: typeof running = new Map();
    const sources = wanted ? catalogue.current().sources : new Map();
    for (const [name, { driver, options }] of sources) {
      if (driver.start === undefined) continue;
      const text = JSON.stringify(options);
      const known = running.get(name);
      if (known?.options === text) {
        next.set(name, known);
        running.delete(name);
        continue;
      }
      next.set(name, { options: text, stop: await driver.start(options, toolsOf(name, parts, resumes.on)) });
    }
    for (const { stop } of running.values()) await stop();
    running = next;
  }

  function reload(wanted: boolean): Promise<void> {
    turn = turn
      .then(() => apply(wanted))
      .catch(error => log.error({ err: error }, 'the schedules could not be started again'));
    return turn;
  }

  await apply(true);
  return {
    reload: () => reload(true),
    async stop() {
      await resumes.stop();
      await reload(false);
    },
  };
}

type Parts = Parameters<typeof startTickers>[0];

function toolsOf(source: string, { intake, store, clock, log }: Parts, onResume: EmitTools['onResume']): EmitTools {
  const cursorOf = (key: string) => `ticks/${source}/${key}`;
  const rowOf = (key: string, value: number) => ({ table: 'cursor' as const, name: cursorOf(key), value });
  return {
    clock,
    log: log.child({ source }),
    emit: (events, once, memo) =>
      intake.emit(source, events, once, undefined, memo === undefined ? [] : [rowOf(memo.key, memo.value)]),
    remembered: key => store.cursor(cursorOf(key)),
    async remember(key, value) {
      await store.commit({ rows: [rowOf(key, value)] });
    },
    halted: async () => (await store.halted()) !== null,
    onResume,
  };
}

/** Tells of each time that somebody resumed, on whichever node. */
async function followResumes({ store, feed }: Parts): Promise<{ on: EmitTools['onResume']; stop(): Promise<void> }> {
  const listeners = new Set<() => void>();
  const following = feed.follow({
    name: 'resumes',
    after: (await store.head()).seq,
    kinds: ['halt.cleared'],
    batch: 100,
    async handle(entries) {
      if (entries.length > 0) for (const listener of listeners) listener();
    },
  });
  return {
    on(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    stop: () => following.stop(),
  };
}
