import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  finishedFact,
  type SessionParts,
  StepFailed,
  stepOf,
  toMilliseconds,
  withDefaults,
} from '../../../src/flow/run/perform-step.ts';
import { createPerformer } from '../../../src/flow/run/session.ts';
import { type Outcome, Stopped } from '../../../src/flow/run/step.ts';
import { TocsinError } from '../../../src/kernel/errors.ts';
import { foldRun, newStep } from '../../../src/model/fold.ts';
import type { Fact } from '../../../src/model/journal.ts';
import type { Run, Step } from '../../../src/model/run.ts';
import type { StepOptions } from '../../../src/ports/runbook.ts';
import type { StepType } from '../../../src/ports/step.ts';
import type { Change } from '../../../src/ports/store.ts';
import { sampleRun } from '../../contracts/samples.ts';

const done: Outcome = { kind: 'done', output: 'ok', exitCode: 0 };
const type = (id: string, over: Partial<StepType> = {}) =>
  ({ id, idempotent: false, timeout: 'default', input: z.any(), ...over }) as unknown as StepType;

type Added = { facts: Fact[]; with?: Change };
type Work = Parameters<SessionParts['attempt']>[0];

/** A session on a run whose steps stand as given; it performs one step, `a`, once. */
function session(given: Partial<Step> | null, over: Partial<Run> = {}) {
  const steps = given === null ? [] : [newStep('a', { type: 'exec', attempts: 1, ...given })];
  const added: Added[] = [];
  const works: Work[] = [];
  const reaped: string[] = [];
  const state = {
    run: sampleRun({ state: 'running', startedAt: 1, steps, ...over }) as Run,
    outcome: done as Outcome,
    log: null as { digest: string; bytes: string } | null,
    mayStart: true as boolean | Error,
    now: 10_000,
    refuse: null as Error | null,
    /** What was handed over by `result`, in order, among all that was added. */
    results: 0,
  };
  const add: (decide: (run: Run) => Added | null) => void = decide => {
    const next = decide(state.run);
    if (state.refuse !== null) throw state.refuse;
    if (next === null) return;
    added.push(next);
    for (const fact of next.facts) state.run = foldRun(state.run, fact, state.now);
  };
  const parts = {
    run: () => state.run,
    append: async (decide: never) => add(decide),
    result(decide: never) {
      state.results += 1;
      add(decide);
    },
    steps: new Map(
      [
        type('exec'),
        type('again', { idempotent: true }),
        type('never', { timeout: null }),
        type('short', { timeout: 50 }),
        type('strict', { input: z.object({ n: z.number(), deep: z.object({ s: z.string() }).optional() }) }),
      ].map(one => [one.id, one]),
    ),
    defaultTimeout: 600,
    now: () => state.now,
    async mayStart() {
      if (state.mayStart instanceof Error) throw state.mayStart;
      return state.mayStart;
    },
    async reap(step: string) {
      reaped.push(step);
      return null;
    },
    farOf: () => null,
    async attempt(work: Work) {
      works.push(work);
      return { outcome: state.outcome, log: state.log, leftovers: { far: null, left: null } };
    },
    token: 7,
  } as unknown as SessionParts;
  return {
    state,
    added,
    works,
    reaped,
    facts: () => added.flatMap(one => one.facts),
    /** The output of the step, the error that it threw, or `waits`. */
    async go(options: StepOptions = {}, input: unknown = { x: 1 }, of = 'exec') {
      const performer = createPerformer(parts);
      return await Promise.race([
        performer.perform('a', of, input, options).then(
          output => ({ output }),
          error => error,
        ),
        performer.suspended.then(() => 'waits'),
      ]);
    },
    performer: () => createPerformer(parts),
  };
}

