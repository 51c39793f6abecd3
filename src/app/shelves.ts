import { fileURLToPath } from 'node:url';
import { hasMembers, loadShelf } from '../kernel/shelf.ts';
import type { ChatPlatform } from '../ports/chat.ts';
import type { Command } from '../ports/command.ts';
import type { Source } from '../ports/source.ts';
import type { StepType } from '../ports/step.ts';
import type { Store, StoreDriver } from '../ports/store.ts';
import type { AppOptions } from './options.ts';

const here = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));

export interface Shelves {
  sources: Map<string, Source>;
  steps: Map<string, StepType>;
  chat: Map<string, ChatPlatform>;
  commands: Map<string, Command>;
}

export async function loadShelves(): Promise<Shelves> {
  const [sources, steps, chat, commands] = await Promise.all([
    loadShelf<Source>(here('./sources'), hasMembers('about', 'options', 'examples', 'verify', 'normalise')),
    loadShelf<StepType>(
      here('./steps'),
      hasMembers('about', 'input', 'output', 'risk', 'idempotent', 'examples', 'show', 'run'),
    ),
    loadShelf<ChatPlatform>(here('./chat'), hasMembers('about', 'options', 'capabilities', 'open')),
    loadShelf<Command>(here('../commands'), hasMembers('about', 'usage', 'args', 'run')),
  ]);
  return { sources, steps, chat, commands };
}

/** Only the drivers that are configured are loaded: their libraries are heavy. */
export async function openStore(options: AppOptions): Promise<Store> {
  const { default: driver }: { default: StoreDriver } = await import('../stores/sqlite/index.ts');
  const store = await driver.open({ folder: options.dataFolder, url: null, now: () => options.clock.now() });
  return options.wrapStore?.(store) ?? store;
}
