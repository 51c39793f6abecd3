import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { explainError } from '../../src/kernel/errors.ts';
import { readOrMakeKey } from '../../src/kernel/keys.ts';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tocsin-keys-'));
  path = join(folder, 'seal.key');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('a key is made once, is the owner’s alone, and leaves nothing beside it', async () => {
  const key = await readOrMakeKey(folder, 'seal');
  expect(key).toMatch(/^[0-9a-f]{64}$/);
  expect(await readFile(path, 'utf8')).toBe(key);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await readOrMakeKey(folder, 'seal')).toBe(key);
  expect(await readdir(folder)).toEqual(['seal.key']);
});

test.each([
  ['an empty file', { 'seal.key': '' }],
  ['a file without its bytes', { 'seal.key': '\0'.repeat(64) }],
  ['half of a draft', { 'seal.key.new': 'abc' }],
])('what a crash left is no key: %s', async (_, left) => {
  for (const [name, text] of Object.entries(left)) await writeFile(join(folder, name), text, { mode: 0o644 });
  const key = await readOrMakeKey(folder, 'seal');
  expect(key).toMatch(/^[0-9a-f]{64}$/);
  expect(await readFile(path, 'utf8')).toBe(key);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await readdir(folder)).toEqual(['seal.key']);
});

test('a key of a person’s own is taken, and refused when it is too short, without being shown', async () => {
  await writeFile(path, `${'k'.repeat(40)}\n`);
  expect(await readOrMakeKey(folder, 'seal')).toBe('k'.repeat(40));
  await writeFile(path, 'hunter2\n');
  const error = await readOrMakeKey(folder, 'seal').catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: 'file-unusable', at: path });
  expect(explainError(error)).not.toContain('hunter2');
  expect(await readFile(path, 'utf8')).toBe('hunter2\n');
});