describe('a step that is over already', () => {
  it.each<[Partial<Step>, unknown]>([
    [{ state: 'done', output: { n: 1 } }, { output: { n: 1 } }],
    [{ state: 'done', output: null }, { output: null }],
    [{ state: 'undone', output: 'x' }, { output: 'x' }],
    [{ state: 'skipped', output: null }, { output: { exitCode: null, stdout: '', stderr: '' } }],
    [{ state: 'skipped', output: 'y' }, { output: 'y' }],
  ])('%j is not done again', async (step, result) => {
    const s = session(step);
    expect(await s.go()).toEqual(result);
    expect([s.added, s.works, s.reaped]).toEqual([[], [], []]);
  });

  it.each<[Partial<Step>, string, string]>([
    [{ state: 'failed', because: 'exit 1' }, 'a: exit 1', 'failed'],
    [{ state: 'failed', because: null }, 'a: failed', 'failed'],
    [{ state: 'failed', because: 'x', ending: 'ineffective' }, 'a: x', 'ineffective'],
  ])('%j fails again', async (step, message, ending) => {
    const error = await session(step).go();
    expect(error).toBeInstanceOf(StepFailed);
    expect(error).toMatchObject({ name: 'StepFailed', step: 'a', message, ending });
  });

  it('is another one where its type or its input differs; one that has no digest is any', async () => {
    const digest = 'not that of this input';
    const differs = (text: string) => ({
      code: 'replay-differs',
      at: 'a',
      message: expect.stringContaining(`On replay the step "a" is not what is journalled: ${text}.`),
    });
    expect(await session({ state: 'done', inputDigest: digest }).go()).toMatchObject(differs('its input differs'));
    expect(await session({ state: 'done', type: 'http', inputDigest: digest }).go()).toMatchObject(
      differs('it is exec, not http'),
    );
    expect(await session({ state: 'done', type: 'http', inputDigest: null }).go()).toEqual({ output: null });
    const s = session(null);
    await s.go();
    expect(await s.go()).toEqual({ output: 'ok' });
    expect(await s.go({}, { x: 2 })).toMatchObject(differs('its input differs'));
    expect(await s.go({}, { x: 1 }, 'again')).toMatchObject(differs('it is again, not exec'));
  });
});

describe('a step that begins', () => {
  it('is journalled as it is asked for, under the halt guard, before anything is done', async () => {
    const s = session(null);
    s.state.log = { digest: 'd', bytes: 'text' };
    s.state.outcome = { ...done, because: 'as wanted', window: 60 };
    expect(await s.go({ title: 'Do it', timeout: '2s' })).toEqual({ output: 'ok' });
    const [begun, over] = s.added;
    expect(begun).toEqual({
      with: { guards: [{ kind: 'halt' }] },
      facts: [
        {
          kind: 'step.started',
          run: 'run_1',
          step: 'a',
          type: 'exec',
          title: 'Do it',
          attempt: 1,
          idempotent: false,
          inputDigest: expect.stringMatching(/^[0-9a-f]{64}$/),
          token: 7,
        },
      ],
    });
    expect(over).toEqual({
      facts: [
        finishedFact('run_1', 'a', 1, {
          state: 'done',
          output: 'ok',
          exitCode: 0,
          because: 'as wanted',
          window: 60,
          log: 'd',
        }),
      ],
      with: { blobs: [{ digest: 'd', bytes: 'text' }] },
    });
    expect(s.works).toMatchObject([{ step: 'a', number: 1, timeout: 2000, waiting: null, input: { x: 1 } }]);
    expect(s.state.results).toBe(1);
    expect(s.reaped).toEqual([]);
  });

  it('has a result without a log, a window or a reason where there is none', async () => {
    const s = session(null);
    await s.go();
    expect(s.added[1]).toEqual({
      facts: [finishedFact('run_1', 'a', 1, { state: 'done', output: 'ok', exitCode: 0 })],
      with: {},
    });
    expect(s.added[1]?.facts[0]).not.toHaveProperty('window');
  });

  it.each<[string, Partial<Run>]>([
    ['was cancelled', { cancel: { by: '', reason: null } }],
    ['is over', { state: 'failed' }],
  ])('does not when the run %s meanwhile', async (_, over) => {
    const s = session(null, over);
    const error = await s.go();
    expect(error).toBeInstanceOf(Stopped);
    expect(error.why).toBe('cancelled');
    expect([s.added, s.works]).toEqual([[], []]);
  });

  it('does not without a decision for this plan, and waits', async () => {
    const s = session(null);
    s.state.mayStart = false;
    expect(await s.go()).toBe('waits');
    s.state.mayStart = new TocsinError('plan-changed');
    expect(await s.go()).toMatchObject({ code: 'plan-changed' });
    expect([s.added, s.works]).toEqual([[], []]);
  });

  it('does not while everything is halted, and waits; another refusal is an error', async () => {
    const s = session(null);
    s.state.refuse = new TocsinError('guard-failed', { at: 'halt everything' });
    expect(await s.go()).toBe('waits');
    for (const refuse of [
      new TocsinError('guard-failed', { at: 'lease run/run_1' }),
      new TocsinError('store-failed', { at: 'halt everything' }),
      new Stopped('lease-lost'),
    ]) {
      s.state.refuse = refuse;
      expect(await s.go()).toBe(refuse);
    }
    expect(s.works).toEqual([]);
  });

  it('fails by what it is given before its driver sees it', async () => {
    const s = session(null);
    const error = await s.go({}, { n: 'x', deep: { s: 1 } }, 'strict');
    expect(error).toBeInstanceOf(StepFailed);
    expect(error.message).toMatch(/^a: its input is not one strict takes: n: .+; deep\.s: .+/);
    expect(s.works).toEqual([]);
    expect(s.facts().at(-1)).toMatchObject({ kind: 'step.finished', state: 'failed', output: null, exitCode: null });
    expect((await session(null).go({}, 'x', 'strict')).message).toContain('takes: input: ');
    const parsed = session(null);
    await parsed.go({}, { n: 1, more: 2 }, 'strict');
    expect(parsed.works[0]?.input).toEqual({ n: 1 });
  });

  it('has a type that there is', async () => {
    expect(await session(null).go({}, 1, 'nothing')).toMatchObject({
      code: 'params-invalid',
      at: 'a',
      message: expect.stringContaining('There is no step type "nothing".'),
      allowed: ['exec', 'again', 'never', 'short', 'strict'],
      given: 'nothing',
    });
  });
});

