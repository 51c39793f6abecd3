import type { Store, StoreDriver } from '../../src/ports/store.ts';
import { createClock, type HandClock } from '../doubles/clock.ts';

/** Where one implementation keeps one database: everything a suite, or a second process, needs to open it. */
export interface Place {
  /** The driver's file as a URL. */
  module: string;
  folder: string;
  url: string | null;
  /** Sets the clock of a store that has one of its own; called once it is open, and whenever the hand clock was moved. */
  setClock?(now: number): Promise<void>;
  destroy(): Promise<void>;
}

/** A database for one test, and whatever opened it. */
export interface Harness {
  clock: HandClock;
  place: Place;
  open(): Promise<Store>;
  close(): Promise<void>;
}

export async function createHarness(makePlace: () => Promise<Place>): Promise<Harness> {
  const place = await makePlace();
  const clock = withPlace(createClock(), place);
  const opened: Store[] = [];
  const driver = await loadDriver(place.module);
  return {
    clock,
    place,
    async open() {
      const store = await driver.open({ folder: place.folder, url: place.url, now: clock.now });
      opened.push(store);
      await place.setClock?.(clock.now());
      return store;
    },
    async close() {
      for (const store of opened) await store.close();
      await place.destroy();
    },
  };
}

function withPlace(clock: HandClock, place: Place): HandClock {
  return {
    ...clock,
    async advance(ms) {
      await clock.advance(ms);
      await place.setClock?.(clock.now());
    },
  };
}

export async function loadDriver(module: string): Promise<StoreDriver> {
  const loaded: { default: StoreDriver } = await import(module);
  return loaded.default;
}
