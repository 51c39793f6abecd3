import type { Compilable, Kysely, RawBuilder } from 'kysely';
import type { Tables } from './schema.ts';

export type Values = Record<string, unknown>;

/** A read whose parameters have names. */
export interface Read<V extends Values, R> {
  all(values: V): Promise<R[]>;
  first(values: V): Promise<R | undefined>;
}

/** What the reads of both stores are written in: the builder in one dialect, and how its statements run. */
export interface Sql {
  tables: Kysely<Tables>;
  /** `read<{ id: string }>()(v => tables.selectFrom('run').select('doc').where('id', '=', v.id))` */
  read<V extends Values = Record<never, never>>(): <R>(build: (values: V) => Compilable<R>) => Read<V, R>;
  /** A read whose clauses depend on which filters are given: made ready once for each combination that occurs. */
  readFiltered<V extends Values>(): <R>(
    build: (values: V, has: (name: keyof V) => boolean) => Compilable<R>,
  ) => (values: { [K in keyof V]: V[K] | undefined }) => Promise<R[]>;
  /** A read that is put together when it is asked: searches, whose forms are too many to be kept ready. */
  once<R>(query: Compilable<R>): Promise<R[]>;
  /** Whether a text stands in another. Both databases compare bytes. */
  holds(text: RawBuilder<string>, part: string): RawBuilder<boolean>;
  /** What stands in a text between its first `begin` and the next `end`; null without one. */
  between(text: RawBuilder<string>, begin: string, end: string): RawBuilder<string | null>;
  /** The words of a JSON array, so that one statement serves lists of any length. */
  words(list: string): RawBuilder<string>;
}

/** A statement that is ready: gives its rows for the values of its parameters, in order. */
export interface Ready {
  all(parameters: readonly unknown[]): unknown[] | Promise<unknown[]>;
  /** The first row alone. */
  first(parameters: readonly unknown[]): unknown | Promise<unknown>;
}

/** Stands for a value that is bound when the query runs. */
class Slot {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

export const slots = new Proxy({}, { get: (_, name) => new Slot(String(name)) });

/** The parameters of a compiled query with the values in their places. */
export function fill(parameters: readonly unknown[], values: Values): unknown[] {
  return parameters.map(given => (given instanceof Slot ? values[given.name] : given));
}

/** Compiling a query costs as much as the rest of a request, so each is compiled once. */
export function createSql(parts: {
  tables: Kysely<Tables>;
  words: Sql['words'];
  holds: Sql['holds'];
  between: Sql['between'];
  /** Runs a statement that is not kept ready. */
  once(statement: string, parameters: readonly unknown[]): unknown[] | Promise<unknown[]>;
  ready(statement: string): Ready;
}): Sql {
  const read: Sql['read'] =
    <V extends Values>() =>
    <R>(build: (values: V) => Compilable<R>): Read<V, R> => {
      const compiled = build(slots as V).compile();
      const run = parts.ready(compiled.sql);
      return {
        all: async values => (await run.all(fill(compiled.parameters, values))) as R[],
        first: async values => (await run.first(fill(compiled.parameters, values))) as R | undefined,
      };
    };
  return {
    tables: parts.tables,
    words: parts.words,
    holds: parts.holds,
    between: parts.between,
    async once<R>(query: Compilable<R>) {
      const compiled = query.compile();
      return (await parts.once(compiled.sql, compiled.parameters)) as R[];
    },
    read,
    readFiltered<V extends Values>() {
      return <R>(build: (values: V, has: (name: keyof V) => boolean) => Compilable<R>) => {
        const made = new Map<string, Read<V, R>>();
        return async (values: { [K in keyof V]: V[K] | undefined }): Promise<R[]> => {
          const given = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
          const shape = Object.keys(given).join();
          const query = made.get(shape) ?? read<V>()(slot => build(slot, name => name in given));
          made.set(shape, query);
          return await query.all(given as V);
        };
      };
    },
  };
}
