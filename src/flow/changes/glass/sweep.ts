import type { Log } from '../../../kernel/log.ts';
import { system } from '../../../model/actor.ts';
import type { Held } from '../../../model/ledger/held.ts';
import type { GlassWindow } from '../../../model/ledger/window.ts';
import type { Store } from '../../../ports/store.ts';
import { everyOf } from '../../journal/pages.ts';
import { startRounds } from '../../journal/rounds.ts';
import { endWindow, type GlassParts, timeOver } from './window.ts';

export interface GlassSweepParts extends Omit<GlassParts, 'ids' | 'feed'> {
  log: Log;
}

export interface GlassSweep {
  /** One round, now. */
  sweep(): Promise<void>;
  stop(): Promise<void>;
}

/** Milliseconds between two rounds. */
const every = 2000;
/** How many changes the journal names of a window. */
const mostNamed = 100;

/** Ends windows whose time is over, and lists what was done in them. What was due while nothing ran is done in the first round. */
export async function startGlassSweep(parts: GlassSweepParts): Promise<GlassSweep> {
  const sweep = () => round(parts);
  await sweep();
  const again = 'break-glass windows that are over were not ended, and will be';
  return { sweep, ...startRounds(sweep, { ...parts, every, again }) };
}

async function round(parts: GlassSweepParts): Promise<void> {
  const dueBy = parts.clock.now();
  const due = (state: GlassWindow['state']) => parts.store.documents('break-glass', { state, dueBy, limit: 100 });
  for (const one of await due('open')) await endWindow(one.id, system, timeOver, parts);
  for (const one of await due('ended')) await closeWindow(one.id, parts);
}

async function closeWindow(id: string, { streams, store }: GlassSweepParts): Promise<void> {
  await streams.document('break-glass', id, system, async now => {
    if (now.state !== 'ended') return null;
    const done = await doneIn(now, store);
    const changes = done.slice(0, mostNamed).map(one => one.id);
    const fact = { kind: 'break-glass.closed', window: id, changes, more: done.length - changes.length } as const;
    return { facts: [fact] };
  });
}

/** What was permitted by the window and by nothing else, the newest first. */
async function doneIn(window: GlassWindow, store: Pick<Store, 'documents'>): Promise<Held[]> {
  const done: Held[] = [];
  const page = { state: 'break-glass' };
  for await (const one of everyOf(more => store.documents('held', { ...page, ...more })))
    if (one.permit === window.permit) done.push(one);
    // They come in the order of their time; a day is more than clocks differ.
    else if (one.occurredAt < window.openedAt - 86_400_000) break;
  return done;
}
