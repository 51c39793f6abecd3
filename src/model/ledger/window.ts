import { z } from 'zod';
import type { Fact } from '../journal.ts';

/**
 * A break-glass window of one person: what their own principals do in it needs no other permit. `ended`: its time is over, and changes that
 * were done in it may still be told. `closed`: what was done in it is listed.
 */
export const glassWindow = z.object({
  id: z.string(),
  /** The id in `people` of tocsin.yaml. */
  person: z.string(),
  reason: z.string(),
  /** The permit that it is. */
  permit: z.string(),
  openedAt: z.int(),
  /** When it ends by itself, milliseconds since the epoch; when it ended, once it has. */
  until: z.int(),
  state: z.enum(['open', 'ended', 'closed']),
  /** Why it ended; null while it is open. */
  because: z.string().nullable(),
  /** When what was done in it is listed; null before it ended and after that. */
  listAt: z.int().nullable(),
  /** Ids of the held changes that were done in it, the newest 100, once it is closed; and how many more there are. */
  changes: z.array(z.string()),
  more: z.int(),
  version: z.int(),
});
export type GlassWindow = z.infer<typeof glassWindow>;

/** Pure reducer: the window after one more fact of its stream. The first fact must be `break-glass.opened`. `at` is the time of the entry. */
export function foldWindow(known: GlassWindow | null, fact: Fact, at: number): GlassWindow {
  if (fact.kind === 'break-glass.opened') {
    const { window: id, person, reason, permit, until } = fact;
    const open = { state: 'open', because: null, listAt: null, changes: [], more: 0 } as const;
    return { id, person, reason, permit, openedAt: at, until, ...open, changes: [], version: 1 };
  }
  if (known === null) throw new Error(`a window's first entry is break-glass.opened, not ${fact.kind}`);
  const version = known.version + 1;
  switch (fact.kind) {
    case 'break-glass.ended':
      return {
        ...known,
        version,
        state: 'ended',
        because: fact.because,
        until: Math.min(at, known.until),
        listAt: fact.listAt,
      };
    case 'break-glass.closed':
      return { ...known, version, state: 'closed', listAt: null, changes: fact.changes, more: fact.more };
    default:
      return { ...known, version };
  }
}

/** What the permit of a person's window is found by. */
export function glassKey(person: string): string {
  return `break-glass:${person}`;
}
