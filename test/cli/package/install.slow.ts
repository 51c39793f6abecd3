import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, test } from 'vitest';
import { endAll } from '../process.ts';
import { installGlobally, packAndInstall, removeAll } from './install.ts';
import { walkFirstHour } from './walk.ts';

const folder = mkdtempSync(join(tmpdir(), 'tocsin-global-'));
afterEach(endAll);
afterAll(() => removeAll(folder), 600_000);

test('npm installs the package with -g below a prefix, and its command works', { timeout: 900_000 }, async () => {
  const installed = await packAndInstall(folder);
  await walkFirstHour(await installGlobally(installed, join(folder, 'prefix')), join(folder, 'home'), 'tocsin');
});
