import { describe, expect, it } from 'vitest';
import { newStep } from '../../src/model/fold.ts';
import { isVerified } from '../../src/model/run.ts';

describe('a run that verified that the alert is gone', () => {
  const step = (id: string, type: string, finishedAt: number | null, state: 'done' | 'failed' | 'skipped' = 'done') =>
    newStep(id, { type, state, startedAt: 1, finishedAt });

  it.each([
    [true, [step('fix', 'exec', 5), step('gone', 'verify', 9)]],
    [true, [step('fix', 'exec', 5), step('gone', 'verify', 9), step('tell', 'notify', 11)]],
    [false, [step('fix', 'exec', 5)]],
    [false, []],
    [false, [step('gone', 'verify', 4), step('fix', 'exec', 5)]],
    [false, [step('fix', 'exec', 5), step('gone', 'verify', 9, 'failed')]],
    [false, [step('fix', 'exec', null), step('gone', 'verify', 9)]],
    [false, [step('gone', 'verify', 9), step('other', 'http', 10)]],
  ])('%s: %j', (verified, steps) => {
    expect(isVerified({ steps })).toBe(verified);
  });
});
