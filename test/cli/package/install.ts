import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startRegistry } from '../../doubles/npm-registry.ts';
import { root } from '../process.ts';

const run = promisify(execFile);

export interface Installed {
  /** The files of the package, relative to it. */
  files: readonly string[];
  tarball: string;
  /** The command in the project that the package was installed into. */
  command: string;
  /** The folder of the package there. */
  package: string;
}

/** Packs the checkout, and installs the package by npm in a project, `folder/project`. */
export async function packAndInstall(folder: string): Promise<Installed> {
  const project = join(folder, 'project');
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), '{ "name": "a-project", "private": true }\n');
  const stdout = await npm(root, 'pack', '--json', '--pack-destination', folder);
  const [packed]: { filename: string; files: { path: string }[] }[] = JSON.parse(stdout);
  const tarball = join(folder, packed?.filename ?? '');
  await npm(project, 'install', tarball);
  return {
    files: (packed?.files ?? []).map(({ path }) => path),
    tarball,
    command: join(project, 'node_modules/.bin/tocsin'),
    package: join(project, 'node_modules/tocsin'),
  };
}

/** The same as npm makes it with -g below a prefix, without another copy of all packages. The path of the command. */
export function likeGlobal(installed: Installed, prefix: string): string {
  const place = join(prefix, 'lib/node_modules/tocsin');
  mkdirSync(join(prefix, 'bin'), { recursive: true });
  const made = join(installed.package, 'node_modules');
  cpSync(installed.package, place, { recursive: true, filter: path => !path.startsWith(made) });
  symlinkSync(join(installed.package, '..'), join(place, 'node_modules'));
  symlinkSync('../lib/node_modules/tocsin/bin/tocsin.js', join(prefix, 'bin/tocsin'));
  return join(prefix, 'bin/tocsin');
}

export async function installGlobally({ tarball }: Installed, prefix: string): Promise<string> {
  await npm(root, 'install', '--global', '--prefix', prefix, tarball);
  return join(prefix, 'bin/tocsin');
}

/** Removes what may be tens of thousands of files. */
export function removeAll(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}

/** Runs npm. It asks the double for facts; the files come from its cache, where those of this checkout came from. Resolves to its output. */
async function npm(cwd: string, ...words: string[]): Promise<string> {
  const registry = await startRegistry(root);
  const env = {
    ...process.env,
    npm_config_registry: registry.url,
    npm_config_update_notifier: 'false',
    PATH: `${join(root, 'node_modules/.bin')}:${process.env['PATH']}`,
  };
  const quiet = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
  try {
    return (await run('npm', [...words, ...quiet], { cwd, env, maxBuffer: 64 * 1024 * 1024 })).stdout;
  } finally {
    await registry.close();
  }
}
