import { TocsinError } from '../../kernel/errors.ts';
import { kindOf } from './failure.ts';
import type { Answer, Connect, Session, Statement } from './session.ts';

export interface ReadConnection {
  /** How many reads are under way. */
  busy(): number;
  ask(statement: Statement): Promise<Answer>;
  close(): Promise<void>;
}

/** One connection for reads, opened with the first. A read that lost its connection is asked once more on a new one. */
export function createReadConnection(connect: Connect): ReadConnection {
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
