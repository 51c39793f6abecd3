import type { Dirent } from 'node:fs';
import { lstat, readdir, readFile, realpath } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { explainFile, isMissing } from '../kernel/file-error.ts';
import { runbookId } from '../model/runbook-file.ts';
import type { Problem } from '../ports/catalogue.ts';
import { unreadable } from './problems.ts';
import { largestFile } from './yaml.ts';

export interface FolderFile {
  id: string;
  kind: 'yaml' | 'ts';
  /** Relative to the folder, with forward slashes. */
  path: string;
  /** The path as people see it in messages. */
  file: string;
  bytes: Uint8Array;
}

export interface Folder {
  /** By id. Ids come from this list only, so that input never becomes a path. */
  files: ReadonlyMap<string, FolderFile>;
  problems: Problem[];
  /** Its subfolders, which may hold files that runbooks import. */
  below: readonly string[];
}

/** Reads the runbooks of a folder. Links out of the folder, and names that are not ids, become problems. */
export async function readFolder(folder: string, wanted: boolean): Promise<Folder> {
  const problems: Problem[] = [];
  const files = new Map<string, FolderFile>();
  const entries = await list(folder, wanted, problems);
  for (const entry of entries) {
    const file = join(folder, entry.name);
    const parts = /^(.*)\.(yaml|yml|ts)$/.exec(entry.name);
    if (parts === null || isAside(entry.name)) continue;
    const [, id = '', ending] = parts;
    const fault =
      ending === 'yml'
        ? { message: 'a runbook ends in .yaml', given: entry.name }
        : await faultOf(folder, file, id, files);
    if (fault !== null) problems.push({ file, line: 1, column: 1, code: 'file-invalid', level: 'error', ...fault });
    else {
      const bytes = await readFile(file).catch(error => void problems.push(unreadable(file, error)));
      if (bytes !== undefined)
        files.set(id, { id, kind: ending === 'ts' ? 'ts' : 'yaml', path: entry.name, file, bytes });
    }
  }
  return { files, problems, below: await foldersBelow(folder) };
}

/** The most subfolders that are watched; a folder of runbooks is small. */
const mostFolders = 100;

/** Subfolders, breadth first, without hidden ones and node_modules, because runbooks import nothing from there. */
async function foldersBelow(folder: string): Promise<string[]> {
  const found: string[] = [];
  const open = [folder];
  for (let next = open.shift(); next !== undefined && found.length < mostFolders; next = open.shift()) {
    const entries = await readdir(next, { withFileTypes: true }).catch(() => []);
    const inside = entries.filter(({ name }) => !name.startsWith('.') && name !== 'node_modules');
    const paths = inside.filter(entry => entry.isDirectory()).map(entry => join(entry.parentPath, entry.name));
    found.push(...paths);
    open.push(...paths);
  }
  return found.slice(0, mostFolders);
}

/** True for files in the folder that are not runbooks: tests, type declarations, hidden files, copies of editors. */
function isAside(name: string): boolean {
  return (
    name.endsWith('.test.yaml') ||
    name.endsWith('.d.ts') ||
    name.endsWith('.test.ts') ||
    /^[._#]/.test(name) ||
    name.endsWith('~')
  );
}

async function list(folder: string, wanted: boolean, problems: Problem[]): Promise<Dirent[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.filter(entry => !entry.isDirectory()).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    if (wanted || !isMissing(error)) problems.push(unreadable(folder, error, 'the folder of runbooks'));
    return [];
  }
}

async function faultOf(
  folder: string,
  file: string,
  id: string,
  files: ReadonlyMap<string, FolderFile>,
): Promise<{ message: string; given?: string; allowed?: string } | null> {
  if (!runbookId.test(id))
    return {
      message: "a runbook's id is its file's name",
      given: id,
      allowed: 'lower-case letters, digits and dashes, at most 63, starting with a letter or digit',
    };
  if (files.has(id)) return { message: `there are two runbooks "${id}"`, given: `${id}.yaml and ${id}.ts` };
  if (await leadsOut(folder, file)) return { message: 'this link leads out of the folder of runbooks', given: file };
  const stat = await lstat(await realpath(file));
  if (!stat.isFile()) return { message: 'this is not a plain file' };
  return stat.size > largestFile
    ? { message: 'the file is too large', allowed: `${largestFile} bytes`, given: `${stat.size} bytes` }
    : null;
}

async function leadsOut(folder: string, file: string): Promise<boolean> {
  try {
    const root = await realpath(folder);
    return !isInside(root, await realpath(file));
  } catch {
    return true;
  }
}

function isInside(root: string, file: string): boolean {
  const way = relative(root, file);
  return way !== '' && !way.startsWith('..') && !way.startsWith(sep);
}

/**
 * The bytes of a file and of all its relative imports, by path relative to the folder. Rejects with an Error that names an import which
 * cannot be part of a plan.
 */
export async function readImports(folder: string, entry: FolderFile): Promise<Map<string, Uint8Array>> {
  const root = await realpath(folder);
  const files = new Map<string, Uint8Array>();
  await add(entry.path, entry.bytes);
  return files;

  async function add(path: string, bytes: Uint8Array): Promise<void> {
    files.set(path, bytes);
    for (const specifier of importsOf(new TextDecoder().decode(bytes))) {
      if (specifier === 'tocsin' || specifier.startsWith('node:')) continue;
      if (!specifier.startsWith('.'))
        throw new Error(
          `it imports "${specifier}"; a runbook imports tocsin, node: modules and files beside it, because a plan must cover all that runs`,
        );
      const file = resolve(root, dirname(path), specifier);
      const real = await realpath(file).catch(() => null);
      if (real === null) throw new Error(`it imports "${specifier}", which is not there`);
      if (!isInside(root, real)) throw new Error(`it imports "${specifier}", which is outside the folder of runbooks`);
      const next = relative(root, file).split(sep).join('/');
      if (!files.has(next)) await add(next, await readFile(file).catch(error => refuse(specifier, error)));
    }
  }
}

function refuse(specifier: string, error: unknown): never {
  throw new Error(`it imports "${specifier}", which cannot be read: ${explainFile(error)}`);
}

/** The specifiers of static imports and of `import('...')` with a literal. */
function importsOf(code: string): string[] {
  const found = code.matchAll(
    /^\s*(?:import|export)\b(?!\s+type\b)[^'"`;]*?from\s*['"]([^'"]+)['"]|^\s*import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/gm,
  );
  return [...found].map(match => match[1] ?? match[2] ?? match[3] ?? '');
}