describe('a step that was under way', () => {
  it('is reaped, then journalled as interrupted, then asked about once', async () => {
    const s = session({ state: 'running', attempts: 3 });
    expect(await s.go()).toBe('waits');
    expect(s.reaped).toEqual(['a']);
    expect(s.facts()).toMatchObject([
      {
        kind: 'step.interrupted',
        run: 'run_1',
        step: 'a',
        attempt: 3,
        because: expect.stringContaining('it was started, and no result was recorded before the process ended'),
      },
      {
        kind: 'run.asking',
        run: 'run_1',
        step: 'a',
        because: expect.stringMatching(/^Nobody knows what "a" did: it was started/),
      },
    ]);
    expect(await s.go()).toBe('waits');
    expect(s.facts()).toHaveLength(2);
    expect(s.works).toEqual([]);
  });

  it('without a reason was interrupted', async () => {
    const s = session({ state: 'unknown', because: null });
    await s.go();
    expect(s.facts()[0]).toMatchObject({ because: 'Nobody knows what "a" did: it was interrupted.' });
  });

  it.each<[NonNullable<StepOptions['onInterrupt']>, object, string[]]>([
    ['skip', { state: 'skipped', because: 'interrupted; the runbook says to skip it then', attempt: 4 }, []],
    ['fail', { state: 'failed', because: 'interrupted; the runbook says to fail then', attempt: 4 }, []],
  ])('is ended by its runbook: %s', async (onInterrupt, fact, reaped) => {
    const s = session({ state: 'unknown', attempts: 4 });
    const result = await s.go({ onInterrupt });
    expect(s.facts()).toMatchObject([{ kind: 'step.finished', ...fact }]);
    expect(s.reaped).toEqual(reaped);
    if (onInterrupt === 'fail') expect(result).toBeInstanceOf(StepFailed);
    else expect(result).toEqual({ output: { exitCode: null, stdout: '', stderr: '' } });
  });

  it('is done again by its runbook, or by its type, after what it left was ended', async () => {
    for (const [options, of] of [
      [{ onInterrupt: 'retry' }, 'exec'],
      [{}, 'again'],
      [{ idempotent: true }, 'exec'],
    ] as [StepOptions, string][]) {
      const s = session({ state: 'unknown', attempts: 2, type: of });
      expect(await s.go(options, { x: 1 }, of)).toEqual({ output: 'ok' });
      expect(s.reaped).toEqual(['a']);
      expect(s.works).toMatchObject([{ number: 3, waiting: null }]);
      expect(s.facts().map(fact => fact.kind)).toEqual(['step.started', 'step.finished']);
    }
    const asked = session({ state: 'unknown', type: 'again' });
    expect(await asked.go({ idempotent: false }, { x: 1 }, 'again')).toBe('waits');
    const held = session({ state: 'unknown' });
    held.state.mayStart = false;
    expect(await held.go({ onInterrupt: 'retry' })).toBe('waits');
  });
});

