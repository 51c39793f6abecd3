import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { messageOf, TocsinError } from '../kernel/errors.ts';
import { fileError } from '../kernel/file-error.ts';
import { hasMembers, loadShelf } from '../kernel/shelf.ts';
import type { Config } from '../model/config.ts';
import type { Problem } from '../ports/catalogue.ts';
import type { Command } from '../ports/command.ts';
import { registerResolver, withDigest } from './resolve.ts';

/** The members of a chat command, wherever its file lies. */
export const isCommand = hasMembers<Command>('about', 'usage', 'args', 'run');

/**
 * The chat commands of the folder that tocsin.yaml names as `commands`, by id; none when it names none. They are read once, at the start.
 * Rejects with `driver-invalid`, `file-missing`, `file-unusable` or `file-invalid`, which name the file.
 */
export async function loadOwnCommands(
  config: Pick<Config, 'commands'>,
  configPath: string,
  builtIn: Iterable<string>,
): Promise<Map<string, Command>> {
  if (config.commands === undefined) return new Map();
  registerResolver();
  const folder = resolve(dirname(configPath), config.commands);
  const own = await loadShelf(folder, isCommand, file => withDigest(pathToFileURL(file).href, 'command')).catch(error =>
    refuse(error, folder, config.commands ?? ''),
  );
  for (const id of builtIn) {
    if (!own.has(id)) continue;
    throw new TocsinError('driver-invalid', {
      message: `Tocsin has a command "${id}" itself, and a command of your own does not replace it.`,
      at: folder,
      given: id,
      remedy: 'Give the file and its id another name.',
    });
  }
  return own;
}

function refuse(error: unknown, folder: string, given: string): never {
  if (error instanceof TocsinError) throw error;
  if ((error as NodeJS.ErrnoException).syscall === 'scandir') throw fileError(error, given, folder);
  throw new TocsinError('file-invalid', {
    message: `A command does not load: ${messageOf(error).split('\n')[0]}`,
    at: folder,
    cause: error,
  });
}

/** What loadOwnCommands refuses, as a problem for `tocsin check`. */
export async function checkOwnCommands(...[config, path, ids]: Parameters<typeof loadOwnCommands>): Promise<Problem[]> {
  try {
    await loadOwnCommands(config, path, ids);
    return [];
  } catch (error) {
    if (!(error instanceof TocsinError)) throw error;
    const { code, message, at, allowed, given } = error;
    const facts = { ...(allowed !== undefined && { allowed: [allowed].flat().join(', ') }), ...(given && { given }) };
    return [{ file: at ?? path, line: 1, column: 1, code, message, level: 'error', ...facts }];
  }
}
