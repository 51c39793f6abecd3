import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { type Compilable, DummyDriver, Kysely, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from 'kysely';
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

/** Stands for a value that is bound when the query runs. */
class Slot {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

const slots = new Proxy({}, { get: (_, name) => new Slot(String(name)) });

/** `prepare<{ id: string }>(db)(v => tables.selectFrom('run').select('doc').where('id', '=', v.id))` */
export function prepare<V extends Values = Record<never, never>>(db: DatabaseSync) {
  return <R>(build: (values: V) => Compilable<R>): Query<V, R> => {
    const compiled = build(slots as V).compile();
    const statement = db.prepare(compiled.sql);
    const bind = (values: V) =>
      compiled.parameters.map(given => (given instanceof Slot ? values[given.name] : given) as SQLInputValue);
    return {
      all: values => statement.all(...bind(values)) as R[],
      first: values => statement.get(...bind(values)) as R | undefined,
      run: values => Number(statement.run(...bind(values)).changes),
    };
  };
}

/** A query whose clauses depend on which filters are given: prepared once for each combination that occurs. */
export function prepareFiltered<V extends Values>(db: DatabaseSync) {
  return <R>(build: (values: V, has: (name: keyof V) => boolean) => Compilable<R>) => {
    const prepared = new Map<string, Query<V, R>>();
    return (values: { [K in keyof V]: V[K] | undefined }): R[] => {
      const given = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
      const shape = Object.keys(given).join();
      let query = prepared.get(shape);
      if (query === undefined) {
        query = prepare<V>(db)(slot => build(slot, name => name in given));
        prepared.set(shape, query);
      }
      return query.all(given as V);
    };
  };
}
