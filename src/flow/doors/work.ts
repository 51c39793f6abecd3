import type { Clock } from '../../kernel/clock.ts';
import { TocsinError } from '../../kernel/errors.ts';

/** A question whose caller waits to be told. */
export interface Item {
  id: string;
  /** The earliest entry of the journal that is not done with. */
  seq: number;
  /** What its caller was told last while people decide. */
  said: string | null;
}

/** The questions under way, each looked at by one at a time, with back-off after a failure. */
export interface Work {
  /** Adds it, or has it looked at now. */
  add(id: string, seq: number): void;
  /** The lowest sequence that is not done with; infinite when nothing is under way. */
  lowest(): number;
  stop(): Promise<void>;
}

/** The most that are looked at at the same time. */
const mostBusy = 4;
/** The first and the longest back-off, milliseconds. */
const pauses = { first: 500, longest: 60_000 };

interface Entry {
  item: Item;
  /** By the monotonic clock. */
  notBefore: number;
  failures: number;
  busy: boolean;
  /** Something changed while it was looked at. */
  again: boolean;
}

/** `look` resolves to the pause until the next look, infinite until something changes, null when it is done with; it may reject. */
export function createWork(look: (item: Item) => Promise<number | null>, clock: Clock): Work {
  const entries = new Map<string, Entry>();
  const end = new AbortController();
  let changed = Promise.withResolvers<void>();
  const wake = () => {
    changed.resolve();
    changed = Promise.withResolvers<void>();
  };

  async function run(entry: Entry): Promise<void> {
    entry.busy = true;
    entry.again = false;
    const pause = await look(entry.item).then(
      found => {
        entry.failures = 0;
        return found;
      },
      error => {
        entry.failures += 1;
        const backOff = Math.min(pauses.longest, pauses.first * 2 ** Math.min(entry.failures - 1, 10));
        return Math.max(backOff, error instanceof TocsinError ? (error.retryAfter ?? 0) : 0);
      },
    );
    entry.busy = false;
    if (pause === null && !entry.again) entries.delete(entry.item.id);
    else entry.notBefore = entry.again && entry.failures === 0 ? 0 : clock.monotonic() + (pause ?? 0);
    wake();
  }

  async function loop(): Promise<void> {
    const busy = new Set<Promise<void>>();
    while (!end.signal.aborted) {
      const now = clock.monotonic();
      const free = [...entries.values()].filter(entry => !entry.busy).sort((a, b) => a.notBefore - b.notBefore);
      const [next] = free;
      if (next !== undefined && next.notBefore <= now && busy.size < mostBusy) {
        const task: Promise<void> = run(next).finally(() => busy.delete(task));
        busy.add(task);
        continue;
      }
      await rest(
        busy.size >= mostBusy ? Number.POSITIVE_INFINITY : (next?.notBefore ?? Number.POSITIVE_INFINITY) - now,
      );
    }
    await Promise.all(busy);
  }

  async function rest(pause: number): Promise<void> {
    const stop = new AbortController();
    const signal = AbortSignal.any([stop.signal, end.signal]);
    const sleep = Number.isFinite(pause) ? [clock.sleep(pause, signal).catch(() => {})] : [];
    await Promise.race([changed.promise, ...sleep]);
    stop.abort();
  }

  const looping = loop();
  return {
    add(id, seq) {
      const known = entries.get(id);
      if (known === undefined)
        entries.set(id, { item: { id, seq, said: null }, notBefore: 0, failures: 0, busy: false, again: false });
      else if (known.busy) known.again = true;
      else if (known.failures === 0) known.notBefore = 0;
      wake();
    },
    lowest: () => Math.min(Number.POSITIVE_INFINITY, ...[...entries.values()].map(({ item }) => item.seq)),
    async stop() {
      end.abort();
      wake();
      await looping;
    },
  };
}
