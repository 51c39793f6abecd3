import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hasMembers, loadShelf } from '../../src/kernel/shelf.ts';

interface Driver {
  id: string;
  open(): string;
}

describe('a shelf', () => {
  let folder: string;
  const load = () => loadShelf(folder, hasMembers<Driver>('open'));
  const put = async (name: string, text: string) => {
    await mkdir(join(folder, name, '..'), { recursive: true });
    await writeFile(join(folder, name), text);
  };

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tocsin-shelf-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  test('has a driver for each file and each folder with an index, in the order of their names', async () => {
    await put('b.ts', `export default { id: 'b', open: () => 'b' };`);
    await put('a/index.ts', `import { word } from './private.ts'; export default { id: 'a', open: () => word };`);
    await put('a/private.ts', `export const word = 'from a';`);
    await put('notes.md', 'no driver');
    await put('types.d.ts', 'export type X = 1;');
    const shelf = await load();
    expect([...shelf].map(([id, driver]) => [id, driver.open()])).toEqual([
      ['a', 'from a'],
      ['b', 'b'],
    ]);
  });

  test('refuses an id that is not the file’s name', async () => {
    await put('grafana.ts', `export default { id: 'Grafana', open() {} };`);
    await expect(load()).rejects.toMatchObject({
      code: 'driver-invalid',
      at: join(folder, 'grafana.ts'),
      allowed: 'grafana',
      given: 'Grafana',
    });
  });

  test.each([
    ['nothing as default', 'export const x = 1;', 'without id, open'],
    ['null', 'export default null;', 'without id, open'],
    ['a function', 'export default () => 1;', 'without id, open'],
    ['a part of it', `export default { id: 'x' };`, 'without open'],
  ])('refuses %s', async (_, text, given) => {
    await put('x.ts', text);
    await expect(load()).rejects.toMatchObject({ code: 'driver-invalid', at: join(folder, 'x.ts'), given });
  });

  test('passes on what a file throws while it loads', async () => {
    await put('x.ts', `throw new Error('broken at load');`);
    await expect(load()).rejects.toThrow('broken at load');
  });
});
