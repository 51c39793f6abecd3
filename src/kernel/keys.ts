import { randomBytes } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { TocsinError } from './errors.ts';
import { fileError, isMissing } from './file-error.ts';

/** The shortest key, characters. Ours have 64; a key that a person wrote may be shorter, but must not be guessable. */
const least = 32;

/**
 * A secret key of this installation: 32 random bytes as hex in `<folder>/<name>.key`, created at first use with mode 0600. An empty file is
 * the rest of a crash and is replaced. Only the process that owns the folder may call it. Rejects with `file-unusable` or `file-missing`.
 */
export async function readOrMakeKey(folder: string, name: string): Promise<string> {
  const path = join(folder, `${name}.key`);
  try {
    const key = await readKey(path);
    if (key === '') return await makeKey(path);
    if (key.length >= least) return key;
  } catch (error) {
    throw fileError(error, path);
  }
  throw new TocsinError('file-unusable', {
    message: 'The key in it is too short.',
    at: path,
    allowed: `${least} characters or more`,
    remedy: 'Remove the file; the next start makes a new key. Buttons that were posted before are refused then.',
  });
}

/** Empty when there is no key. NULs are dropped: after a power failure a file may have its length but zeros for its bytes. */
async function readKey(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).replaceAll('\0', '').trim();
  } catch (error) {
    if (isMissing(error)) return '';
    throw error;
  }
}

/** Writes and syncs a draft first: the file gets its final name only when its bytes are on disk. */
async function makeKey(path: string): Promise<string> {
  const draft = `${path}.new`;
  // A draft is left when an earlier start ended before the rename.
  await rm(draft, { force: true });
  const key = randomBytes(32).toString('hex');
  const file = await open(draft, 'wx', 0o600);
  try {
    await file.writeFile(key);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
  return key;
}
