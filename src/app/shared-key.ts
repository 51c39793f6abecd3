import { randomInt } from 'node:crypto';
import { isCode } from '../kernel/errors.ts';
import { readOrMakeKey } from '../kernel/keys.ts';
import type { Store } from '../ports/store.ts';
import type { AppOptions } from './options.ts';

/** The key that seals buttons. Any node of a fleet may be asked to check a button that another one made. */
export async function readSealKey(
  options: Pick<AppOptions, 'dataFolder' | 'clock'>,
  store: Store,
  shared: boolean,
): Promise<string> {
  if (!shared) return await readOrMakeKey(options.dataFolder, 'seal');
  return await readOrMakeSharedKey(store, 'seal', options.clock.now());
}

/** A key has 288 bits: this many numbers of 48 bits. */
const count = 6;
const digits = 12;

/**
 * A secret key that all nodes of a fleet share, as hex, created by the first node that asks. The store keeps numbers under names, so the
 * key is stored as numbers. Everyone with read access to the database can read it. It only seals buttons and grants no rights.
 */
async function readOrMakeSharedKey(store: Store, name: string, now: number): Promise<string> {
  const names = Array.from({ length: count }, (_, n) => `key/${name}/${n}`);
  const read = async () => {
    const numbers = await Promise.all(names.map(one => store.cursor(one)));
    return numbers.includes(0) ? null : numbers.map(one => one.toString(16).padStart(digits, '0')).join('');
  };
  const known = await read();
  if (known !== null) return known;
  try {
    await store.commit({
      guards: [{ kind: 'claim', space: 'key', key: name, at: now, keep: null }],
      rows: names.map(one => ({ table: 'cursor', name: one, value: randomInt(1, 2 ** 48 - 1) })),
    });
  } catch (error) {
    if (!isCode(error, 'guard-failed')) throw error;
  }
  const made = await read();
  if (made === null) throw new Error(`the key ${name} was made and cannot be read`);
  return made;
}
