import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { TocsinError } from './errors.ts';

/**
 * Loads all drivers of a shelf (plugin folder), by id. The default export of a file `x.ts` or `x/index.ts` is the driver with the id `x`;
 * in a package they end in .js. Names that begin with a dot or `_` are no drivers. `address` is the URL that a file is imported from.
 * Rejects with `driver-invalid` when the id differs, or as `check` throws.
 */
export async function loadShelf<T extends { id: string }>(
  folder: string,
  check: (value: unknown, file: string) => T,
  address: (file: string) => string = file => pathToFileURL(file).href,
): Promise<Map<string, T>> {
  const entries = await readdir(folder, { withFileTypes: true });
  const drivers = new Map<string, T>();
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const file = entry.isDirectory() ? indexOf(join(folder, entry.name)) : join(folder, entry.name);
    if (/^[._]/.test(entry.name) || !/\.[jt]s$/.test(file) || /\.(?:d|test)\.ts$/.test(file)) continue;
    const id = entry.name.replace(/\.[jt]s$/, '');
    const module: { default?: unknown } = await import(address(file));
    const driver = check(module.default, file);
    if (driver.id !== id) {
      throw new TocsinError('driver-invalid', {
        message: `The driver's id is not its file's name.`,
        at: file,
        allowed: id,
        given: driver.id,
      });
    }
    drivers.set(id, driver);
  }
  return drivers;
}

function indexOf(folder: string): string {
  const source = join(folder, 'index.ts');
  return existsSync(source) ? source : join(folder, 'index.js');
}

/** A check for loadShelf that the default export is an object with `id` and these members. It throws `driver-invalid`. */
export function hasMembers<T extends { id: string }>(
  ...members: (keyof T & string)[]
): (value: unknown, file: string) => T {
  return (value, file) => {
    const missing = ['id', ...members].filter(
      member => value === null || typeof value !== 'object' || !(member in value),
    );
    if (missing.length > 0)
      throw new TocsinError('driver-invalid', {
        at: file,
        allowed: ['id', ...members],
        given: `without ${missing.join(', ')}`,
      });
    return value as T;
  };
}
