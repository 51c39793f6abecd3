import { describe, expect, test } from 'vitest';
import { createBases, type StoredBase } from '../../src/stores/sql/bases.ts';

const base = (seq: number, length = 1000): StoredBase => ({
  text: 'x'.repeat(length),
  seq,
  hash: `hash ${seq}`,
});

describe('the entries that rows refer to', () => {
  test('are found by their sequence, and the newest long one by its stream', () => {
    const bases = createBases();
    for (const [seq, stream] of [
      [2, 'alert/a'],
      [3, 'alert/b'],
      [4, 'alert/a'],
    ] as const)
      bases.keep(base(seq), stream);
    bases.keep(base(5, 20), 'alert/a');
    bases.keep(base(6, 70_000), 'alert/a');
    expect([2, 3, 4, 5, 6].map(seq => bases.get(seq)?.hash)).toEqual([
      'hash 2',
      'hash 3',
      'hash 4',
      undefined,
      undefined,
    ]);
    expect(['alert/a', 'alert/b', 'alert/c'].map(stream => bases.newestOf(stream)?.seq)).toEqual([4, 3, undefined]);
  });

  test('keep their stream when they are read again without it, and an older one does not become the newest', () => {
    const bases = createBases();
    bases.keep(base(4), 'alert/a');
    bases.keep(base(4), null);
    bases.keep(base(2), 'alert/a');
    expect(bases.newestOf('alert/a')?.seq).toBe(4);
  });

  test('are forgotten, the oldest first, when there are too many of them, also by their stream', () => {
    const bases = createBases();
    for (let seq = 1; seq <= 300; seq++) bases.keep(base(seq, 10_000), `alert/${seq}`);
    const known = Array.from({ length: 300 }, (_, n) => n + 1).filter(seq => bases.get(seq) !== undefined);
    expect(known).toEqual(Array.from({ length: 209 }, (_, n) => n + 92));
    expect([bases.newestOf('alert/91'), bases.newestOf('alert/92')?.seq]).toEqual([undefined, 92]);
  });
});
