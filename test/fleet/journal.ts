import { expect } from 'vitest';
import { entryHash, genesis } from '../../src/model/journal.ts';
import type { Fleet, FleetNode } from './fleet.ts';

/** Every entry follows from the one before, by its exact bytes; no run was written under an older token than before. */
export async function verifyJournal(fleet: Fleet, node: FleetNode): Promise<void> {
  let prev = genesis;
  const tokens = new Map<string, number>();
  for (const entry of await fleet.journal(node)) {
    expect([entry.prev, entry.hash]).toEqual([prev, entryHash(prev, entry.seq, entry.bytes)]);
    prev = entry.hash;
    const { kind, run, token } = entry.fact;
    if (!['run.started', 'step.started'].includes(kind)) continue;
    expect(token).toBeGreaterThanOrEqual(tokens.get(run) ?? 0);
    tokens.set(run, token);
  }
}
