import { afterEach, beforeEach } from 'vitest';
import type { Store } from '../../src/ports/store.ts';
import type { HandClock } from '../doubles/clock.ts';
import { createHarness, type Harness, type Place } from './place.ts';

/** A fresh place with one open store before each test of the suite that calls this. */
export function useHarness(makePlace: () => Promise<Place>): {
  harness(): Harness;
  store(): Store;
  clock(): HandClock;
} {
  let harness: Harness | null = null;
  let store: Store | null = null;
  beforeEach(async () => {
    harness = await createHarness(makePlace);
    store = await harness.open();
  });
  afterEach(async () => {
    await harness?.close();
  });
  const ready = <T>(value: T | null): T => {
    if (value === null) throw new Error('used outside of a test');
    return value;
  };
  return { harness: () => ready(harness), store: () => ready(store), clock: () => ready(harness).clock };
}

/** The codes of what was rejected and `ok` for what was not, in order. */
export async function outcomes(promises: readonly Promise<unknown>[]): Promise<string[]> {
  const settled = await Promise.allSettled(promises);
  return settled.map(result => (result.status === 'fulfilled' ? 'ok' : String(result.reason.code ?? result.reason)));
}
