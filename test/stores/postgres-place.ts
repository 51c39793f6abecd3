import { afterAll, beforeAll } from 'vitest';
import type { Place } from '../contracts/place.ts';
import { type Postgres, startPostgres } from '../real/postgres.ts';

/** One server for all tests of a file. Without fsync: what is tested survives processes, not a loss of power. */
export function usePostgres(settings: Readonly<Record<string, string>> = {}): () => Postgres {
  let server: Postgres | null = null;
  beforeAll(async () => {
    server = await startPostgres({ fsync: 'off', ...settings });
  });
  afterAll(async () => {
    await server?.destroy();
  });
  return () => {
    if (server === null) throw new Error('used outside of a test');
    return server;
  };
}

export const postgresModule = new URL('../../src/stores/postgres/index.ts', import.meta.url).href;

/** An empty database for the postgres store. Its clock is the test's: leases go by the database's. */
export async function postgresPlace(server: Postgres): Promise<Place> {
  const url = await server.database();
  const name = new URL(url).pathname.slice(1);
  return {
    module: postgresModule,
    folder: '',
    url,
    async setClock(now) {
      await server.ask(
        `create or replace function tocsin_now() returns bigint language sql volatile as 'select ${now}::bigint'`,
        name,
      );
    },
    async destroy() {
      await server.ask(`drop database ${name} with (force)`);
    },
  };
}
