import { describe, expect, it } from 'vitest';
import { exactNumber, wholeNumber } from '../../src/kernel/number.ts';

describe('numbers as text', () => {
  it.each([
    ['0', 0],
    ['12', 12],
    ['-3', -3],
    ['0.5', 0.5],
    ['1.10', 1.1],
    ['1e3', 1000],
    ['-2.5E-3', -0.0025],
    ['0e5', 0],
    ['9007199254740991', 9007199254740991],
  ])('%s is a number', (text, value) => {
    expect(exactNumber(text)).toBe(value);
  });

  it.each([
    '',
    ' ',
    ' 5',
    '5 ',
    '5\n',
    '+5',
    '.5',
    '5.',
    '012',
    '-012',
    '00',
    '0x1F',
    '0b1',
    '0o17',
    '1_000',
    '1,5',
    '1e',
    '1e3s',
    'e3',
    '--1',
    'Infinity',
    '-Infinity',
    'NaN',
    'null',
    '١',
    '9007199254740993',
    '12345678901234567890',
    '1e400',
    '1e-400',
    '1e16',
  ])('%j is none', text => {
    expect(exactNumber(text)).toBeNull();
  });

  it('that are whole have digits alone', () => {
    expect(['0', '7', '65535'].map(wholeNumber)).toEqual([0, 7, 65_535]);
    expect(['', '-1', '1.0', '1e3', '07', ' 7', '0x10', '9007199254740993'].map(wholeNumber)).toEqual(
      Array.from({ length: 8 }, () => null),
    );
  });
});
