import { existsSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join, relative, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { packageRoot } from '../../kernel/here.ts';

/** Where a copy of Tocsin lies, and what leads to it; other places are for tests. */
export interface Place {
  /** The folder of its package.json. */
  root: string;
  /** The PATH of the shell; undefined where there is none. */
  path: string | undefined;
}

export function thisPlace(env: Readonly<Record<string, string | undefined>>): Place {
  return { root: packageRoot, path: env['PATH'] };
}

/**
 * The command that starts this copy of Tocsin in a shell that stands in `folder`: `tocsin` where PATH leads to it, `npx tocsin` where npm
 * finds it in the project around the folder, and else its path. So npx is never told to look for it in a public registry.
 */
export function commandFor(folder: string, { root, path }: Place): string {
  const own = join(root, 'bin/tocsin.js');
  // npx and npm run put folders of the project in front of PATH, which the shell does not have afterwards.
  const folders = (path ?? '').split(delimiter).filter(one => one !== '' && !one.includes('node_modules'));
  for (const name of ['tocsin', 'tocsin.js']) {
    const first = folders.map(one => join(one, name)).find(existsSync);
    if (first !== undefined && isSame(first, own)) return name;
  }
  return isInProject(folder, root) ? 'npx tocsin' : quoted(own);
}

/** The place of a schema for the comment of a file in `folder`: relative within a project, so that it holds for others too. Null when there is none. */
export function schemaFor(name: string, folder: string, { root }: Place): string | null {
  const schema = join(root, 'docs/schemas', name);
  if (!existsSync(schema)) return null;
  return isInProject(folder, root) ? relative(folder, schema).split(sep).join('/') : pathToFileURL(schema).href;
}

/** Whether npm, asked in the folder, looks into a project that has this copy, or is it. */
function isInProject(folder: string, root: string): boolean {
  for (let at = folder; ; at = dirname(at)) {
    if (existsSync(join(at, 'package.json')) || existsSync(join(at, 'node_modules')))
      return isSame(at, root) || isSame(join(at, 'node_modules/tocsin'), root);
    if (dirname(at) === at) return false;
  }
}

function isSame(a: string, b: string): boolean {
  try {
    return realpathSync(a) === realpathSync(b);
  } catch {
    return false;
  }
}

/** As one word of a POSIX shell. */
export function quoted(word: string): string {
  return /^[A-Za-z0-9_/.:@%+,=-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
