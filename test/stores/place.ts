import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Place } from '../contracts/place.ts';

/** An empty folder for the sqlite store. */
export async function sqlitePlace(): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'tocsin-store-'));
  return {
    module: new URL('../../src/stores/sqlite/index.ts', import.meta.url).href,
    folder,
    url: null,
    destroy: () => rm(folder, { recursive: true }),
  };
}
