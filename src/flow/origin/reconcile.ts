import type { Clock } from '../../kernel/clock.ts';
import { messageOf } from '../../kernel/errors.ts';
import type { Ids } from '../../kernel/ids.ts';
import type { Log } from '../../kernel/log.ts';
import type { Alert } from '../../model/alert.ts';
import type { Catalogue, ConfiguredSource } from '../../ports/catalogue.ts';
import { canAsk, type Listing } from '../../ports/source.ts';
import type { Store } from '../../ports/store.ts';
import type { Feed } from '../journal/feed.ts';
import { createOnceLogger } from '../journal/log-once.ts';
import { everyOf } from '../journal/pages.ts';
import type { Intake } from '../pipeline/intake.ts';
import { createReceivers } from '../pipeline/receivers.ts';
import { applyList, type Suspects, strangenessOf } from './apply-list.ts';
import type { Looks } from './looks.ts';
import { createQuietMarks } from './quiet.ts';

/**
 * Compares what is live here with what its origin lists, so that lost news is made up for: a resolve that never came, a firing that was
 * refused, a silence there. And marks what can be asked nowhere and was not heard of for too long.
 */
export interface ReconcileService {
  /** One round, now. Resolves to true when something is to be looked at again soon. */
  round(): Promise<boolean>;
  /** Of each source that is compared. */
  health(): Record<string, ListHealth>;
  stop(): Promise<void>;
}

export interface ListHealth {
  /** True when its newest list was had and trusted. */
  well: boolean;
  /** Why none could be had or trusted for some rounds; null while it may be a start or a short outage. */
  trouble: string | null;
}

export interface ReconcileParts {
  store: Store;
  feed: Feed;
  clock: Clock;
  ids: Ids;
  log: Log;
  catalogue: Catalogue;
  looks: Looks;
  intake: Intake;
}

/** Milliseconds: before the first round, between two rounds (with up to a tenth more or less), and when something is in doubt. */
const first = 5000;
const every = 60_000;
const soon = 15_000;

/** How long one list may take, milliseconds. */
const timeout = 30_000;

/** So many rounds without a list that can be trusted are told on /readyz: a start of the origin takes two or three. */
const patience = 4;

export function startReconcile(parts: ReconcileParts): ReconcileService {
  const { clock, log } = parts;
  const end = new AbortController();
  const { round, health } = createRounds(parts, end.signal);
  const onceLogger = createOnceLogger(log, {}, 'what fires could not be compared with the origins and is tried again');

  async function roundSafely(): Promise<boolean> {
    try {
      const again = await round();
      onceLogger.well();
      return again;
    } catch (error) {
      onceLogger.failed(error);
      return false;
    }
  }

  async function loop(): Promise<void> {
    for (let pause = first; ; ) {
      await clock.sleep(pause, end.signal);
      pause = (await roundSafely()) ? soon : Math.round(every * (0.9 + Math.random() / 5));
    }
  }

  const ended = loop().catch(() => {});
  return {
    round,
    health,
    async stop() {
      end.abort(new Error('stopped'));
      await ended;
    },
  };
}

function createRounds(parts: ReconcileParts, signal: AbortSignal): Pick<ReconcileService, 'round' | 'health'> {
  const { clock, catalogue } = parts;
  const memories = new Map<string, Memory>();
  const receivers = createReceivers(parts);
  const quiet = createQuietMarks(parts);

  async function compare(source: ConfiguredSource, live: readonly Alert[]): Promise<boolean> {
    const { name } = source;
    const memory = memories.get(name) ?? createMemory(name, parts.log);
    memories.set(name, memory);
    const asked = { at: clock.now(), monotonic: clock.monotonic() };
    const listing = await ask(source, clock, signal);
    if (signal.aborted) return false;
    const doubt = listing.ok ? await strangenessOf(listing, source, receivers) : listing.because;
    if (doubt !== null) memory.fail(doubt);
    if (!listing.ok || doubt !== null) return false;
    memory.well();
    memory.suspects = await applyList(
      { source, listing, live: live.filter(alert => alert.source === name), asked, suspects: memory.suspects },
      { ...parts, receivers, signal },
    );
    return memory.suspects.size > 0;
  }

  async function round(): Promise<boolean> {
    await quiet.mark();
    const sources = [...catalogue.current().sources.values()].filter(
      source => canAsk(source) && source.driver.listFiring !== undefined,
    );
    for (const name of memories.keys()) if (!sources.some(source => source.name === name)) memories.delete(name);
    if (sources.length === 0) return false;
    // Read before the origins are asked: what becomes live meanwhile is in no doubt.
    const live = await readLive(parts.store);
    const results = await Promise.allSettled(sources.map(source => compare(source, live)));
    for (const result of results) if (result.status === 'rejected') throw result.reason;
    return results.some(result => result.status === 'fulfilled' && result.value);
  }

  const health = () => Object.fromEntries([...memories].map(([name, memory]) => [name, memory.health()]));
  return { round, health };
}

async function ask(source: ConfiguredSource, clock: Clock, signal: AbortSignal): Promise<Listing> {
  try {
    // The address comes from tocsin.yaml, never from an event, so the egress rules of runbooks do not apply.
    const tools = { fetch, signal: AbortSignal.any([signal, AbortSignal.timeout(timeout)]), clock };
    const listing = await source.driver.listFiring?.(source.options, tools);
    return listing ?? { ok: false, because: `${source.name} has no list` };
  } catch (error) {
    return { ok: false, because: `${source.name} could not be asked for its list: ${messageOf(error)}` };
  }
}

/** What is known of one source between two rounds. */
interface Memory {
  suspects: Suspects;
  well(): void;
  fail(because: string): void;
  health(): ListHealth;
}

function createMemory(source: string, log: Log): Memory {
  let failures = 0;
  let last: string | null = null;
  return {
    suspects: new Map(),
    well() {
      failures = 0;
      last = null;
    },
    fail(because) {
      // Two lists that say the same count only when they follow each other.
      this.suspects = new Map();
      last = because;
      failures++;
      if (failures === 1) log.info({ source, because }, 'its list of alerts is not used this time');
      if (failures === patience) log.warn({ source, because }, 'its list of alerts cannot be used');
    },
    health: () => ({ well: failures === 0, trouble: failures < patience ? null : last }),
  };
}

async function readLive(store: Store): Promise<Alert[]> {
  const live: Alert[] = [];
  for (const state of ['firing', 'silenced'] as const)
    for await (const alert of everyOf(page => store.alerts({ ...page, state }))) live.push(alert);
  return live;
}
