import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';

/** Runs work that leaves much alive between two collections, and tells how large the young generation was at most, bytes. */
function youngAfter(setUp: string): number {
  const heap = new URL('../../src/kernel/small-heap.ts', import.meta.url).href;
  const code = `
    import { getHeapSpaceStatistics } from 'node:v8';
    import { setImmediate as turn } from 'node:timers/promises';
    const { boundYoungGeneration } = await import(${JSON.stringify(heap)});
    ${setUp}
    let largest = 0;
    const ring = [];
    for (let n = 0; n < 4_000; n++) {
      ring[n % 1000] = Array.from({ length: 500 }, (_, index) => ({ index, n }));
      await turn();
      largest = Math.max(largest, getHeapSpaceStatistics().find(one => one.space_name === 'new_space').space_size);
    }
    console.log(largest);
  `;
  return Number(execFileSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' }));
}

it('the young generation stops growing, which it would do under load', () => {
  const most = 40 * 1024 * 1024;
  expect(youngAfter('boundYoungGeneration();')).toBeLessThan(most);
  expect(youngAfter('')).toBeGreaterThan(most);
});
