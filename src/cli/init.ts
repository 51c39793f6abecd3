import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { TocsinError } from '../kernel/errors.ts';
import { fileError, isMissing } from '../kernel/file-error.ts';
import type { CliCommand } from './command.ts';
import { starterFiles } from './init-files.ts';
import { exitCode } from './terminal.ts';

export const init: CliCommand = {
  name: 'init',
  about: 'Writes a commented tocsin.yaml, policy.yaml and a first runbook into an empty folder. It never overwrites.',
  usage: '[folder]',
  options: [],
  words: { least: 0, most: 1 },
  examples: ['tocsin init my-runbooks'],
  async run(input, terminal) {
    const folder = resolve(terminal.cwd, input.words[0] ?? '.');
    await checkEmpty(folder);
    for (const [path, text] of Object.entries(starterFiles)) {
      await writeNew(join(folder, path), text);
      terminal.out(path);
    }
    terminal.err(`Written to ${folder}. Next, there: tocsin check, tocsin test, tocsin start.`);
    return exitCode.ok;
  },
};

/** Checks that the folder is empty. Hidden files, as in a fresh git clone, do not count. */
async function checkEmpty(folder: string): Promise<void> {
  const there = await readdir(folder).catch(error => {
    if (isMissing(error)) return [];
    throw fileError(error, folder, folder, 'Name an empty folder.');
  });
  const visible = there.filter(name => !name.startsWith('.'));
  if (visible.length === 0) return;
  throw new TocsinError('file-invalid', {
    message: 'The folder is not empty, and init never overwrites.',
    at: folder,
    given: visible.slice(0, 5).join(', '),
    remedy: 'Name an empty folder.',
  });
}

async function writeNew(path: string, text: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text, { flag: 'wx' });
  } catch (error) {
    throw fileError(error, path, path, 'Name a folder that this user may write to.');
  }
}
