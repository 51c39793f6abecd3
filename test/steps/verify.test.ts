import { describe, expect, it } from 'vitest';
import type { Waiting } from '../../src/model/run.ts';
import type { StepContext } from '../../src/ports/step.ts';
import verify from '../../src/steps/verify.ts';
import { createClock } from '../doubles/clock.ts';
import { makeStepContext, sampleAlert, sampleRun, sampleWeb } from '../doubles/step-context.ts';

const start = Date.UTC(2026, 0, 1);
const minute = 60_000;
const resolved = verify.input.parse({ resolved: true, within: '10m' });

/** Looks at the alert at a time after the step began to wait, with what is known then. */
async function lookAt(after: number | null, facts: Partial<StepContext> = {}) {
  const clock = createClock(start + (after ?? 0));
  const waiting: Waiting | null = after === null ? null : { for: 'resolve', wakeAt: null, on: null, since: start };
  const { context } = await makeStepContext({ clock, waiting, lastStepAt: start - 1000, ...facts });
  return verify.run(resolved, context);
}

const firing = sampleAlert({ lastFiring: start - 5000 });

describe('verify resolved', () => {
  it('is done when the alert is resolved, and says when nobody could look', async () => {
    const looked = async () => ({ state: 'firing' }) as const;
    const alert = async () => sampleAlert({ state: 'resolved', end: { how: 'told', because: null } });
    expect(await lookAt(null, { alert, look: looked })).toEqual({ state: 'done', output: null, window: 10 * minute });
    expect(await lookAt(null, { alert })).toMatchObject({ state: 'done', because: 'nobody could look' });
    // A build of before did not say how it ended.
    expect(await lookAt(null, { alert: async () => sampleAlert({ state: 'resolved' }), look: looked })).toMatchObject({
      state: 'done',
    });
  });

  it.each(['expired', 'unwatched', 'merged', 'closed'] as const)('a resolve that %s is no cure', async how => {
    const alert = async () => sampleAlert({ state: 'resolved', end: { how, because: `because it ${how}` } });
    expect(await lookAt(null, { alert })).toMatchObject({
      state: 'failed',
      ending: 'unconfirmed',
      because: expect.stringContaining(`because it ${how}`),
    });
  });

  it('ends ineffective when a newer stretch began', async () => {
    expect(await lookAt(null, { alert: async () => sampleAlert({ episode: 2, startsAt: start }) })).toMatchObject({
      state: 'failed',
      ending: 'ineffective',
      because: expect.stringContaining('2026-01-01T00:00:00Z'),
    });
  });

  it('wants two looks apart before it counts as gone, also a little beyond its end', async () => {
    const gone = (since: number, at: number, how: 'gone' | 'expired' = 'gone') => ({
      alert: async () => firing,
      look: async () => ({ state: 'gone', since, at, end: { how, because: 'x' } }) as const,
    });
    expect(await lookAt(0, gone(start, start))).toEqual({ state: 'waiting', for: 'resolve', wakeAt: start + 2000 });
    expect(await lookAt(4000, gone(start, start + 4000))).toEqual({
      state: 'waiting',
      for: 'resolve',
      wakeAt: start + 6000,
    });
    const end = 10 * minute;
    expect(await lookAt(end, gone(start + end, start + end))).toMatchObject({ wakeAt: start + end + 10_000 });
    expect(await lookAt(10_000, gone(start, start + 10_000))).toMatchObject({ state: 'done', window: 10 * minute });
    expect(await lookAt(10_000, gone(start, start + 10_000, 'expired'))).toMatchObject({ ending: 'unconfirmed' });
  });

  it('looks often at first, then less, at whole milliseconds, and never after its end', async () => {
    const pauses: number[] = [];
    for (const after of [0, 4001, 60_003, 5 * minute, 9.9 * minute]) {
      const result = await lookAt(after, { alert: async () => firing });
      if (result.state !== 'waiting' || result.wakeAt === null) throw new Error(JSON.stringify(result));
      expect(Number.isInteger(result.wakeAt)).toBe(true);
      expect(result.wakeAt).toBeLessThanOrEqual(start + 10 * minute);
      pauses.push(result.wakeAt - start - after);
    }
    expect(pauses[0]).toBeLessThanOrEqual(5000);
    expect(pauses[3]).toBe(30_000);
    expect(pauses[4]).toBe(6000);
  });

  it('ends ineffective by fresh evidence only', async () => {
    const ending = async (facts: Partial<StepContext>) => {
      const result = await lookAt(10 * minute, { alert: async () => firing, ...facts });
      return result.state === 'failed' ? result.ending : result.state;
    };
    // Fired before the last step, and nothing since: nobody knows.
    expect(await ending({})).toBe('unconfirmed');
    expect(await ending({ alert: async () => sampleAlert({ lastFiring: start + 1 }) })).toBe('ineffective');
    expect(await ending({ look: async () => ({ state: 'firing' }) })).toBe('ineffective');
  });

  it('does not end early, whatever the source says meanwhile', async () => {
    expect(await lookAt(9 * minute, { look: async () => ({ state: 'firing' }) })).toMatchObject({
      state: 'waiting',
      for: 'resolve',
    });
  });

  it('says so when there is no alert', async () => {
    expect(await lookAt(null, { run: sampleRun({ alert: null }), alert: async () => null })).toMatchObject({
      state: 'failed',
      because: expect.stringContaining('no alert'),
    });
  });
});

