import { fileURLToPath } from 'node:url';
import { hasMembers, loadShelf } from '../kernel/shelf.ts';
import { isCommand, loadOwnCommands, registerResolver } from '../load/index.ts';
import type { Catalogue } from '../ports/catalogue.ts';
import type { ChatPlatform } from '../ports/chat.ts';
import type { Command } from '../ports/command.ts';
import type { Source } from '../ports/source.ts';
import type { StepType } from '../ports/step.ts';
import type { Store, StoreDriver } from '../ports/store.ts';
import { openWithRetry } from './open-with-retry.ts';
import type { AppOptions } from './options.ts';

const here = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));

export interface Shelves {
  sources: Map<string, Source>;
  steps: Map<string, StepType>;
  chat: Map<string, ChatPlatform>;
  commands: Map<string, Command>;
}

export async function loadShelves(): Promise<Shelves> {
  // Commands import `tocsin`.
  registerResolver();
  const [sources, steps, chat, commands] = await Promise.all([
    loadShelf<Source>(here('./sources'), hasMembers('about', 'options', 'examples', 'verify', 'normalise')),
    loadShelf<StepType>(
      here('./steps'),
      hasMembers('about', 'input', 'output', 'risk', 'idempotent', 'examples', 'show', 'run'),
    ),
    loadShelf<ChatPlatform>(here('./chat'), hasMembers('about', 'options', 'capabilities', 'open')),
    loadShelf<Command>(here('../commands'), isCommand),
  ]);
  return { sources, steps, chat, commands };
}

/** The shelves with the commands of the user's own folder. */
export async function withOwnCommands(shelves: Shelves, catalogue: Catalogue, configPath: string): Promise<Shelves> {
  const { config } = catalogue.current();
  const own = await loadOwnCommands(config, configPath, shelves.commands.keys());
  return { ...shelves, commands: new Map([...shelves.commands, ...own]) };
}

/** Loads only the configured driver, because the library of a server is large. Waits for a server that is not up yet. */
export async function openStore(options: AppOptions): Promise<Store> {
  const { dataFolder: folder, clock } = options;
  const url = options.env['DATABASE_URL']?.trim() || null;
  const { default: driver } = await loadStore(url);
  const open = () =>
    driver.open({ folder, url, now: () => clock.now(), ...(options.onFatal ? { onDamage: options.onFatal } : {}) });
  const store = url === null ? await open() : await openWithRetry(open, options);
  return options.wrapStore?.(store) ?? store;
}

/** The driver for an address of a database server; the embedded one for null. */
async function loadStore(url: string | null): Promise<{ default: StoreDriver }> {
  return url === null ? await import('../stores/sqlite/index.ts') : await import('../stores/postgres/index.ts');
}
