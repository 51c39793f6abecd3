import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRateLimiter, type Request } from '../../../src/flow/deliver/rate-limiter.ts';

const post = (channel = 'c'): Request => ({ kind: 'post', channel, patient: false });
const edit = (patient = false, channel = 'c'): Request => ({ kind: 'edit', channel, patient });

/** Sends as fast as the rate limiter lets it, and tells when each went. */
function timesOf(
  request: Request,
  rateLimits: Parameters<typeof createRateLimiter>[0],
  count: number,
  pauses: readonly number[] = [],
): number[] {
  const limiter = createRateLimiter(rateLimits);
  const times: number[] = [];
  let now = 0;
  for (let sent = 0; sent < count; sent++) {
    now += pauses[sent] ?? 0;
    now += limiter.wait(request, now);
    expect(limiter.wait(request, now)).toBe(0);
    limiter.take(request, now);
    times.push(now);
  }
  return times;
}

describe('the rate limiter', () => {
  it('lets at most the rate through in any window, whatever the pauses are', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 200 }),
        fc.constantFrom(1000, 5000, 60_000),
        fc.array(fc.integer({ min: 0, max: 20_000 }), { maxLength: 300 }),
        fc.option(fc.integer({ min: 1, max: 250 }), { nil: undefined }),
        (count, per, pauses, burst) => {
          const rate = { count, per, ...(burst === undefined ? {} : { burst }) };
          const times = timesOf(post(), { posts: rate }, pauses.length, pauses);
          for (const [index, at] of times.entries())
            expect(times.slice(index).filter(other => other - at < per).length).toBeLessThanOrEqual(count);
        },
      ),
    );
  });

  it('uses nine tenths of the rate at least when there is enough to send', () => {
    for (const count of [1, 5, 20, 50, 100]) {
      const times = timesOf(post(), { posts: { count, per: 60_000 } }, count * 10);
      expect((times.at(-1) ?? 0) / (count * 10)).toBeLessThanOrEqual(60_000 / count / 0.85);
    }
  });

  it('lets the burst of a rate go at once, and the rest evenly', () => {
    const times = timesOf(post(), { posts: { count: 250, per: 60_000, burst: 45 } }, 250);
    expect(times.filter(at => at === 0)).toHaveLength(45);
    expect(times.at(-1)).toBeLessThanOrEqual(65_000);
  });

  it('keeps a place for what cannot wait', () => {
    const limiter = createRateLimiter({ posts: { count: 1, per: 1000 }, allEdits: { count: 50, per: 60_000 } });
    let now = 0;
    for (let sent = 0; sent < 30; sent++) {
      now += limiter.wait(edit(true), now);
      limiter.take(edit(true), now);
    }
    expect(limiter.wait(edit(true), now)).toBeGreaterThan(0);
    expect(limiter.wait(edit(false), now)).toBe(0);
  });

  it('counts channels apart, and edits apart from new messages', () => {
    const limiter = createRateLimiter({ posts: { count: 1, per: 1000 }, edits: { count: 1, per: 1000 } });
    limiter.take(post('a'), 0);
    expect(limiter.wait(post('a'), 0)).toBeGreaterThanOrEqual(1000);
    expect(limiter.wait(post('b'), 0)).toBe(0);
    expect(limiter.wait(edit(false, 'a'), 0)).toBe(0);
    limiter.take(edit(false, 'a'), 0);
    expect(limiter.wait(edit(false, 'a'), 0)).toBeGreaterThanOrEqual(1000);
  });

  it('waits for as long as the platform says, for what it says', () => {
    const limiter = createRateLimiter(undefined);
    limiter.hold(post('a'), 'channel C123', 5000, 0);
    expect([limiter.wait(post('a'), 0), limiter.wait(post('b'), 0), limiter.wait(edit(false, 'a'), 0)]).toEqual([
      5000, 0, 0,
    ]);
    limiter.hold(edit(false, 'a'), 'method chat.update', 7000, 0);
    expect([limiter.wait(edit(false, 'b'), 0), limiter.wait(post('b'), 0)]).toEqual([7000, 0]);
    limiter.hold(post('a'), 'all', 9000, 0);
    expect([limiter.wait(edit(false, 'b'), 1000), limiter.wait(post('b'), 1000)]).toEqual([8000, 8000]);
    expect([limiter.wait(edit(false, 'b'), 9000), limiter.wait(post('b'), 9000)]).toEqual([0, 0]);
  });

  it('paces nothing without limits', () => {
    expect(timesOf(post(), undefined, 100).at(-1)).toBe(0);
  });
});
