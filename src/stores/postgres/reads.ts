import { DummyDriver, Kysely, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler, sql } from 'kysely';
import { TocsinError } from '../../kernel/errors.ts';
import { createSql, type Ready, type Sql } from '../sql/query.ts';
import type { Tables } from '../sql/schema.ts';
import { kindOf, toStoreFailed } from './failure.ts';
import type { Answer, Connect, Session, Statement } from './session.ts';

/** The connections of one node that read; the writer and the listener have their own. Reads share them: each takes any number at a time. */
const readers = 3;

export interface Reads {
  sql: Sql;
  close(): Promise<void>;
}

/** How long a read waits for the answers to others at most, milliseconds. */
const patience = 20;

/** Runs the reads. They reject with `store-failed`, and never wait for longer than the time-outs say. */
export function createReads(connect: Connect): Reads {
  const desk = createDesk(Array.from({ length: readers }, () => createLane(connect)));
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
          return (await desk.ask({ name, text, values: [...values] })).rows;
        } catch (error) {
          throw toStoreFailed(error);
        }
      };
    }),
    async close() {
      closed = true;
      await desk.close();
    },
  };
}

interface Desk {
  ask(statement: Required<Statement>): Promise<Answer>;
  close(): Promise<void>;
}

/**
 * One packet at a time on each connection: whatever is asked meanwhile makes the next one, and the same question is asked once in it. So
 * the packets grow with the load, as commits do, and a read that takes long keeps only one connection.
 */
function createDesk(lanes: readonly Lane[]): Desk {
  let waiting = new Map<string, { statement: Statement; answer: PromiseWithResolvers<Answer> }>();
  let planned = false;
  let late: NodeJS.Timeout | undefined;
  const freest = () => lanes.reduce((best, lane) => (lane.busy() < best.busy() ? lane : best));

  function plan(): void {
    if (planned) return;
    planned = true;
    setImmediate(() => {
      planned = false;
      send(false);
    });
  }

  function send(anyhow: boolean): void {
    if (waiting.size === 0) return;
    const lane = freest();
    if (lane.busy() > 0 && !anyhow) {
      late ??= setTimeout(() => send(true), patience);
      return;
    }
    clearTimeout(late);
    late = undefined;
    const all = waiting;
    waiting = new Map();
    for (const { statement, answer } of all.values()) {
      lane.ask(statement).finally(plan).then(answer.resolve, answer.reject);
    }
  }

  return {
    ask(statement) {
      const question = `${statement.name} ${JSON.stringify(statement.values)}`;
      const one = waiting.get(question) ?? { statement, answer: Promise.withResolvers<Answer>() };
      waiting.set(question, one);
      plan();
      return one.answer.promise;
    },
    async close() {
      send(true);
      for (const lane of lanes) await lane.close();
    },
  };
}

interface Lane {
  /** How many reads are under way. */
  busy(): number;
  ask(statement: Statement): Promise<Answer>;
  close(): Promise<void>;
}

/** One connection for reads, opened with the first. A read that lost its connection is asked once more on a new one. */
function createLane(connect: Connect): Lane {
  let session: Promise<Session> | null = null;
  let busy = 0;

  /** A connection that could not be had is not kept, whatever the server said: it may have another mind the next time. */
  function begin(): Promise<Session> {
    const made: Promise<Session> = connect({ gather: true }).catch(error => {
      if (session === made) session = null;
      throw error;
    });
    return made;
  }

  /** Asks on the present connection; one that was lost is given up, so that the next asks on a new one. */
  async function askOnce(statement: Statement): Promise<Answer> {
    session ??= begin();
    const mine = session;
    try {
      const [answer] = await (await mine).send([statement]);
      if (answer === undefined) throw new TocsinError('store-failed', { given: 'no answer' });
      return answer;
    } catch (error) {
      if (kindOf(error) === 'lost' && session === mine) {
        session = null;
        await mine.then(lost => lost.close()).catch(() => {});
      }
      throw error;
    }
  }

  return {
    busy: () => busy,
    async ask(statement) {
      busy += 1;
      try {
        return await askOnce(statement).catch(error => {
          if (kindOf(error) !== 'lost') throw error;
          return askOnce(statement);
        });
      } finally {
        busy -= 1;
      }
    },
    async close() {
      const present = await session?.catch(() => null);
      await present?.close();
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
