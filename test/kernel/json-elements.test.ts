import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { jsonElements } from '../../src/kernel/json-elements.ts';

const all = (text: string) => [...jsonElements(text)];

describe('the elements of a JSON array', () => {
  test('are those that JSON.parse gives, however they are spaced', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), fc.constantFrom(0, 1, '\t', '\r\n'), (values, space) => {
        const text = JSON.stringify(values, null, space as number);
        expect(all(` ${text}\n`)).toEqual(JSON.parse(text));
      }),
    );
  });

  test('none of a text that is cut anywhere is taken for the whole', () => {
    const text = JSON.stringify([{ a: ['x', '"],[', '\\'] }, 'b\\"', [1, 2], null]);
    for (let length = 0; length < text.length; length++) expect(() => all(text.slice(0, length))).toThrow();
  });

  test.each(['', '{}', '"[]"', '[1,]', '[,1]', '[1 2]', '[1]]', '[1] 2', '[}', '[{]}', '[1}', '["a]'])(
    '%j is refused',
    text => {
      expect(() => all(text)).toThrow(SyntaxError);
    },
  );
});
