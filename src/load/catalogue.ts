import { type FSWatcher, watch } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf, TocsinError } from '../kernel/errors.ts';
import type { Catalogue, CatalogueSet, Problem } from '../ports/catalogue.ts';
import { showProblems } from './problems.ts';
import { type LoadedSet, type LoadParts, loadSet } from './set.ts';
import { createSnapshots } from './snapshot.ts';

export interface CatalogueParts extends LoadParts {
  /** The data folder, for the code of stored snapshots. */
  data: string;
  /** Watches the files for changes; when false, only reload() reads them again. True when left out. */
  watch?: boolean;
}

/** Debounce in milliseconds between the last change and the reload: editors write in several steps. */
const debounce = 150;

/** Loads all files and keeps the set current. Rejects with `file-invalid`, which lists all problems, when there are errors at start. */
export async function createCatalogue(parts: CatalogueParts): Promise<Catalogue> {
  const first = await loadSet(parts);
  if (first.set === null) throw startProblem(first.problems);
  let set: CatalogueSet = first.set;
  let problems = first.problems;
  logWarnings(problems, parts);
  const listeners = new Set<() => void>();
  const watcher = createWatcher(parts, () => void reload());
  await watcher.follow(first.watched);

  let chain = Promise.resolve();
  function reload(): Promise<void> {
    chain = chain.then(readAgain);
    return chain;
  }

  async function readAgain() {
    const next = await loadSafely(parts);
    await watcher.follow(next.watched);
    const same = (next.set === null || next.set.digest === set.digest) && sameProblems(next.problems, problems);
    if (same) return;
    problems = next.problems;
    set = next.set ?? { ...set, view: { ...set.view, problems: errorsOf(problems) } };
    if (next.set === null)
      parts.log.warn({ problems: errorsOf(problems) }, 'the files have errors; the last good set stays in force');
    else parts.log.info({ runbooks: set.runbooks.size, rules: set.policy.rules.length }, 'the files were read again');
    logWarnings(problems, parts);
    for (const listener of listeners) notify(listener, parts);
  }

  return {
    current: () => set,
    problems: () => errorsOf(problems),
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    reload,
    fromSnapshot: createSnapshots(parts),
    async close() {
      watcher.close();
      await chain;
    },
  };
}

/** All problems of all files, for `tocsin check`. */
export async function checkFiles(parts: LoadParts): Promise<Problem[]> {
  return (await loadSet(parts)).problems;
}

/** Only errors count as problems of the set, because files with warnings are still in force. */
function errorsOf(problems: readonly Problem[]): Problem[] {
  return problems.filter(problem => problem.level === 'error');
}

function logWarnings(problems: readonly Problem[], parts: LoadParts) {
  for (const { level, file, line, column, message } of problems)
    if (level === 'warning') parts.log.warn({ at: `${file}:${line}:${column}` }, message);
}

function startProblem(problems: readonly Problem[]): TocsinError {
  const errors = errorsOf(problems);
  return new TocsinError('file-invalid', {
    message: `${errors.length === 1 ? 'One thing is' : `${errors.length} things are`} wrong in the files:\n${showProblems(problems)}`,
  });
}

/** An unexpected error becomes a problem too; it must not end the process. */
async function loadSafely(parts: LoadParts): Promise<LoadedSet> {
  try {
    return await loadSet(parts);
  } catch (error) {
    const problem: Problem = {
      file: parts.configPath,
      line: 1,
      column: 1,
      code: 'file-invalid',
      message: `the files could not be read: ${messageOf(error)}`,
      level: 'error',
    };
    return { set: null, problems: [problem], folder: parts.configPath, watched: [] };
  }
}

function sameProblems(a: readonly Problem[], b: readonly Problem[]): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function notify(listener: () => void, parts: LoadParts) {
  try {
    listener();
  } catch (error) {
    parts.log.error({ error: messageOf(error) }, 'a listener of the catalogue failed');
  }
}

interface Watcher {
  /** Watches these folders, and these files by their folders, because editors replace files. */
  follow(paths: readonly string[]): Promise<void>;
  close(): void;
}

function createWatcher(parts: CatalogueParts, changed: () => void): Watcher {
  const open = new Map<string, FSWatcher>();
  let pending: AbortController | null = null;
  let closed = false;

  function schedule() {
    pending?.abort();
    const timer = new AbortController();
    pending = timer;
    parts.clock.sleep(debounce, timer.signal).then(changed, () => {});
  }

  async function follow(paths: readonly string[]) {
    if (closed || parts.watch === false) return;
    const folders = new Set(await Promise.all(paths.map(folderOf)));
    for (const [folder, watcher] of open)
      if (!folders.has(folder) && paths.length > 0) {
        watcher.close();
        open.delete(folder);
      }
    for (const folder of folders) if (!open.has(folder)) start(folder);
  }

  function start(folder: string) {
    try {
      const watcher = watch(folder, { persistent: false }, schedule);
      watcher.on('error', error => {
        parts.log.warn({ folder, error: messageOf(error) }, 'the folder is no longer watched');
        watcher.close();
        open.delete(folder);
      });
      open.set(folder, watcher);
    } catch (error) {
      parts.log.warn(
        { folder, error: messageOf(error) },
        'the folder cannot be watched; changes are read at the next start or reload',
      );
    }
  }

  return {
    follow,
    close() {
      closed = true;
      pending?.abort();
      for (const watcher of open.values()) watcher.close();
      open.clear();
    },
  };
}

async function folderOf(path: string): Promise<string> {
  const found = await stat(path).catch(() => null);
  return found?.isDirectory() ? path : dirname(path);
}
