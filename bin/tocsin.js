#!/usr/bin/env node
// The command `tocsin`. Node runs the TypeScript sources as they are, from a checkout or the image; below node_modules it refuses to,
// so an installed copy says so. Written so that an old Node gets this far: it hands over to the release that npm ci brings.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const [major, minor] = process.versions.node.split('.').map(Number);
const here = fileURLToPath(import.meta.url);
const pinned = fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url));

if (/[\\/]node_modules[\\/]/.test(here)) {
  console.error('tocsin: Node runs no TypeScript below node_modules. Clone the repository, or use the image.');
  process.exitCode = 2;
} else if (major > 24 || (major === 24 && minor >= 15)) {
  await import('../src/cli.ts');
} else if (existsSync(pinned)) {
  process.exitCode = spawnSync(pinned, [here, ...process.argv.slice(2)], { stdio: 'inherit' }).status ?? 1;
} else {
  console.error(
    `tocsin: needs Node 24.15 or newer, and this is ${process.version}. Run npm ci first: it brings the right one.`,
  );
  process.exitCode = 2;
}
