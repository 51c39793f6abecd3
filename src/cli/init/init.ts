import { mkdir, readdir, realpath, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { TocsinError } from '../../kernel/errors.ts';
import { fileError, isMissing } from '../../kernel/file-error.ts';
import type { CliCommand } from '../command.ts';
import { exitCode, type Terminal } from '../terminal.ts';
import { schemaOf, starterFiles } from './files.ts';
import { commandFor, type Place, quoted, schemaFor, thisPlace } from './place.ts';

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
    const place = thisPlace(terminal.env);
    for (const [path, text] of Object.entries(starterFiles)) {
      await writeNew(join(folder, path), text, place);
      terminal.out(path);
    }
    terminal.err(await next(folder, place, terminal));
    return exitCode.ok;
  },
};

/** What to do next, as lines for the shell that init was typed into. */
async function next(folder: string, place: Place, terminal: Terminal): Promise<string> {
  const command = commandFor(await realpath(folder), place);
  const way = relative(terminal.cwd, folder);
  const lines: [line: string, about: string][] = [
    ...(way === '' ? [] : [[`cd ${quoted(way.startsWith('..') ? folder : way)}`, ''] as [string, string]]),
    [`${command} check`, 'finds mistakes in the files'],
    [`${command} test`, 'runs the tests beside the runbooks, dry'],
    [`${command} start`, 'prints the link to the console'],
  ];
  const width = Math.max(...lines.map(([line]) => line.length));
  const shown = lines.map(([line, about]) => (about === '' ? `  ${line}` : `  ${line.padEnd(width)}  # ${about}`));
  return [`Written to ${folder}. Next:`, '', ...shown].join('\n');
}

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

/** Writes a file, below a line by which editors find its schema. */
async function writeNew(path: string, text: string, place: Place): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    const schema = schemaFor(schemaOf(path), await realpath(dirname(path)), place);
    const line = schema === null ? '' : `# yaml-language-server: $schema=${schema}\n`;
    await writeFile(path, line + text, { flag: 'wx' });
  } catch (error) {
    throw fileError(error, path, path, 'Name a folder that this user may write to.');
  }
}
