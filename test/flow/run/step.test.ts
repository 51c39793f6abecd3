import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { attemptStep, Stopped } from '../../../src/flow/run/step.ts';
import { createAttemptTools } from '../../../src/flow/run/step-context.ts';
import { TocsinError } from '../../../src/kernel/errors.ts';
import { silentLog } from '../../../src/kernel/log.ts';
import { compileSecrets } from '../../../src/kernel/redact/redact.ts';
import type { StepContext, StepResult, StepType } from '../../../src/ports/step.ts';
import { sampleRun } from '../../contracts/samples.ts';
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

  it('says at its time-out what it waited for, when the driver says that, and keeps what it had got', async () => {
    const waited = attempt(
      signal =>
        new Promise((_, reject) =>
          signal.addEventListener('abort', () =>
            reject(new TocsinError('egress-failed', { message: 'a:80 sent no answer within 1s.' })),
          ),
        ),
    );
    await waited.clock.advance(1000);
    expect(await waited.outcome).toMatchObject({
      because: 'it took longer than its timeout of 1s and was stopped: a:80 sent no answer within 1s.',
    });
    const printed = attempt(
      obedient({ state: 'failed', because: 'killed', output: { stdout: 'half' }, exitCode: 143 }),
    );
    await printed.clock.advance(1000);
    expect(await printed.outcome).toMatchObject({ kind: 'failed', output: { stdout: 'half' }, exitCode: 143 });
  });

  it('gives its requests the time of the step, and ends them with the attempt', async () => {
    const times: (number | null)[] = [];
    const signals: (AbortSignal | null | undefined)[] = [];
    const run = sampleRun({ steps: [] });
    const tools = await createAttemptTools({
      run: () => run,
      runbook: {} as never,
      mark: null,
      lease: { name: 'run/run_1', token: 1 },
      onAsk: () => {},
      parts: {
        egress: {
          within: (time: number | null) => {
            times.push(time);
            return async (_: unknown, init?: RequestInit) => {
              signals.push(init?.signal);
              return new Response('ok');
            };
          },
        },
        hidden: () => compileSecrets([]),
        catalogue: { current: () => ({ config: { run: { maxOutput: 1000 } } }) },
        clock: createClock(),
        log: silentLog,
      } as never,
    });
    const opened = [90_000, null].map(timeout => tools.open({ step: 'a', number: 1, timeout, waiting: null }));
    expect(times).toEqual([90_000, null]);
    const [end, own] = [new AbortController(), new AbortController()];
    const context = opened[0]?.context(end.signal);
    const url = 'http://service.example/';
    await context?.fetch(url);
    await context?.fetch(url, { signal: end.signal });
    await context?.fetch(url, { signal: own.signal });
    await context?.fetch(new Request(url, { signal: own.signal }));
    expect(signals.map(signal => signal?.aborted)).toEqual([false, false, false, false]);
    end.abort();
    expect(signals.map(signal => signal?.aborted)).toEqual([true, true, true, true]);
    const again = opened[1]?.context(new AbortController().signal);
    await again?.fetch(url, { signal: own.signal });
    own.abort();
    expect(signals.at(-1)?.aborted).toBe(true);
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
