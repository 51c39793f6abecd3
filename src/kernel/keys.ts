import { randomBytes } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { TocsinError } from './errors.ts';
import { fileError, isMissing } from './file-error.ts';

/** Ours have 64 characters; a person's own may have fewer, but not so few that somebody finds it by trying. */
const least = 32;

/**
 * A secret key of this installation: 32 random bytes as hex in `<folder>/<name>.key`, made at first use, readable by the owner only. An
 * empty file is what a crash left of one, and is replaced. For the one process that owns the folder. Rejects with `file-unusable` or
 * `file-missing`.
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

/** Empty when there is none. A disk that lost its power may keep a file's length without its bytes. */
async function readKey(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).replaceAll('\0', '').trim();
  } catch (error) {
    if (isMissing(error)) return '';
    throw error;
  }
}

/** The file has its name only once its bytes are on disk. */
async function makeKey(path: string): Promise<string> {
  const draft = `${path}.new`;
  // Of a start that ended before it came to the name.
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
