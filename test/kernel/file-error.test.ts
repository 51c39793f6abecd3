import { mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TocsinError } from '../../src/kernel/errors.ts';
import { fileError, isMissing } from '../../src/kernel/file-error.ts';
import { readOrMakeKey } from '../../src/kernel/keys.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tocsin-files-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const failure = (path: string) => readFile(path).catch((error: unknown) => error);

test('says in words what the system says by a code, once with the path and once as it was given', async () => {
  const missing = await failure(join(folder, 'x'));
  expect(isMissing(missing)).toBe(true);
  expect(fileError(missing, 'x', join(folder, 'x'))).toMatchObject({
    code: 'file-missing',
    message: 'There is no such file or folder.',
    given: 'x',
    at: join(folder, 'x'),
  });
  await symlink('round', join(folder, 'round'));
  const round = fileError(await failure(join(folder, 'round')), 'round');
  expect(round).toMatchObject({ code: 'file-unusable', message: 'Its links lead in a circle.', at: undefined });
  const odd = Object.assign(new Error('EODD: something odd, read'), { code: 'EODD', syscall: 'read' });
  expect(fileError(odd, 'x')).toMatchObject({ code: 'file-unusable', message: 'EODD: something odd, read.' });
});

test('leaves alone what is no error of the system', () => {
  const own = new TocsinError('journal-broken');
  for (const error of [own, new Error('x'), 'x', Object.assign(new Error('x'), { code: 'constructor' })])
    expect(fileError(error, 'x')).toBe(error);
});

test('a key that cannot be read or made is told with its path', async () => {
  const refused = (path: string) => readOrMakeKey(path, 'seal').catch((error: unknown) => error);
  expect(await refused(join(folder, 'none'))).toMatchObject({
    code: 'file-missing',
    given: join(folder, 'none/seal.key'),
  });
  await symlink('seal.key', join(folder, 'seal.key'));
  expect(await refused(folder)).toMatchObject({ code: 'file-unusable', given: join(folder, 'seal.key') });
  await rm(join(folder, 'seal.key'));
  const key = await readOrMakeKey(folder, 'seal');
  expect(key).toMatch(/^[0-9a-f]{64}$/);
  expect(await readOrMakeKey(folder, 'seal')).toBe(key);
});
