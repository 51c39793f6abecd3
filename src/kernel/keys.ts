import { randomBytes } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError } from './file-error.ts';

/** A secret key of this installation: 32 random bytes as hex in `<folder>/<name>.key`, made at first use, readable by the owner only. */
export async function readOrMakeKey(folder: string, name: string): Promise<string> {
  const path = join(folder, `${name}.key`);
  try {
    const file = await open(path, 'wx', 0o600);
    try {
      const key = randomBytes(32).toString('hex');
      await file.writeFile(key);
      await file.sync();
      return key;
    } finally {
      await file.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw fileError(error, path);
  }
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    throw fileError(error, path);
  }
}
