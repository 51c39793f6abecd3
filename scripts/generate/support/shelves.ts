import { fileURLToPath } from 'node:url';
import { hasMembers, loadShelf } from '../../../src/kernel/shelf.ts';
import type { Source } from '../../../src/ports/source.ts';
import type { StepType } from '../../../src/ports/step.ts';

/** The drivers that reference and schemas are made from. */
export async function readShelves(): Promise<{ sources: Map<string, Source>; steps: Map<string, StepType> }> {
  const folder = (name: string) => fileURLToPath(new URL(`../../../src/${name}`, import.meta.url));
  return {
    sources: await loadShelf(
      folder('sources'),
      hasMembers<Source>('about', 'options', 'examples', 'verify', 'normalise'),
    ),
    steps: await loadShelf(
      folder('steps'),
      hasMembers<StepType>('about', 'input', 'output', 'risk', 'examples', 'show', 'run'),
    ),
  };
}
