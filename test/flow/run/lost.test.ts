import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { nothingLeft } from '../../../src/flow/run/leftovers.ts';
import type { SessionParts } from '../../../src/flow/run/perform-step.ts';
import { createPerformer } from '../../../src/flow/run/session.ts';
import { attemptStep, type Outcome } from '../../../src/flow/run/step.ts';
import { createStepApi } from '../../../src/flow/run/step-api.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { TocsinError } from '../../../src/kernel/errors.ts';
import { foldRun } from '../../../src/model/fold.ts';
import type { Fact } from '../../../src/model/journal.ts';
import type { StepApi } from '../../../src/ports/runbook.ts';
import type { StepContext, StepType } from '../../../src/ports/step.ts';
import { sampleRun } from '../../contracts/samples.ts';

const lost: Outcome = { kind: 'lost', because: 'The helper process ended.' };
const done: Outcome = { kind: 'done', output: 'ok', exitCode: 0 };

function type(id: string, idempotent: boolean): StepType {
  return {
    id,
    about: 'for tests',
    input: z.json(),
    output: z.json(),
    risk: 'low',
    idempotent,
    timeout: null,
    examples: [],
    show: () => id,
    run: async () => ({ state: 'done', output: null }),
  };
}

/** One session of a run whose attempts end as told, in order; the last one repeats. */
async function perform(stepType: 'once' | 'again', outcomes: Outcome[]) {
  const blank = sampleRun({ runbook: 'test', title: 'Test', params: {}, targets: [], createdAt: 1 });
  let run = foldRun(
    foldRun(null, { kind: 'run.created', run: blank }, 1),
    { kind: 'run.started', run: 'run_1', token: 1 },
    1,
  );
  const facts: Fact[] = [];
  const order: string[] = [];
  const add = (decide: Parameters<SessionParts['append']>[0]) => {
    for (const fact of decide(run)?.facts ?? []) {
      facts.push(fact);
      run = foldRun(run, fact, 1);
    }
  };
  const performer = createPerformer({
    run: () => run,
    append: async decide => add(decide),
    result: add,
    steps: new Map([type('once', false), type('again', true)].map(one => [one.id, one])),
    defaultTimeout: 1000,
    now: () => 1,
    mayStart: async () => true,
    reap: async step => {
      order.push(`reap ${step}`);
      return null;
    },
    farOf: () => null,
    async attempt({ step, number }) {
      order.push(`${step}#${number}`);
      return { outcome: outcomes[Math.min(number, outcomes.length) - 1] ?? lost, leftovers: nothingLeft, log: null };
    },
    token: 1,
  });
  const body = (step: StepApi) => step.do('a', stepType, 1);
  const end = await Promise.race([
    body(createStepApi(performer))
      .then(value => ({ value }))
      .catch(error => ({ error: String(error) })),
    performer.suspended.then(() => 'suspended'),
  ]);
  return { end, order, kinds: facts.map(fact => fact.kind), run };
}

describe('a step whose end nobody can tell, because what started it is gone', () => {
  it('runs again when that is harmless, after a look for what is left', async () => {
    const { end, order, kinds } = await perform('again', [lost, done]);
    expect(end).toEqual({ value: 'ok' });
    expect(order).toEqual(['a#1', 'reap a', 'a#2']);
    expect(kinds).toEqual(['step.started', 'step.interrupted', 'step.started', 'step.finished']);
  });

  it('is unknown when it may not run twice, and people are asked', async () => {
    const { end, order, run } = await perform('once', [lost, done]);
    expect(end).toBe('suspended');
    expect(order).toEqual(['a#1']);
    expect(run).toMatchObject({
      state: 'asking',
      steps: [{ id: 'a', state: 'unknown', because: 'The helper process ended.' }],
    });
  });

  it('fails at the third time: what ends its helper each time is not tried for ever', async () => {
    const { end, order } = await perform('again', [lost]);
    expect(end).toEqual({ error: 'StepFailed: a: The helper process ended.' });
    expect(order.filter(word => word.startsWith('a#'))).toEqual(['a#1', 'a#2', 'a#3']);
  });

  it('is told apart from a step that failed', async () => {
    const run = async () => {
      throw new TocsinError('spawner-lost');
    };
    const outcome = await attemptStep({
      type: { ...type('once', false), run },
      input: 1,
      context: () => ({}) as StepContext,
      timeout: null,
      session: new AbortController().signal,
      clock: systemClock,
    });
    expect(outcome).toMatchObject({ kind: 'lost' });
  });
});
