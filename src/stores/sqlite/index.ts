import { defineStore, type Store, type StoreOptions } from '../../ports/store.ts';
import { toStoreFailed } from './failure.ts';
import { freeAllLeases } from './leases.ts';
import { migrate } from './migrations.ts';
import { openDatabase } from './open.ts';
import { createStore } from './store.ts';

export default defineStore({
  id: 'sqlite',
  about: 'Keeps everything in one SQLite file under the data folder; for one process, with nothing to install.',
  open: openStore,
});

async function openStore(options: StoreOptions): Promise<Store> {
  const db = await openDatabase(options.folder);
  try {
    migrate(db, options.now());
    freeAllLeases(db);
    return createStore(db, options.now, options.onDamage);
  } catch (error) {
    db.close();
    throw toStoreFailed(error);
  }
}
