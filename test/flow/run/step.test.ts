import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { attemptStep, Stopped } from '../../../src/flow/run/step.ts';
import type { StepContext, StepResult, StepType } from '../../../src/ports/step.ts';
import { createClock } from '../../doubles/clock.ts';

function attempt(run: (signal: AbortSignal) => Promise<StepResult>, timeout: number | null = 1000) {
  const clock = createClock();
  const session = new AbortController();
  const type: StepType = {
    id: 't',
    about: '',
    input: z.json(),
    output: z.json(),
    risk: 'low',
    idempotent: false,
    timeout: null,
    examples: [],
    show: () => '',
    run: (_input, context) => run(context.signal),
  };
  const outcome = attemptStep({
    type,
    input: null,
    context: signal => ({ signal }) as StepContext,
    timeout,
    session: session.signal,
    clock,
  });
  return { clock, session, outcome };
}

/** Ends when it is told to, as a well-behaved driver does. */
const obedient = (result: StepResult) => (signal: AbortSignal) =>
  new Promise<StepResult>(resolve => signal.addEventListener('abort', () => resolve(result)));
const stubborn = () => new Promise<StepResult>(() => {});

describe('an attempt', () => {
  it('passes on what the driver says', async () => {
    expect(await attempt(async () => ({ state: 'done', output: 1, exitCode: 3 })).outcome).toEqual({
      kind: 'done',
      output: 1,
      exitCode: 3,
      because: null,
    });
    expect(
      await attempt(async () => ({ state: 'failed', because: 'no', ending: 'ineffective' })).outcome,
    ).toMatchObject({ kind: 'failed', because: 'no', ending: 'ineffective' });
  });

  it('is a failed attempt when the driver throws, with what it threw', async () => {
    const outcome = await attempt(async () => {
      throw new Error('socket closed');
    }).outcome;
    expect(outcome).toMatchObject({ kind: 'failed', because: 'socket closed' });
  });

  it('is stopped at its time-out, which the result names', async () => {
    const { clock, outcome } = attempt(obedient({ state: 'failed', because: 'killed' }));
    await clock.advance(1000);
    expect(await outcome).toMatchObject({ kind: 'failed', because: expect.stringContaining('timeout of 1s') });
  });

  it('does not wait for ever for a driver that ignores its time-out', async () => {
    const { clock, outcome } = attempt(stubborn);
    await clock.advance(1000);
    await clock.advance(30_000);
    expect(await outcome).toMatchObject({ kind: 'failed', because: expect.stringContaining('timeout') });
  });

  it.each(['cancelled', 'draining', 'lease-lost'] as const)('says that it was %s when the session ends', async why => {
    const { session, outcome } = attempt(obedient({ state: 'failed', because: 'killed' }));
    session.abort(new Stopped(why));
    expect(await outcome).toEqual({ kind: 'stopped', why });
  });

  it('keeps what was done although the end came in the same moment', async () => {
    const { session, outcome } = attempt(obedient({ state: 'done', output: 'done', exitCode: 0 }));
    session.abort(new Stopped('draining'));
    expect(await outcome).toEqual({ kind: 'done', output: 'done', exitCode: 0, because: null });
  });
});
