import { TocsinError } from '../../kernel/errors.ts';
import { kindOf } from './failure.ts';
import type { Answer, Connect, Session, Statement } from './session.ts';

export interface ReadConnection {
  /** How many reads are under way. */
  busy(): number;
  ask(statement: Statement): Promise<Answer>;
  close(): Promise<void>;
}

/** One connection for reads, opened with the first read. A read whose connection was lost is retried once on a new one. */
export function createReadConnection(connect: Connect): ReadConnection {
  let session: Promise<Session> | null = null;
  let busy = 0;

  /** A failed connection attempt is not kept, whatever its error: the next one may succeed. */
  function begin(): Promise<Session> {
    const made: Promise<Session> = connect({ gather: true }).catch(error => {
      if (session === made) session = null;
      throw error;
    });
    return made;
  }

  /** Asks on the present connection. A lost connection is dropped, so that the next read opens a new one. */
  async function askOnce(statement: Statement): Promise<Answer> {
    session ??= begin();
    const current = session;
    try {
      const [answer] = await (await current).send([statement]);
      if (answer === undefined) throw new TocsinError('store-failed', { given: 'no answer' });
      return answer;
    } catch (error) {
      if (kindOf(error) === 'lost' && session === current) {
        session = null;
        await current.then(lost => lost.close()).catch(() => {});
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
