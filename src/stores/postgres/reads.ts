import { DummyDriver, Kysely, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler, sql } from 'kysely';
import { TocsinError } from '../../kernel/errors.ts';
import { createSql, type Ready, type Sql } from '../sql/query.ts';
import type { Tables } from '../sql/schema.ts';
import { toStoreFailed } from './failure.ts';
import { createReadBatcher } from './read-batcher.ts';
import { createReadConnection } from './read-connection.ts';
import type { Connect } from './session.ts';

/** How many connections one node reads on. The writer and the listener have their own. */
const readers = 3;

export interface Reads {
  sql: Sql;
  close(): Promise<void>;
}

/** Runs the reads. They reject with `store-failed`, and never wait for longer than the time-outs. */
export function createReads(connect: Connect): Reads {
  const batcher = createReadBatcher(Array.from({ length: readers }, () => createReadConnection(connect)));
  const names = new Map<string, string>();
  let closed = false;
  const nameOf = (statement: string) => {
    const name = names.get(statement) ?? `read-${names.size + 1}`;
    names.set(statement, name);
    return name;
  };
  async function ask<T>(asking: () => Promise<T>): Promise<T> {
    if (closed) throw new TocsinError('store-failed', { message: 'The store is closed.' });
    try {
      return await asking();
    } catch (error) {
      throw toStoreFailed(error);
    }
  }
  return {
    sql: sqlOf(
      text => {
        const name = nameOf(text);
        return {
          all: values => ask(() => batcher.all({ name, text, values: [...values] })),
          first: values => ask(() => batcher.first({ name, text, values: [...values] })),
        };
      },
      (text, values) => ask(() => batcher.all({ name: '', text, values: [...values] })),
    ),
    async close() {
      closed = true;
      await batcher.close();
    },
  };
}

type Once = (statement: string, parameters: readonly unknown[]) => Promise<unknown[]>;

/** The query builder in PostgreSQL's dialect; `ready` runs what it compiles. */
export function sqlOf(
  ready: (statement: string) => Ready,
  once: Once = async (text, values) => ready(text).all(values),
): Sql {
  return createSql({
    tables,
    words: list => sql<string>`(select value from json_array_elements_text(${list}))`,
    holds: (text, part) => sql<boolean>`strpos(${text}, ${part}) > 0`,
    between: (text, begin, end) =>
      sql<
        string | null
      >`case when strpos(${text}, ${begin}) = 0 then null else split_part(split_part(${text}, ${begin}, 2), ${end}, 1) end`,
    once,
    ready,
  });
}

/** Builds and compiles queries; it never runs them. */
const tables = new Kysely<Tables>({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: db => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
});
