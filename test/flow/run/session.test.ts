import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Leftovers, nothingLeft } from '../../../src/flow/run/leftovers.ts';
import { type SessionParts, StepFailed } from '../../../src/flow/run/perform-step.ts';
import { createPerformer } from '../../../src/flow/run/session.ts';
import type { Outcome } from '../../../src/flow/run/step.ts';
import { createStepApi } from '../../../src/flow/run/step-api.ts';
import { TocsinError } from '../../../src/kernel/errors.ts';
import { foldRun } from '../../../src/model/fold.ts';
import type { Fact } from '../../../src/model/journal.ts';
import type { Run } from '../../../src/model/run.ts';
import type { StepApi, StepOptions } from '../../../src/ports/runbook.ts';
import type { StepType } from '../../../src/ports/step.ts';
import { sampleRun } from '../../contracts/samples.ts';

const blank = sampleRun({ runbook: 'test', title: 'Test', params: {}, targets: [], createdAt: 1 });

const type = (id: string, facts: Partial<StepType> = {}): StepType => ({
  id,
  about: 'for tests',
  input: z.json(),
  output: z.json(),
  risk: 'low',
  idempotent: false,
  timeout: null,
  examples: [],
  show: () => id,
  run: async () => ({ state: 'done', output: null }),
  ...facts,
});

/** A run whose journal survives while its workers come and go. */
function world(
  outcome: (step: string, attempt: number) => Outcome | 'crash' = () => ({ kind: 'done', output: 'ok', exitCode: 0 }),
  leftovers: Leftovers = nothingLeft,
) {
  let run: Run = foldRun(
    foldRun(null, { kind: 'run.created', run: blank }, 1),
    { kind: 'run.started', run: 'run_1', token: 1 },
    1,
  );
  let now = 1000;
  let halted = false;
  const facts: Fact[] = [];
  const attempts: string[] = [];
  const reaped: string[] = [];
  let died = Promise.withResolvers<string>();
  const add: SessionParts['append'] extends (decide: infer D) => unknown ? (decide: D) => void : never = decide => {
    const next = decide(run);
    if (halted && next?.with?.guards?.some(guard => guard.kind === 'halt'))
      throw new TocsinError('guard-failed', { at: 'halt everything' });
    for (const fact of next?.facts ?? []) {
      facts.push(fact);
      run = foldRun(run, fact, now);
    }
    run = next?.adjust?.(run) ?? run;
  };
  const parts = (): SessionParts => ({
    run: () => run,
    append: async decide => add(decide),
    result: add,
    steps: new Map([type('exec'), type('once'), type('again', { idempotent: true })].map(one => [one.id, one])),
    defaultTimeout: 1000,
    now: () => now,
    mayStart: async () => true,
    async reap(step) {
      reaped.push(step);
      return leftovers.left;
    },
    farOf: () => leftovers.far,
    async attempt({ step, number }) {
      attempts.push(`${step}#${number}`);
      const result = outcome(step, number);
      // A worker that dies in the middle never comes back with a result.
      if (result === 'crash') {
        died.resolve('gone');
        return await new Promise<never>(() => {});
      }
      return { outcome: result, leftovers, log: null };
    },
    token: 1,
  });
  return {
    /** One worker's go: to the end, to an error, until everything waits, or until it dies. */
    async go(body: (step: StepApi) => Promise<unknown>): Promise<unknown> {
      died = Promise.withResolvers<string>();
      const performer = createPerformer(parts());
      const ended = body(createStepApi(performer)).then(
        value => ({ value }),
        error => ({ error }),
      );
      return await Promise.race([ended, performer.suspended.then(() => 'suspended'), died.promise]);
    },
    run: () => run,
    facts,
    attempts,
    reaped,
    pass: (ms: number) => (now += ms),
    halt: (value: boolean) => (halted = value),
    append: (fact: Fact) => (run = foldRun(run, fact, now)),
  };
}

const fail = (because: string): Outcome => ({ kind: 'failed', because, output: null, exitCode: 1, ending: null });

