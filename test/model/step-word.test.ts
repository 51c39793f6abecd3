import { describe, expect, test } from 'vitest';
import { type Step, stepWord, waitsFor } from '../../src/model/run.ts';

const step = (facts: Partial<Step>): Step => ({
  id: 'one',
  type: 'exec',
  title: '',
  state: 'pending',
  attempts: 1,
  idempotent: false,
  inputDigest: null,
  waiting: null,
  exitCode: null,
  output: null,
  because: null,
  ending: null,
  window: null,
  startedAt: null,
  finishedAt: null,
  ...facts,
});

describe('what a step is called', () => {
  test.each([
    ['cancelled', { state: 'failed', because: 'cancelled' }, 'cancelled'],
    ['cancelled', { state: 'failed', because: 'cancelled; 2 processes went on elsewhere' }, 'cancelled'],
    ['failed', { state: 'failed', because: 'exit code 1' }, 'cancelled'],
    ['failed', { state: 'failed', because: 'cancelled' }, 'failed'],
    ['not reached', { state: 'pending' }, 'failed'],
    ['pending', { state: 'pending' }, 'running'],
    ['done', { state: 'done' }, 'cancelled'],
  ] as const)('%s', (word, facts, state) => {
    expect(stepWord(step(facts), { state })).toBe(word);
  });

  test('a run that waits for an alert or a time waits for nobody, unless a branch of it asks', () => {
    const waits = (...reasons: ('resolve' | 'approval' | 'timer')[]) =>
      waitsFor({
        state: 'waiting',
        startedAt: 1,
        steps: reasons.map(one => step({ state: 'waiting', waiting: { for: one, wakeAt: null, on: null, since: 1 } })),
      });
    expect(waits('resolve')).toBe('resolve');
    expect(waits('timer', 'approval')).toBe('approval');
    expect(waits()).toBeNull();
    expect(waitsFor({ state: 'waiting', startedAt: null, steps: [] })).toBeNull();
    expect(waitsFor({ state: 'running', startedAt: 1, steps: [] })).toBeNull();
  });
});
