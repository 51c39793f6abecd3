import { afterEach, beforeEach } from 'vitest';
import type { Store } from '../../src/ports/store.ts';
import type { HandClock } from '../doubles/clock.ts';
import { createGround, type Ground, type Place } from './place.ts';

/** A fresh place with one open store before each test of the suite that calls this. */
export function useGround(makePlace: () => Promise<Place>): { ground(): Ground; store(): Store; clock(): HandClock } {
  let ground: Ground | null = null;
  let store: Store | null = null;
  beforeEach(async () => {
    ground = await createGround(makePlace);
    store = await ground.open();
  });
  afterEach(async () => {
    await ground?.close();
  });
  const ready = <T>(value: T | null): T => {
    if (value === null) throw new Error('used outside of a test');
    return value;
  };
  return { ground: () => ready(ground), store: () => ready(store), clock: () => ready(ground).clock };
}

/** The codes of what was rejected and `ok` for what was not, in order. */
export async function outcomes(promises: readonly Promise<unknown>[]): Promise<string[]> {
  const settled = await Promise.allSettled(promises);
  return settled.map(result => (result.status === 'fulfilled' ? 'ok' : String(result.reason.code ?? result.reason)));
}
