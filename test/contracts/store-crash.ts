import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { describe, expect, test } from 'vitest';
import { sha256 } from '../../src/kernel/canonical.ts';
import { entryHash, genesis } from '../../src/model/journal.ts';
import type { Store } from '../../src/ports/store.ts';
import { useHarness } from './harness.ts';
import type { Place } from './place.ts';

interface Acknowledged {
  seq: number;
  hash: string;
  text: string;
}

export function crashContract(makePlace: () => Promise<Place>): void {
  describe('crash', () => {
    const { harness, store } = useHarness(makePlace);

    test('kill -9 in the middle of commits loses nothing that was acknowledged', async () => {
      await store().close();
      const known: Acknowledged[] = [];
      for (const [round, lines] of [1, 17, 150, 400].entries()) {
        known.push(...(await commitAndKill(harness().place, round * 1_000_000, lines)));
        const again = await harness().open();
        await checkAll(again, known);
        await again.close();
      }
      expect(known.length).toBeGreaterThan(560);
    });
  });
}

/** Lets a process commit until so many lines came, kills it, and returns all that it acknowledged. */
async function commitAndKill(place: Place, first: number, lines: number): Promise<Acknowledged[]> {
  const script = new URL('./committer.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, [script, place.module, place.folder, place.url ?? '', `${first}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const acknowledged: Acknowledged[] = [];
  const exit = once(child, 'exit');
  for await (const line of createInterface({ input: child.stdout })) {
    acknowledged.push(JSON.parse(line));
    if (acknowledged.length === lines) child.kill('SIGKILL');
  }
  expect(await exit).toEqual([null, 'SIGKILL']);
  return acknowledged;
}

async function checkAll(store: Store, known: readonly Acknowledged[]): Promise<void> {
  const found = new Map<number, string>();
  let prev = genesis;
  let after = 0;
  for (;;) {
    const page = await store.journal({ after, limit: 1000 });
    for (const entry of page) {
      prev = entryHash(prev, entry.seq, entry.bytes);
      expect(entry.hash).toBe(prev);
      expect(entry.seq).toBe(after + 1);
      after = entry.seq;
      found.set(entry.seq, entry.hash);
    }
    if (page.length === 0) break;
  }
  expect(await store.head()).toEqual({ seq: after, hash: prev });
  for (const { seq, hash, text } of known) {
    expect(found.get(seq)).toBe(hash);
    expect(await store.cursor(text)).toBe(1);
    expect(await store.claimed({ space: 'kill', key: text })).toBe(true);
    expect(await store.blob(sha256(text))).not.toBeNull();
  }
}