describe('verify by a condition', () => {
  const within = (what: object, more: object = {}) =>
    verify.input.parse({ ...what, every: '10s', within: '1m', ...more });

  it('looks at once, waits between two looks, and ends ineffective with the last reason', async () => {
    const exec = within({ exec: ['sh', '-c', 'exit 7'] });
    const first = await makeStepContext({ clock: createClock(start) });
    expect(await verify.run(exec, first.context)).toEqual({ state: 'waiting', for: 'timer', wakeAt: start + 10_000 });
    const waiting: Waiting = { for: 'timer', wakeAt: start + minute, on: null, since: start };
    const late = await makeStepContext({ clock: createClock(start + 55_000), waiting });
    expect(await verify.run(exec, late.context)).toMatchObject({ wakeAt: start + minute });
    const last = await makeStepContext({ clock: createClock(start + minute), waiting });
    expect(await verify.run(exec, last.context)).toMatchObject({
      state: 'failed',
      ending: 'ineffective',
      because: expect.stringContaining('exit code 7'),
    });
  });

  it('is done as soon as it holds, also at the last look', async () => {
    const waiting: Waiting = { for: 'timer', wakeAt: null, on: null, since: start };
    const { context } = await makeStepContext({ clock: createClock(start + 2 * minute), waiting });
    expect(await verify.run(within({ exec: ['true'] }), context)).toEqual({ state: 'done', output: null });
  });

  it('takes an unreachable service as not there yet', async () => {
    const refused = async () => {
      throw new TypeError('fetch failed');
    };
    const { context } = await makeStepContext({ clock: createClock(start), fetch: refused });
    expect(await verify.run(within({ http: { url: 'http://service.example/healthz' } }), context)).toMatchObject({
      state: 'waiting',
    });
  });

  it('takes the status that is asked for', async () => {
    const { context } = await makeStepContext({ clock: createClock(start), fetch: sampleWeb });
    const http = { url: 'http://service.example/missing' };
    expect(await verify.run(within({ http }), context)).toMatchObject({ state: 'waiting' });
    expect(await verify.run(within({ http: { ...http, okStatus: [404] } }), context)).toMatchObject({ state: 'done' });
  });

  it('ends with the run when that is stopped', async () => {
    const stop = new AbortController();
    const reason = new Error('cancelled');
    const { context } = await makeStepContext({
      signal: stop.signal,
      fetch: async () => {
        stop.abort(reason);
        throw reason;
      },
    });
    await expect(verify.run(within({ http: { url: 'http://service.example/' } }), context)).rejects.toBe(reason);
  });
});

describe('time', () => {
  it.each([30, 600, 0, -1, 1.5])('as the bare number %d is refused, with the way to write it', within => {
    const issues = JSON.stringify(verify.input.safeParse({ resolved: true, within }).error?.issues);
    expect(issues).toMatch(/write \d/);
  });
});
