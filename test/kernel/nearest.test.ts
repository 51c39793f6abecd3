import { describe, expect, test } from 'vitest';
import { nearest } from '../../src/kernel/nearest.ts';

describe('nearest', () => {
  const known = ['labels', 'annotations', 'severity', 'title'];

  test.each([
    ['lables', 'labels'],
    ['Labels', 'labels'],
    ['anotation', 'annotations'],
    ['titel', 'title'],
  ])('%s means %s', (word, expected) => {
    expect(nearest(word, known)).toBe(expected);
  });

  test('is nothing when nothing is near', () => {
    expect(nearest('fingerprint', known)).toBeNull();
    expect(nearest('x', known)).toBeNull();
    expect(nearest('labels', [])).toBeNull();
  });

  test('takes the nearest of several, and the first of equals', () => {
    expect(nearest('stat', ['state', 'start', 'stat'])).toBe('stat');
    expect(nearest('stat', ['start', 'state'])).toBe('start');
  });
});