describe('a session', () => {
  it('journals each step before and after, and on replay returns what is journalled without running it', async () => {
    const w = world();
    const body = async (step: StepApi) => [await step.do('a', 'once', { x: 1 }), await step.do('b', 'once', { x: 2 })];
    expect(await w.go(body)).toEqual({ value: ['ok', 'ok'] });
    expect(w.facts.map(fact => fact.kind)).toEqual(['step.started', 'step.finished', 'step.started', 'step.finished']);
    expect(await w.go(body)).toEqual({ value: ['ok', 'ok'] });
    expect(w.attempts).toEqual(['a#1', 'b#1']);
  });

  it.each([
    ['another input', async (step: StepApi) => step.do('a', 'once', { x: 2 })],
    ['another type', async (step: StepApi) => step.do('a', 'again', { x: 1 })],
  ])('refuses to go on when the replay has %s', async (_name, body) => {
    const w = world();
    await w.go(step => step.do('a', 'once', { x: 1 }));
    expect(await w.go(body)).toMatchObject({ error: { code: 'replay-differs', at: 'a' } });
    expect(w.attempts).toEqual(['a#1']);
  });

  it('refuses a step id that is used twice', async () => {
    const w = world();
    const result = await w.go(async step => {
      await step.do('a', 'once', 1);
      await step.do('a', 'once', 1);
    });
    expect(result).toMatchObject({ error: { code: 'replay-differs' } });
  });

  it('asks a person about a step that was started, has no result and is not idempotent', async () => {
    const w = world(() => 'crash');
    const body = (step: StepApi) => step.do('a', 'once', 1);
    expect(await w.go(body)).toBe('gone');
    expect(await w.go(body)).toBe('suspended');
    expect(w.run()).toMatchObject({ state: 'asking', steps: [{ id: 'a', state: 'unknown', attempts: 1 }] });
    expect(await w.go(body)).toBe('suspended');
    expect(w.attempts).toEqual(['a#1']);
    expect(w.reaped).toContain('a');
    expect(w.facts.filter(fact => fact.kind === 'run.asking')).toHaveLength(1);
  });

  it.each([
    ['retry', { value: 'ok' }, ['a#1', 'a#2']],
    ['skip', { value: { exitCode: null, stdout: '', stderr: '' } }, ['a#1']],
    ['abort', { error: expect.any(StepFailed) }, ['a#1']],
  ] as const)('does what the person answers: %s', async (choice, result, attempts) => {
    const w = world((_step, attempt) => (attempt === 1 ? 'crash' : { kind: 'done', output: 'ok', exitCode: 0 }));
    const body = (step: StepApi) => step.do('a', 'once', 1);
    await w.go(body);
    await w.go(body);
    w.append({ kind: 'step.answered', run: 'run_1', step: 'a', choice, reason: null });
    expect(await w.go(body)).toEqual(result);
    expect(w.attempts).toEqual(attempts);
  });

  it.each([
    ['an idempotent step runs again', 'again', {}, { value: 'ok' }, ['a#1', 'a#2']],
    ['onInterrupt retry', 'once', { onInterrupt: 'retry' }, { value: 'ok' }, ['a#1', 'a#2']],
    [
      'onInterrupt skip',
      'once',
      { onInterrupt: 'skip' },
      { value: { exitCode: null, stdout: '', stderr: '' } },
      ['a#1'],
    ],
    ['onInterrupt fail', 'once', { onInterrupt: 'fail' }, { error: expect.any(StepFailed) }, ['a#1']],
  ] as const)('after a crash: %s', async (_name, stepType, options, result, attempts) => {
    const w = world((_step, attempt) => (attempt === 1 ? 'crash' : { kind: 'done', output: 'ok', exitCode: 0 }));
    const body = (step: StepApi) => step.do('a', stepType, 1, options as StepOptions);
    await w.go(body);
    expect(await w.go(body)).toEqual(result);
    expect(w.attempts).toEqual(attempts);
    expect(w.facts.filter(fact => fact.kind === 'step.interrupted')).toHaveLength(1);
  });

  it('retries with growing pauses, gives the worker back in between, and then fails for good', async () => {
    const w = world(() => fail('no luck'));
    const body = (step: StepApi) => step.do('a', 'once', 1, { retry: { times: 2, wait: 100, factor: 3 } });
    expect(await w.go(body)).toBe('suspended');
    expect(w.run().wakeAt).toBe(1100);
    expect(await w.go(body)).toBe('suspended');
    expect(w.attempts).toEqual(['a#1']);
    w.pass(100);
    expect(await w.go(body)).toBe('suspended');
    expect(w.run().wakeAt).toBe(1400);
    w.pass(300);
    expect(await w.go(body)).toMatchObject({ error: { message: 'a: no luck', ending: 'failed' } });
    expect(await w.go(body)).toMatchObject({ error: { message: 'a: no luck' } });
    expect(w.attempts).toEqual(['a#1', 'a#2', 'a#3']);
  });

  it('gives the worker back while a step waits, and looks again without a new attempt', async () => {
    let over = false;
    const w = world(() =>
      over
        ? { kind: 'done', output: 'now', exitCode: null }
        : { kind: 'waiting', result: { state: 'waiting', for: 'timer', wakeAt: 5000 } },
    );
    const body = (step: StepApi) => step.do('a', 'once', 1);
    expect(await w.go(body)).toBe('suspended');
    expect(w.run()).toMatchObject({ state: 'waiting', wakeAt: 5000, steps: [{ state: 'waiting', attempts: 1 }] });
    expect(await w.go(body)).toBe('suspended');
    over = true;
    expect(await w.go(body)).toEqual({ value: 'now' });
    expect(w.facts.map(fact => fact.kind)).toEqual(['step.started', 'step.waiting', 'step.finished']);
    expect(w.run().state).toBe('running');
  });

  it('journals that a step waits once: a look that only moves the next one is no news, and is remembered', async () => {
    let next = 2000;
    let on = 'run_a';
    const w = world(() => ({ kind: 'waiting', result: { state: 'waiting', for: 'timer', wakeAt: next, on } }));
    const body = (step: StepApi) => step.do('a', 'once', 1);
    for (next of [2000, 4000, 9000, 4000]) {
      expect(await w.go(body)).toBe('suspended');
      expect(w.run()).toMatchObject({
        state: 'waiting',
        wakeAt: next,
        steps: [{ waiting: { wakeAt: next, since: 1000 } }],
      });
      w.pass(500);
    }
    expect(w.facts.map(fact => fact.kind)).toEqual(['step.started', 'step.waiting']);
    on = 'run_b';
    await w.go(body);
    expect(w.facts.map(fact => fact.kind)).toEqual(['step.started', 'step.waiting', 'step.waiting']);
  });

  it('starts nothing while everything is halted', async () => {
    const w = world();
    w.halt(true);
    const body = (step: StepApi) => step.do('a', 'once', 1);
    expect(await w.go(body)).toBe('suspended');
    expect(w.facts).toEqual([]);
    w.halt(false);
    expect(await w.go(body)).toEqual({ value: 'ok' });
  });

  it('goes on with one branch of a parallel step while another waits', async () => {
    let over = false;
    const w = world(step =>
      step === 'both/slow' && !over
        ? { kind: 'waiting', result: { state: 'waiting', for: 'timer', wakeAt: 5000 } }
        : { kind: 'done', output: step, exitCode: null },
    );
    const body = (step: StepApi) =>
      step.parallel('both', {
        slow: branch => branch.do('slow', 'once', 1),
        quick: async branch => {
          await branch.do('one', 'once', 1);
          return await branch.do('two', 'once', 1);
        },
      });
    expect(await w.go(body)).toBe('suspended');
    expect(w.attempts).toEqual(expect.arrayContaining(['both/slow#1', 'both/one#1', 'both/two#1']));
    over = true;
    expect(await w.go(body)).toEqual({ value: { slow: 'both/slow', quick: 'both/two' } });
  });

  it('lets a runbook catch a failed step and go on, the same on replay', async () => {
    const w = world(step => (step === 'a' ? fail('broken') : { kind: 'done', output: 'b', exitCode: 0 }));
    const body = async (step: StepApi) => {
      await step.do('a', 'once', 1).catch(() => null);
      return await step.do('b', 'once', 1);
    };
    expect(await w.go(body)).toEqual({ value: 'b' });
    expect(await w.go(body)).toEqual({ value: 'b' });
    expect(w.attempts).toEqual(['a#1', 'b#1']);
  });

  it('records a step as interrupted when the process has to stop', async () => {
    const w = world(() => ({ kind: 'stopped', why: 'draining' }));
    const body = (step: StepApi) => step.do('a', 'again', 1);
    expect(await w.go(body)).toMatchObject({ error: { why: 'draining' } });
    expect(w.run().steps).toMatchObject([{ id: 'a', state: 'unknown' }]);
  });
});

