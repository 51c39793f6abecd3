import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalJson, sha256 } from '../../src/kernel/canonical.ts';

/** The same value with the keys of every object in another order. */
function turn(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(turn);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, member]) => [key, turn(member)]),
  );
}

describe('canonicalJson', () => {
  test('sorts keys by code unit at every depth and leaves no white space', () => {
    expect(
      canonicalJson({ b: [{ d: 1, c: null }], a: 'x', B: true, 10: 1, 9: 2, é: 0, '\u{1f692}': 0, '\uffff': 0 }),
    ).toBe('{"10":1,"9":2,"B":true,"a":"x","b":[{"c":null,"d":1}],"é":0,"\u{1f692}":0,"\uffff":0}');
  });

  test('leaves out undefined members as JSON does, and keeps places in lists', () => {
    expect(canonicalJson({ a: undefined, b: [undefined, 1] })).toBe('{"b":[null,1]}');
    expect(canonicalJson(undefined)).toBe('null');
  });

  test('escapes what cannot be encoded, so that different texts stay different', () => {
    expect(canonicalJson('\ud800')).toBe('"\\ud800"');
    expect(canonicalJson('a\0b')).toBe('"a\\u0000b"');
  });

  test('is JSON of the same value, whatever the value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), value => {
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  test('does not depend on the order of keys', () => {
    fc.assert(
      fc.property(fc.jsonValue(), value => {
        expect(canonicalJson(turn(value))).toBe(canonicalJson(value));
      }),
    );
  });

  test('is the same again for what it made', () => {
    fc.assert(
      fc.property(fc.jsonValue(), value => {
        const text = canonicalJson(value);
        expect(canonicalJson(JSON.parse(text))).toBe(text);
      }),
    );
  });
});

describe('sha256', () => {
  test('is the published one, for text and bytes alike', () => {
    expect(sha256('')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    expect(sha256('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    expect(sha256(Buffer.from('ü'))).toBe(sha256('ü'));
  });
});
