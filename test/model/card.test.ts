import { expect, test } from 'vitest';
import { type Progress, progressText } from '../../src/model/card.ts';

const block = (facts: Partial<Progress>): Progress => ({
  kind: 'progress',
  done: 0,
  total: 5,
  startedAt: null,
  finishedAt: null,
  steps: [],
  ...facts,
});

test.each([
  ['people are asked: nothing is on its first step', { startedAt: null }, '0 of 5 steps'],
  ['it runs', { startedAt: 1, done: 1 }, 'step 2 of 5'],
  ['its last step is done and it is not over', { startedAt: 1, done: 5 }, 'step 5 of 5'],
  ['it is over', { startedAt: 1, finishedAt: 2, done: 5 }, '5 of 5 steps'],
  ['nobody knows how many there are', { startedAt: 1, total: null, done: 1 }, 'step 2'],
  ['nobody knew, and it is over', { startedAt: 1, total: null, finishedAt: 2, done: 3 }, '3 steps'],
] satisfies [string, Partial<Progress>, string][])('%s', (_name, facts, text) => {
  expect(progressText(block(facts))).toBe(text);
});
