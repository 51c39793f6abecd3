import { expect, it } from 'vitest';
import { createByteCache, roughSize } from '../../src/kernel/byte-cache.ts';

it('keeps its values within its bytes, and forgets what was used longest ago', () => {
  const cache = createByteCache<string>(100, text => text.length);
  for (const key of ['a', 'b', 'c']) cache.set(key, key.repeat(30));
  expect(cache.get('a')).toBe('a'.repeat(30));
  cache.set('d', 'd'.repeat(30));
  expect(['a', 'b', 'c', 'd'].filter(cache.has)).toEqual(['a', 'c', 'd']);
  cache.set('e', 'e'.repeat(100));
  expect(['a', 'b', 'c', 'd', 'e'].filter(cache.has)).toEqual(['e']);
});

it('counts a value that replaces another once, and does not keep one that is larger than the cache', () => {
  const cache = createByteCache<string>(100, text => text.length);
  for (let n = 0; n < 10; n++) cache.set('a', 'a'.repeat(60));
  cache.set('b', 'b'.repeat(40));
  expect(['a', 'b'].filter(cache.has)).toEqual(['a', 'b']);
  cache.set('b', 'b'.repeat(101));
  expect(['a', 'b'].filter(cache.has)).toEqual(['a']);
  cache.delete('a');
  cache.set('c', 'c'.repeat(100));
  expect(cache.get('c')).toBe('c'.repeat(100));
});

it('sees the texts of a document wherever they are', () => {
  const long = 'x'.repeat(10_000);
  for (const value of [long, [long], { a: { b: [{ c: long }] } }, Object.assign(Object.create(null), { [long]: long })])
    expect(roughSize(value)).toBeGreaterThan(long.length);
  expect(roughSize({ a: 1, b: null, c: [true] })).toBeLessThan(300);
});
