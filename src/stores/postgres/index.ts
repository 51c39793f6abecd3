import { isCode, TocsinError } from '../../kernel/errors.ts';
import { defineStore, type Store, type StoreOptions } from '../../ports/store.ts';
import { parseAddress } from './address.ts';
import { createListening } from './listen.ts';
import { enter, migrate } from './migrate.ts';
import { toOpenFailure } from './opening.ts';
import { createReads } from './reads.ts';
import { type Connect, createConnect, loadLibrary, type Session } from './session.ts';
import { createStore, probe } from './store.ts';
import { createWriter } from './writer.ts';

export default defineStore({
  id: 'postgres',
  about: 'Keeps everything in a PostgreSQL database; for any number of equal nodes.',
  open: openStore,
});

/**
 * Opens and migrates the database. Rejects with `environment-invalid`, `store-unreachable` (worth waiting for), `store-refused`,
 * `store-too-old`, `store-too-new` or `store-in-use`.
 */
async function openStore(options: StoreOptions): Promise<Store> {
  if (options.url === null) throw new TocsinError('environment-invalid', { at: 'DATABASE_URL', given: 'nothing' });
  const address = parseAddress(options.url);
  const library = await loadLibrary();
  const connect = createConnect(library, address);
  try {
    await prepareDatabase(connect);
  } catch (error) {
    throw toOpenFailure(error, address);
  }
  const writer = createWriter(async () => {
    const session = await connect();
    await enterAndTune(session).catch(async error => {
      await session.close();
      throw error;
    });
    return session;
  });
  const store = createStore({
    writer,
    reads: createReads(connect),
    listening: createListening(connect, () => writer.pid()),
  });
  try {
    // The first write opens the writer's connection, which registers this process (`enter`), and shows that writing works.
    await writer.write(probe);
    return store;
  } catch (error) {
    await store.close();
    throw toOpenFailure(isCode(error, 'store-failed') ? (error.cause ?? error) : error, address);
  }
}

/** The writer always looks up by index. A plan that was made while a table was small must not become a sequential scan of a large one. */
async function enterAndTune(session: Session): Promise<void> {
  await enter(session);
  await session.send([{ text: 'set enable_seqscan = off' }, { text: 'set jit = off' }]);
}

async function prepareDatabase(connect: Connect): Promise<void> {
  const session = await connect({ patient: true });
  try {
    await migrate(session);
  } finally {
    await session.close();
  }
}