describe('a step that failed', () => {
  const failed: Outcome = { kind: 'failed', because: 'exit 2', output: { n: 2 }, exitCode: 2, ending: 'unconfirmed' };

  it('says all that is known of it', async () => {
    const s = session(null);
    s.state.outcome = failed;
    s.state.log = { digest: 'd', bytes: 'b' };
    expect(await s.go()).toMatchObject({ message: 'a: exit 2', ending: 'unconfirmed' });
    expect(s.added[1]).toEqual({
      facts: [
        finishedFact('run_1', 'a', 1, {
          state: 'failed',
          output: { n: 2 },
          exitCode: 2,
          because: 'exit 2',
          ending: 'unconfirmed',
          log: 'd',
        }),
      ],
      with: { blobs: [{ digest: 'd', bytes: 'b' }] },
    });
  });

  it('is tried again so often, after pauses that grow', async () => {
    const s = session(null);
    s.state.outcome = failed;
    s.state.log = { digest: 'd', bytes: 'b' };
    const retry = { times: 2, wait: '1s', factor: 1.5 };
    expect(await s.go({ retry })).toBe('waits');
    expect(s.added.at(-1)).toEqual({
      facts: [{ kind: 'step.retrying', run: 'run_1', step: 'a', attempt: 1, because: 'exit 2', wakeAt: 11_000 }],
      with: { blobs: [{ digest: 'd', bytes: 'b' }] },
    });
    // Not a millisecond sooner.
    s.state.now = 10_999;
    expect(await s.go({ retry })).toBe('waits');
    expect(s.works).toHaveLength(1);
    s.state.now = 11_000;
    expect(await s.go({ retry })).toBe('waits');
    expect(s.works).toHaveLength(2);
    expect(s.facts().at(-1)).toMatchObject({ kind: 'step.retrying', attempt: 2, wakeAt: 12_500 });
    s.state.now = 12_500;
    expect(await s.go({ retry })).toBeInstanceOf(StepFailed);
    expect(s.facts().at(-1)).toMatchObject({ kind: 'step.finished', attempt: 3, state: 'failed' });
  });

  it('is not tried again while nothing may begin', async () => {
    const s = session({
      state: 'waiting',
      waiting: { for: 'retry', wakeAt: 1, on: null, since: 1 },
      attempts: 1,
    });
    s.state.mayStart = false;
    expect(await s.go({ retry: { times: 3 } })).toBe('waits');
    expect([s.added, s.works]).toEqual([[], []]);
  });
});

describe('a step that waits', () => {
  const wait = (over: object = {}): Outcome => ({
    kind: 'waiting',
    result: { state: 'waiting', for: 'timer', wakeAt: 20_000, ...over } as never,
  });

  it('is journalled once, with when it began to wait', async () => {
    const s = session(null);
    s.state.outcome = wait();
    expect(await s.go()).toBe('waits');
    expect(s.facts().at(-1)).toEqual({
      kind: 'step.waiting',
      run: 'run_1',
      step: 'a',
      waiting: { for: 'timer', wakeAt: 20_000, on: null, since: 10_000 },
    });
    s.state.now = 15_000;
    expect(await s.go()).toBe('waits');
    expect(s.added).toHaveLength(2);
    expect(s.works[1]).toMatchObject({ number: 1, waiting: { for: 'timer', wakeAt: 20_000, since: 10_000 } });
  });

  it('is journalled anew when it waits for something else, since the first of them', async () => {
    const s = session(null);
    for (const outcome of [wait(), wait({ on: 'apv_1' }), wait({ on: 'apv_1', for: 'approval' })]) {
      s.state.outcome = outcome;
      await s.go();
      s.state.now += 1000;
    }
    expect(s.facts().filter(fact => fact.kind === 'step.waiting')).toMatchObject([
      { waiting: { for: 'timer', on: null, since: 10_000 } },
      { waiting: { for: 'timer', on: 'apv_1', since: 10_000 } },
      { waiting: { for: 'approval', on: 'apv_1', since: 10_000 } },
    ]);
  });

  it('goes on in the same attempt when that is over', async () => {
    const s = session({ state: 'waiting', attempts: 4, waiting: { for: 'timer', wakeAt: 1, on: null, since: 1 } });
    expect(await s.go()).toEqual({ output: 'ok' });
    expect(s.facts()).toMatchObject([{ kind: 'step.finished', attempt: 4, state: 'done' }]);
    // Nothing new begins, so nothing has to be asked.
    const held = session({ state: 'waiting', waiting: { for: 'timer', wakeAt: 1, on: null, since: 1 } });
    held.state.mayStart = false;
    expect(await held.go()).toEqual({ output: 'ok' });
  });
});

