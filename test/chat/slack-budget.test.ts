import { expect, it } from 'vitest';
import { createBudget } from '../../src/chat/slack/budget.ts';
import { createClock } from '../doubles/clock.ts';

it('a budget lets so many calls go in any minute, and ends a wait with its signal', async () => {
  const clock = createClock();
  const budget = createBudget(3, clock);
  const end = new AbortController();
  const times: number[] = [];
  const start = clock.monotonic();
  const calls = (async () => {
    for (let call = 0; call < 8; call++) {
      await budget.take(end.signal);
      times.push(clock.monotonic() - start);
    }
  })();
  for (let step = 0; step < 130; step++) {
    // What may go at once goes before the clock moves on.
    await new Promise(resolve => setImmediate(resolve));
    await clock.advance(1000);
  }
  await calls;
  expect(times).toHaveLength(8);
  for (const [index, at] of times.entries())
    if (index >= 3) expect(at - (times[index - 3] ?? 0)).toBeGreaterThanOrEqual(60_000);
  await budget.take(end.signal);
  const waits = budget.take(end.signal);
  end.abort(new Error('closed'));
  await expect(waits).rejects.toThrow('closed');
});
