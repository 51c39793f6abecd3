import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../kernel/clock.ts';
import { TocsinError } from '../kernel/errors.ts';
import { hasMembers, loadShelf } from '../kernel/shelf.ts';
import { isCommand, type LoadParts, registerResolver } from '../load/index.ts';
import type { ChatPlatform } from '../ports/chat.ts';
import type { Source } from '../ports/source.ts';
import type { StepType } from '../ports/step.ts';
import { readSettings } from './environment.ts';
import { createLog } from './log.ts';
import type { Terminal } from './terminal.ts';

const shelf = (name: string) => fileURLToPath(new URL(`../${name}`, import.meta.url));

/** What loading the user's files needs, for commands that work without a running process. */
export async function loadParts(terminal: Terminal): Promise<LoadParts> {
  const { configPath, configExplicit, logLevel } = readSettings(terminal.env, terminal.cwd);
  registerResolver();
  const [sources, steps, platforms] = await Promise.all([
    loadShelf<Source>(shelf('sources'), hasMembers('about', 'options', 'normalise')),
    loadShelf<StepType>(shelf('steps'), hasMembers('about', 'input', 'run')),
    loadShelf<ChatPlatform>(shelf('chat'), hasMembers('about', 'options', 'open')),
  ]);
  return {
    configPath,
    explicit: configExplicit,
    env: terminal.env,
    sources,
    steps,
    platforms,
    clock: systemClock,
    log: createLog(logLevel, terminal),
  };
}

/** The ids of the commands that come with Tocsin. */
export async function builtInCommands(): Promise<string[]> {
  registerResolver();
  return [...(await loadShelf(shelf('../commands'), isCommand)).keys()];
}

/** Throws `file-missing` where no SQLite database is. Opening it would create an empty one, whose journal would verify. */
export function assertDatabase(folder: string, remedy: string): void {
  const at = join(folder, 'tocsin.db');
  if (existsSync(at)) return;
  throw new TocsinError('file-missing', {
    message: 'There is no database in the data folder.',
    at,
    given: folder,
    remedy,
  });
}
