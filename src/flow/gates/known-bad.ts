import type { Clock } from '../../kernel/clock.ts';
import type { BadEntry, BadMatch } from '../../model/gates/known-bad.ts';
import type { CatalogueSet } from '../../ports/catalogue.ts';
import type { Store } from '../../ports/store.ts';
import { everyOf } from '../journal/pages.ts';
import { createHistory } from './known/history.ts';
import { type BadIndex, createBadIndex } from './known/known.ts';
import { matchBad } from './known/match.ts';
import { createReadFeeds, type FeedHealth } from './known/read-feeds.ts';
import type { KnownBadList } from './parts.ts';

/** For how long what people put on the list is taken from memory, milliseconds: then entries of other nodes count too. */
const peopleFor = 1000;

/** The list of this node. */
export interface KnownBad extends KnownBadList {
  /** What people put there changed: the next match reads it. */
  changed(): void;
  /** Takes in what another node read of feeds, and what people put there. Rejects when the store fails. */
  refresh(): Promise<void>;
  /** Why a feed is not read, by its name; null when all is well. */
  troubles(): Readonly<Record<string, string | null>>;
  feeds(): Readonly<Record<string, FeedHealth>>;
}

export interface KnownBadParts {
  store: Store;
  clock: Clock;
  /** The file as it is in force. */
  file(): CatalogueSet['knownBad'];
  /** Where git is looked for: the value of PATH. */
  path: string;
}

/** Entries of people, of known-bad.yaml and of feeds, found by what they name. The lists are in memory; the store has the truth. */
export function createKnownBad({ store, clock, file, path }: KnownBadParts): KnownBad {
  const history = createHistory(() => file().clones, { path });
  const people = createPeople(store, clock);
  const feeds = createReadFeeds({ store, clock, file });
  const filed = createFiled(file);
  return {
    async match(subject, evidence): Promise<readonly BadMatch[]> {
      const own = [await people.index(), filed()].map(index => ({ index, asOf: null }));
      const sources = [...own, ...(await feeds.sources())];
      return await matchBad(subject, evidence, { sources, history, now: clock.now() });
    },
    changed: () => people.forget(),
    async refresh() {
      people.forget();
      await people.index();
      await feeds.refresh();
    },
    troubles: () => feeds.troubles(),
    feeds: () => feeds.health(),
  };
}

/** The index of the file in force, made once for each reading of it. */
function createFiled(file: KnownBadParts['file']): () => BadIndex {
  let made: { of: CatalogueSet['knownBad']; index: BadIndex } | null = null;
  return () => {
    const of = file();
    if (made?.of !== of) made = { of, index: createBadIndex(of.entries) };
    return made.index;
  };
}

interface People {
  index(): Promise<BadIndex>;
  forget(): void;
}

function createPeople(store: Store, clock: Clock): People {
  let read: { at: number; index: Promise<BadIndex> } | null = null;

  async function load(): Promise<BadIndex> {
    const entries: BadEntry[] = [];
    for await (const one of everyOf(page => store.documents('known-bad', { ...page, state: 'open' })))
      entries.push({ ...one, from: one.id });
    return createBadIndex(entries);
  }

  return {
    async index() {
      const now = clock.monotonic();
      if (read !== null && now - read.at < peopleFor) return await read.index;
      const mine = { at: now, index: load() };
      read = mine;
      try {
        return await mine.index;
      } catch (error) {
        if (read === mine) read = null;
        throw error;
      }
    },
    forget: () => {
      read = null;
    },
  };
}
