import { describe, expect, test } from 'vitest';
import { splitThreshold } from '../../../src/kernel/prometheus/expression.ts';

describe('the series and the threshold of an expression', () => {
  test.each([
    ['cpu > 0.9', 'cpu', '>', 0.9],
    ['0.9 <= cpu', 'cpu', '>=', 0.9],
    ['(up == 0)', 'up', '==', 0],
    ['sum by (job) (rate(x{a=">1"}[5m])) >= 10 * 1024', 'sum by (job) (rate(x{a=">1"}[5m]))', '>=', 10_240],
    ['free < 5e9 and on (x) mounted == 1', 'free', '<', 5e9],
    ['(a > 1) unless b', 'a', '>', 1],
    ['x > -2 ^ 2', 'x', '>', -4],
    ['x # y > 3\n > 0x10', 'x # y > 3', '>', 16],
  ])('%s', (expression, query, is, value) => {
    expect(splitThreshold(expression)).toEqual({ query, threshold: { is, value } });
  });

  test.each([
    ['absent(up)', 'absent(up)'],
    ['a > 1 or b > 2', 'a > 1 or b > 2'],
    ['a > bool 1', 'a > bool 1'],
    ['a > 1 > 2', 'a > 1 > 2'],
    ['avail < total * 0.1', 'avail'],
    ['count(a > 1)', 'count(a > 1)'],
    ['a > 1)', 'a > 1)'],
    ['1 > 2', '1 > 2'],
  ])('%s has no threshold to draw', (expression, query) => {
    expect(splitThreshold(expression)).toEqual({ query, threshold: null });
  });
});