describe('what an attempt that was stopped left behind', () => {
  const far = { far: 'may go on at web-1 (ssh)', left: null };
  const left = { far: null, left: 'on here pid 7 (sleep): it belongs to another user' };
  const retry = { retry: { times: 1, wait: 5 } };
  const saidBy = (w: ReturnType<typeof world>) => w.facts.flatMap(fact => (fact.kind === 'step.said' ? fact.text : []));
  const kinds = (w: ReturnType<typeof world>) => w.facts.map(fact => fact.kind);

  it('asks, instead of a retry beside what may go on elsewhere', async () => {
    const w = world(() => fail('too long'), far);
    expect(await w.go(step => step.do('a', 'once', 1, retry))).toBe('suspended');
    expect(kinds(w)).toEqual(['step.started', 'step.interrupted', 'run.asking']);
    expect(w.run()).toMatchObject({
      state: 'asking',
      steps: [{ state: 'unknown', because: 'too long; stopped here; may go on at web-1 (ssh)' }],
    });
    w.pass(1_000_000);
    expect(await w.go(step => step.do('a', 'once', 1, retry))).toBe('suspended');
    expect(w.attempts).toEqual(['a#1']);
  });

  it('tells people before the retry of a step that may run twice', async () => {
    const w = world((_, attempt) => (attempt === 1 ? fail('too long') : { kind: 'done', output: 1, exitCode: 0 }), far);
    const body = (step: StepApi) => step.do('a', 'again', 1, retry);
    expect(await w.go(body)).toBe('suspended');
    expect(kinds(w)).toEqual(['step.started', 'step.retrying', 'step.said']);
    expect(saidBy(w)).toEqual(['"a" runs again. Its last attempt was stopped here; may go on at web-1 (ssh).']);
    w.pass(5);
    expect(await w.go(body)).toEqual({ value: 1 });
    expect(w.attempts).toEqual(['a#1', 'a#2']);
  });

  it('is in the reason of a step that failed for good, and of one that was cancelled', async () => {
    const failed = world(() => fail('too long'), far);
    await failed.go(step => step.do('a', 'once', 1));
    expect(failed.run().steps[0]).toMatchObject({
      state: 'failed',
      because: 'too long; stopped here; may go on at web-1 (ssh)',
    });
    const cancelled = world(() => ({ kind: 'stopped', why: 'cancelled' }), far);
    await cancelled.go(step => step.do('a', 'once', 1));
    expect(cancelled.run().steps[0]).toMatchObject({
      state: 'failed',
      because: 'cancelled; stopped here; may go on at web-1 (ssh)',
    });
  });

  it('is said before a step of a process that was killed runs again, and in the question about one that may not', async () => {
    for (const [type, expected] of [
      ['again', ['step.started', 'step.interrupted', 'step.said', 'step.started']],
      ['once', ['step.started', 'step.interrupted', 'run.asking']],
    ] as const) {
      const w = world(() => 'crash', far);
      const body = (step: StepApi) => step.do('a', type, 1);
      await w.go(body);
      await w.go(body);
      expect(kinds(w)).toEqual(expected);
      const texts = type === 'again' ? saidBy(w) : [w.run().steps[0]?.because];
      expect(texts).toEqual([expect.stringContaining('may go on at web-1 (ssh)')]);
    }
  });

  it.each([
    ['failed', () => fail('too long'), 'once', 'step.finished'],
    ['was cancelled', () => ({ kind: 'stopped', why: 'cancelled' }) as const, 'once', 'step.finished'],
    ['had to stop', () => ({ kind: 'stopped', why: 'draining' }) as const, 'once', 'step.interrupted'],
    ['is done', () => ({ kind: 'done', output: 1, exitCode: 0 }) as const, 'once', 'step.finished'],
  ])('names in the thread the processes that could not be ended when it %s', async (_name, outcome, type, then) => {
    const w = world(outcome, left);
    await w.go(step => step.do('a', type, 1));
    expect(kinds(w)).toEqual(['step.started', 'step.said', then]);
    expect(saidBy(w)).toEqual([expect.stringContaining('pid 7 (sleep): it belongs to another user')]);
  });

  it('journals nothing when the run is another worker’s', async () => {
    const w = world(() => ({ kind: 'stopped', why: 'lease-lost' }), { ...far, ...left });
    await w.go(step => step.do('a', 'once', 1));
    expect(kinds(w)).toEqual(['step.started']);
  });
});