describe('a step that was stopped', () => {
  it.each<[Extract<Outcome, { kind: 'stopped' }>['why'], object[]]>([
    [
      'draining',
      [
        {
          kind: 'step.interrupted',
          step: 'a',
          attempt: 1,
          because: expect.stringContaining('it was still running when the process had to stop'),
        },
      ],
    ],
    [
      'cancelled',
      [
        {
          kind: 'step.finished',
          step: 'a',
          attempt: 1,
          state: 'failed',
          because: expect.stringContaining('cancelled'),
          log: 'd',
        },
      ],
    ],
    ['lease-lost', []],
  ])('%s: what is journalled of it', async (why, facts) => {
    const s = session(null);
    s.state.outcome = { kind: 'stopped', why };
    s.state.log = { digest: 'd', bytes: 'b' };
    const error = await s.go();
    expect(error).toBeInstanceOf(Stopped);
    expect(error.why).toBe(why);
    expect(s.facts().slice(1)).toMatchObject(facts);
    expect(s.added.slice(1).flatMap(one => one.with?.blobs ?? [])).toEqual(
      facts.map(() => ({ digest: 'd', bytes: 'b' })),
    );
  });
});

describe('what a runbook leaves out', () => {
  const defaults = (options: StepOptions, over: Partial<StepType> = {}) => withDefaults(type('t', over), options, 600);

  it('is what its type says', () => {
    expect(defaults({})).toEqual({
      title: '',
      idempotent: false,
      onInterrupt: 'ask',
      timeout: 600,
      retry: { times: 0, wait: 1000, factor: 2 },
    });
    expect(defaults({}, { idempotent: true, timeout: null })).toMatchObject({
      idempotent: true,
      onInterrupt: 'retry',
      timeout: null,
    });
    expect(defaults({}, { timeout: 50 }).timeout).toBe(50);
  });

  it('is what it says where it says it', () => {
    expect(
      defaults(
        { title: 'T', idempotent: false, timeout: null, retry: { times: 3, wait: '2s', factor: 1 } },
        { idempotent: true },
      ),
    ).toEqual({
      title: 'T',
      idempotent: false,
      onInterrupt: 'ask',
      timeout: null,
      retry: { times: 3, wait: 2000, factor: 1 },
    });
    expect(defaults({ onInterrupt: 'fail', idempotent: true }).onInterrupt).toBe('fail');
    expect(defaults({ timeout: 5 }).timeout).toBe(5);
    expect(defaults({ timeout: '1m' }, { timeout: 50 }).timeout).toBe(60_000);
    expect(defaults({ retry: { times: 1 } }).retry).toEqual({ times: 1, wait: 1000, factor: 2 });
  });

  it('a duration is a number, a text with a unit, or none', () => {
    expect([null, 0, 5, '30s', '10m', '2h', '1d'].map(toMilliseconds)).toEqual([
      null,
      0,
      5,
      30_000,
      600_000,
      7_200_000,
      86_400_000,
    ]);
    let error: unknown = null;
    try {
      toMilliseconds('soon');
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({
      code: 'params-invalid',
      message: expect.stringContaining('"soon" is not a duration.'),
      allowed: '30s, 10m, 2h, 1d',
      given: 'soon',
    });
  });

  it('a result has every member, and a step is found by its id', () => {
    expect(finishedFact('r', 's', 2, { state: 'skipped' })).toEqual({
      kind: 'step.finished',
      run: 'r',
      step: 's',
      attempt: 2,
      state: 'skipped',
      output: null,
      exitCode: null,
      because: null,
      ending: null,
      log: null,
    });
    const run = sampleRun({ steps: [newStep('a'), newStep('b')] });
    expect([stepOf(run, 'b')?.id, stepOf(run, 'c')]).toEqual(['b', null]);
  });
});
