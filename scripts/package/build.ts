/**
 * prepack: writes dist/, the package as JavaScript with types, since Node runs no TypeScript below node_modules. With --clean, as postpack
 * calls it, dist/ is removed: a checkout runs its sources.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');
const dist = join(root, 'dist');

rmSync(dist, { recursive: true, force: true });
if (!process.argv.includes('--clean')) {
  compile('tsconfig.json');
  compile('tsconfig.types.json');
  // What the sources read beside themselves: styles and scripts of the console, the spawn helpers.
  cpSync(join(root, 'src'), join(dist, 'src'), { recursive: true, filter: path => !path.endsWith('.ts') });
}

function compile(config: string) {
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  const args = [compiler, '-p', join(import.meta.dirname, config)];
  const { status } = spawnSync(process.execPath, args, { stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new Error(`tsc -p ${config} ended with ${status}`);
}
