import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import {
  type Compilable,
  DummyDriver,
  Kysely,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  sql,
} from 'kysely';
import { createSql, fill, type Sql, slots } from '../sql/query.ts';
import type { Tables } from '../sql/schema.ts';

/** Builds and compiles; it never runs anything. Compiling a query costs as much as the rest of a request, so each is compiled once. */
export const tables = new Kysely<Tables>({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: db => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
});

type Values = Record<string, SQLInputValue>;

/** A prepared statement whose parameters have names. */
export interface Query<V extends Values, R> {
  all(values: V): R[];
  first(values: V): R | undefined;
  /** Resolves to the number of rows that changed. */
  run(values: V): number;
}

/** `prepare<{ id: string }>(db)(v => tables.selectFrom('run').select('doc').where('id', '=', v.id))` */
export function prepare<V extends Values = Record<never, never>>(db: DatabaseSync) {
  return <R>(build: (values: V) => Compilable<R>): Query<V, R> => {
    const compiled = build(slots as V).compile();
    const statement = db.prepare(compiled.sql);
    const bind = (values: V) => fill(compiled.parameters, values) as SQLInputValue[];
    return {
      all: values => statement.all(...bind(values)) as R[],
      first: values => statement.get(...bind(values)) as R | undefined,
      run: values => Number(statement.run(...bind(values)).changes),
    };
  };
}

/** SQLite has no split_part. */
const between: Sql['between'] = (text, begin, end) => {
  const rest = sql`substr(${text}, instr(${text}, ${begin}) + ${begin.length})`;
  return sql<
    string | null
  >`case when instr(${text}, ${begin}) = 0 then null else substr(${rest}, 1, instr(${rest}, ${end}) - 1) end`;
};

/** What the reads that both stores share run on here. Statements of SQLite answer at once, so a read sees what was stored when it was asked. */
export function createReadSql(db: DatabaseSync): Sql {
  return createSql({
    tables,
    words: list => sql<string>`(select value from json_each(${list}))`,
    holds: (text, part) => sql<boolean>`instr(${text}, ${part}) > 0`,
    between,
    once: (text, parameters) => db.prepare(text).all(...(parameters as SQLInputValue[])),
    ready: text => {
      const statement = db.prepare(text);
      return {
        all: parameters => statement.all(...(parameters as SQLInputValue[])),
        first: parameters => statement.get(...(parameters as SQLInputValue[])),
      };
    },
  });
}
