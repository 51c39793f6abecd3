import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../../kernel/clock.ts';
import { TocsinError } from '../../../kernel/errors.ts';
import { type FeedSpec, type FeedState, feedMemo, feedState } from '../../../model/gates/feed.ts';
import { type BadEntry, listedThing } from '../../../model/gates/known-bad.ts';
import type { CatalogueSet } from '../../../ports/catalogue.ts';
import type { Store } from '../../../ports/store.ts';
import { type BadIndex, createBadIndex } from './known.ts';
import type { BadSource } from './match.ts';

/** For how long the state of the feeds is taken from memory, milliseconds: what one node read counts on all within 5 s. */
const freshFor = 2000;
/** How many entries are parsed before others have their turn. */
const perTurn = 2000;

/** How a feed stands. */
export interface FeedHealth {
  entries: number;
  /** When it was last read well, milliseconds since the epoch; null when never. */
  readAt: number | null;
  trouble: string | null;
}

interface ReadFeeds {
  sources(): Promise<readonly BadSource[]>;
  refresh(): Promise<void>;
  troubles(): Readonly<Record<string, string | null>>;
  health(): Readonly<Record<string, FeedHealth>>;
}

interface ReadFeed {
  spec: FeedSpec;
  state: FeedState;
  index: BadIndex;
  /** What the index was made of. */
  made: string;
}

/** The feeds as this node has them: read from the store, where the node that polls them put what they said. */
export function createReadFeeds(parts: {
  store: Pick<Store, 'memo' | 'blob'>;
  clock: Clock;
  file(): CatalogueSet['knownBad'];
}): ReadFeeds {
  const { store, clock, file } = parts;
  let feeds = new Map<string, ReadFeed>();
  let looked: { at: number; of: CatalogueSet['knownBad']; done: Promise<void> } | null = null;

  async function look(): Promise<void> {
    const next = new Map<string, ReadFeed>();
    for (const spec of file().feeds) {
      const state = parseState(await store.memo(feedMemo(spec.name)));
      if (state === null) continue;
      const known = feeds.get(spec.name);
      const made = `${state.digest} ${spec.blocks}`;
      const same = known !== undefined && known.made === made;
      next.set(spec.name, { spec, state, made, index: same ? known.index : await load(spec, state, store) });
    }
    feeds = next;
  }

  async function fresh(force: boolean): Promise<void> {
    const [at, of] = [clock.monotonic(), file()];
    if (!force && looked !== null && looked.of === of && at - looked.at < freshFor) return await looked.done;
    const mine = { at, of, done: look() };
    looked = mine;
    try {
      await mine.done;
    } catch (error) {
      if (looked === mine) looked = null;
      throw error;
    }
  }

  return {
    async sources() {
      if (file().feeds.length === 0) return [];
      await fresh(false);
      return [...feeds.values()].map(({ index, state }) => ({ index, asOf: state.readAt }));
    },
    refresh: () => fresh(true),
    troubles() {
      return Object.fromEntries(file().feeds.map(spec => [spec.name, troubleOf(feeds.get(spec.name)?.state ?? null)]));
    },
    health() {
      return Object.fromEntries(
        [...feeds].map(([name, { state }]) => {
          const { entries, readAt, trouble } = state;
          return [name, { entries, readAt, trouble }];
        }),
      );
    },
  };
}

/** What is remembered; null for nothing, or what another version wrote in another way: then it is read anew. */
export function parseState(text: string | null): FeedState | null {
  if (text === null) return null;
  const parsed = feedState.safeParse(JSON.parse(text));
  return parsed.success ? parsed.data : null;
}

function troubleOf(state: FeedState | null): string | null {
  if (state === null || state.trouble === null) return null;
  if (state.readAt === null) return `it was never read: ${state.trouble}`;
  const since = new Date(state.readAt).toISOString().slice(0, 16).replace('T', ' ');
  return `${state.trouble}; what it said at ${since} UTC holds`;
}

async function load(spec: FeedSpec, state: FeedState, store: Pick<Store, 'blob'>): Promise<BadIndex> {
  if (state.digest === null) return createBadIndex([]);
  const bytes = await store.blob(state.digest);
  if (bytes === null)
    throw new TocsinError('internal', { message: `What the feed ${spec.name} said is not stored any more.` });
  const entries: BadEntry[] = [];
  const lines = Buffer.from(bytes).toString('utf8').split('\n');
  const common = { from: spec.name, blocks: spec.blocks, until: null };
  for (const [place, line] of lines.entries()) {
    if (place % perTurn === perTurn - 1) await nextTurn();
    if (line === '') continue;
    const { t, r, b }: { t: unknown; r: string; b: string } = JSON.parse(line);
    entries.push({ ...common, thing: listedThing.parse(t), reason: r, by: b || spec.name });
  }
  return createBadIndex(entries);
}

/** The entries as they are stored: one JSON a line, with the keys that `load` reads. */
export function storedEntries(entries: readonly Pick<BadEntry, 'thing' | 'reason' | 'by'>[]): string {
  return entries.map(({ thing, reason, by }) => JSON.stringify({ t: thing, r: reason, b: by })).join('\n');
}
