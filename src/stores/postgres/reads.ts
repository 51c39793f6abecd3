import { DummyDriver, Kysely, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler, sql } from 'kysely';
import type pg from 'pg';
import { TocsinError } from '../../kernel/errors.ts';
import { createSql, type Ready, type Sql } from '../sql/query.ts';
import type { Tables } from '../sql/schema.ts';
import type { Address } from './address.ts';
import { toStoreFailed } from './failure.ts';
import { clientConfig, typesOf } from './session.ts';

/** The connections of one node that read; the writer and the listener have their own. */
const mostReaders = 6;

export interface Reads {
  sql: Sql;
  close(): Promise<void>;
}

/** Runs the reads over a pool. Rejects with `store-failed`, never waits for longer than the time-outs say. */
export function createReads(library: typeof pg, address: Address): Reads {
  const pool = new library.Pool({
    ...clientConfig(address, typesOf(library)),
    max: mostReaders,
    idleTimeoutMillis: 30_000,
    allowExitOnIdle: true,
  });
  // A connection that ends while it is idle is replaced by the pool; the next read tells when the server is gone.
  pool.on('error', () => {});
  const names = new Map<string, string>();
  let closed = false;
  const nameOf = (statement: string) => {
    const name = names.get(statement) ?? `read-${names.size + 1}`;
    names.set(statement, name);
    return name;
  };
  return {
    sql: sqlOf(text => {
      const name = nameOf(text);
      return async values => {
        if (closed) throw new TocsinError('store-failed', { message: 'The store is closed.' });
        try {
          return (await pool.query({ name, text, values: [...values] })).rows;
        } catch (error) {
          throw toStoreFailed(error);
        }
      };
    }),
    async close() {
      if (closed) return;
      closed = true;
      await pool.end();
    },
  };
}

/** The reads in PostgreSQL's dialect, over whatever runs them. */
export function sqlOf(ready: (statement: string) => Ready): Sql {
  return createSql({
    tables,
    words: list => sql<string>`(select value from json_array_elements_text(${list}))`,
    ready,
  });
}

/** Builds and compiles; it never runs anything. */
const tables = new Kysely<Tables>({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: db => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
});
