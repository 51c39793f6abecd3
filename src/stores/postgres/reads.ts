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

/** Runs the reads. They reject with `store-failed`, and never wait for longer than the time-outs say. */
export function createReads(connect: Connect): Reads {
  const lanes = Array.from({ length: readers }, () => createLane(connect));
  const names = new Map<string, string>();
  let closed = false;
  const nameOf = (statement: string) => {
    const name = names.get(statement) ?? `read-${names.size + 1}`;
    names.set(statement, name);
    return name;
  };
  let turn: Turn | null = null;
  /** The one with the fewest reads under way, so that a slow one keeps few others waiting. */
  const freest = () => lanes.reduce((best, lane) => (lane.busy() < best.busy() ? lane : best));

  /** The reads of one turn of the loop share a packet, and the same question is asked once in it. */
  function askInTurn(statement: Required<Statement>): Promise<Answer> {
    if (turn === null)
      setImmediate(() => {
        turn = null;
      });
    turn ??= { lane: freest(), asked: new Map() };
    const { lane, asked } = turn;
    const question = `${statement.name} ${JSON.stringify(statement.values)}`;
    const answer = asked.get(question) ?? lane.ask(statement);
    asked.set(question, answer);
    return answer;
  }
  return {
    sql: sqlOf(text => {
      const name = nameOf(text);
      return async values => {
        if (closed) throw new TocsinError('store-failed', { message: 'The store is closed.' });
        try {
          return (await askInTurn({ name, text, values: [...values] })).rows;
        } catch (error) {
          throw toStoreFailed(error);
        }
      };
    }),
    async close() {
      closed = true;
      for (const lane of lanes) await lane.close();
    },
  };
}

interface Turn {
  lane: Lane;
  asked: Map<string, Promise<Answer>>;
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
