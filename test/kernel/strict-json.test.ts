import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isCode, TocsinError } from '../../src/kernel/errors.ts';
import { parseStrictJson } from '../../src/kernel/strict-json.ts';

const payloads = new URL('../fixtures/payloads/', import.meta.url);
const parse = (text: string, limits?: Parameters<typeof parseStrictJson>[1]) =>
  parseStrictJson(Buffer.from(text), limits);

function refusal(act: () => unknown): TocsinError {
  try {
    act();
  } catch (error) {
    if (error instanceof TocsinError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

describe('what it makes', () => {
  test('any JSON value comes out as JSON.parse makes it', () => {
    fc.assert(
      fc.property(fc.json({ depthSize: 'small' }), text => {
        const plain: unknown = JSON.parse(text);
        const made = parse(text);
        // Integers that a double cannot hold are the one difference.
        const asText = (_key: string, value: unknown) =>
          Number.isInteger(value) && !Number.isSafeInteger(value) ? String(value) : value;
        expect(JSON.stringify(made, asText)).toBe(JSON.stringify(plain, asText));
      }),
      { numRuns: 500 },
    );
  });

  test('objects have no prototype, so a missing key is undefined and no key does harm', () => {
    const made = parse('{"__proto__":{"isAdmin":true},"constructor":"q","a":{"toString":"y"}}') as Record<
      string,
      unknown
    >;
    expect(Object.getPrototypeOf(made)).toBeNull();
    expect(made['hasOwnProperty']).toBeUndefined();
    expect(made['isAdmin']).toBeUndefined();
    expect(Object.keys(made)).toEqual(['__proto__', 'constructor', 'a']);
    expect(({} as Record<string, unknown>)['isAdmin']).toBeUndefined();
  });

  test('an integer beyond 2^53 stays its text; others stay numbers', () => {
    const text =
      '{"ns":1795604410123456789,"neg":-9007199254740993,"edge":9007199254740991,"f":0.1234567890123456,"e":1e3,"s":"12345678901234567890"}';
    expect({ ...(parse(text) as object) }).toEqual({
      ns: '1795604410123456789',
      neg: '-9007199254740993',
      edge: 9007199254740991,
      f: 0.1234567890123456,
      e: 1000,
      s: '12345678901234567890',
    });
  });

  // Each alone in its document: a longer number beside it must not be what makes the scan look.
  const numbers: [string, unknown][] = [
    ['999999999999999', 999999999999999],
    ['-999999999999999', -999999999999999],
    ['9007199254740991', 9007199254740991],
    ['-9007199254740991', -9007199254740991],
    ['9007199254740992', '9007199254740992'],
    ['9007199254740993', '9007199254740993'],
    ['-9007199254740993', '-9007199254740993'],
    ['9999999999999999', '9999999999999999'],
    ['10000000000000000', '10000000000000000'],
    ['17956044101234567', '17956044101234567'],
    ['-17956044101234567', '-17956044101234567'],
    ['12345678901234567890', '12345678901234567890'],
    [`1${'0'.repeat(400)}`, `1${'0'.repeat(400)}`],
    // With a fraction or an exponent it is no integer that somebody counts by: it loses precision, as everywhere.
    ['9007199254740993.0', 9007199254740992],
    ['9007199254740993.5', 9007199254740994],
    ['0.9007199254740993', 0.9007199254740993],
    ['-1.9007199254740993', -1.9007199254740994],
    ['9007199254740993e0', 9007199254740992],
    ['9007199254740993E-3', 9007199254740.992],
    ['1e16', 1e16],
    ['1e0000000000000001', 10],
    ['1.5e+0000000000000001', 15],
    ['-0', -0],
    ['"9007199254740993"', '9007199254740993'],
  ];
  test.each(numbers)('%s alone, in lists, objects, as the first and the last of them', (text, value) => {
    expect(parse(text)).toBe(value);
    expect(parse(` ${text}\n`)).toBe(value);
    expect(parse(`\ufeff${text}`)).toBe(value);
    expect(parse(`[${text}]`)).toEqual([value]);
    expect(parse(`[1,${text},true]`)).toEqual([1, value, true]);
    expect(parse(`[${text},2]`)).toEqual([value, 2]);
    expect(parse(`[[],${text}]`)).toEqual([[], value]);
    expect(parse(`{"a":${text}}`)).toEqual(Object.assign(Object.create(null), { a: value }));
    expect(parse(`{"a":{"b":[{"c":${text}}]},"d":1}`)).toMatchObject({ a: { b: [{ c: value }] }, d: 1 });
  });

  test('digits in a key or a text are no number', () => {
    expect({ ...(parse('{"9007199254740993":1,"12345678901234567":"9007199254740993"}') as object) }).toEqual({
      '9007199254740993': 1,
      '12345678901234567': '9007199254740993',
    });
    expect(parse('["-9007199254740993\\"9007199254740993"]')).toEqual(['-9007199254740993"9007199254740993']);
  });

  test('property: every integer comes out as it was written', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 22n), max: 10n ** 22n }), fc.nat(3), (integer, place) => {
        const text = `${integer}`;
        const [document = '', pick] = [
          [text, (made: unknown) => made],
          [`[${text}]`, (made: unknown) => (made as unknown[])[0]],
          [`{"a":${text}}`, (made: unknown) => (made as Record<string, unknown>)['a']],
          [`[0,{"b":[${text} ]}]`, (made: unknown) => (made as [0, { b: unknown[] }])[1].b[0]],
        ][place] as [string, (made: unknown) => unknown];
        const made = pick(parse(document));
        expect(`${made}`).toBe(text);
        expect(typeof made).toBe(Number.isSafeInteger(Number(integer)) ? 'number' : 'string');
      }),
      { numRuns: 500 },
    );
  });

  test('a byte-order mark before the document is left out', () => {
    expect(parse('\ufeff[1]')).toEqual([1]);
  });
});

describe('what it refuses', () => {
  test.each([
    ['nothing', ''],
    ['white space', ' \n'],
    ['two documents', '{}{}'],
    ['a comma too many', '[1,]'],
    ['an open string', '{"a":"b'],
    ['a comment', '{} // no'],
    ['NaN', '[NaN]'],
    ['a number beyond a double', '[1e400]'],
    ['a control character in a string', '["a\nb"]'],
    ['a lone closing bracket', ']'],
  ])('%s', (_what, text) => {
    expect(refusal(() => parse(text)).code).toBe('bad-body');
  });

  const notOne = 'The body is not one JSON document.';
  test.each([
    ['', notOne, 'the body is empty'],
    ['{"a":1', notOne, 'line 1, column 7'],
    ['[1,2', notOne, 'line 1, column 5'],
    ['[1,', notOne, 'the end'],
    ['{"a":tru', notOne, 'the end'],
    ['NaN', notOne, 'line 1, column 1'],
    ['[NaN]', notOne, 'line 1, column 2'],
    ['{"a":x}', notOne, 'line 1, column 6'],
    ['{"abcdefghij":1,\n  "b":x}', notOne, 'line 2, column 7'],
    ['\ufeff{"a":\n\n\u00e9}', notOne, 'line 3, column 1'],
    ['["\u00e9\u{1f389}",x]', notOne, 'line 1, column 8'],
    ['{"a":1}]', notOne, 'line 1, column 8'],
    ['x', notOne, 'line 1, column 1'],
    ['{"abcdefghij":1,"k" 1}', notOne, 'line 1, column 21'],
    ['[1,]', notOne, 'line 1, column 4'],
    ['{"a":trux}', notOne, 'line 1, column 9'],
    // V8 quotes the body where it names no position.
    ['{"a":at position 7}', notOne, 'line 1, column 6'],
    [`[${'1,'.repeat(5000)}x${',1'.repeat(5000)}]`, notOne, 'line 1, column 10002'],
    [`[${' '.repeat(64 * 1024 - 3)}x]`, notOne, 'line 1, column 65535'],
    [`[${' '.repeat(64 * 1024 - 2)}x]`, notOne, 'within 65537 characters'],
  ])('%j, and says where', (text, message, at) => {
    expect(refusal(() => parse(text))).toMatchObject({
      code: 'bad-body',
      message: expect.stringContaining(message),
      at,
    });
  });

  test.each([
    ['{"a":1,"a":2}', 8],
    ['{"k":"{[","l":"}","k":1}', 19],
    ['{"a":{"b":1,"b":2}}', 13],
    ['{"a":[{"a":1}],"a":2}', 16],
    ['[{"a":1},{"a":1,"b":[1,{"b":2}],"a":3}]', 33],
    ['{"b":{"a":1},"a":[],"c":{},"a":3}', 28],
    ['[[{"x":[],"y":{"x":1},"x":0}]]', 23],
    ['{"a:":"\\"a","b" : ":","a:" :1}', 23],
    ['[{"k":"k"},["k","k"],{"k":"k","l":["k"],"k":1}]', 41],
  ])('a key twice in %s, at its second place', (text, column) => {
    expect(refusal(() => parse(text))).toMatchObject({
      message: expect.stringContaining('An object has a key twice.'),
      at: `line 1, column ${column}`,
      allowed: 'each key once',
    });
  });

  test('a number that is too large, and says what would not be', () => {
    for (const text of ['1e400', '[-1e400]', '{"a":1e999}', `${'9'.repeat(400)}.5`])
      expect(refusal(() => parse(text))).toMatchObject({
        message: expect.stringContaining('A number is too large.'),
        allowed: 'numbers within a double',
      });
  });

  test('bytes that are not UTF-8, and says what is', () => {
    expect(refusal(() => parseStrictJson(Buffer.from([0x22, 0xff, 0x22])))).toMatchObject({
      message: expect.stringContaining('The body is not valid UTF-8.'),
      allowed: 'UTF-8',
    });
  });

  test('bytes that are not UTF-8', () => {
    expect(refusal(() => parseStrictJson(Buffer.from([0x22, 0xc3, 0x28, 0x22]))).message).toMatch(/UTF-8/);
  });

  test('a key twice, also when it is written in two ways, and says where', () => {
    const found = refusal(() => parse('{"x":{"a":1},\n "y":[{"a":1},{"b":1, "\\u0062":2}]}'));
    expect(found.message).toMatch(/twice/);
    expect(found.at).toBe('line 2, column 23');
    expect(refusal(() => parse('{"__proto__":1,"__proto__":2}')).at).toBe('line 1, column 16');
    expect(refusal(() => parse('{"a:{":1,"a:{":2}')).message).toMatch(/twice/);
  });

  test('the same key in two objects is none of it', () => {
    expect(parse('[{"a":1},{"a":":"},{"b":{"a":"{\\"a\\":1,\\"a\\":2}"}}]')).toHaveLength(3);
  });

  test('32 levels and not 33, 10,000 keys and not one more, 64 KiB of text and not one byte more', () => {
    const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
    const keys = (count: number) => `{${Array.from({ length: count }, (_, i) => `"k${i}":0`).join(',')}}`;
    expect(parse(nested(32))).toHaveLength(1);
    expect(refusal(() => parse(nested(33)))).toMatchObject({ code: 'bad-body', allowed: 'at most 32 levels' });
    expect(Object.keys(parse(keys(10_000)) as object)).toHaveLength(10_000);
    expect(refusal(() => parse(keys(10_001))).allowed).toBe('at most 10000 keys');
    expect(parse(`"${'x'.repeat(65_536)}"`)).toHaveLength(65_536);
    expect(refusal(() => parse(`"${'x'.repeat(65_537)}"`)).allowed).toBe('at most 65536 bytes in one string');
    expect(refusal(() => parse(`{"${'x'.repeat(65_537)}":1}`)).code).toBe('bad-body');
    expect(parse(nested(40), { depth: 40 })).toHaveLength(1);
  });

  test('the hostile files: nesting is refused, nothing is unpacked, odd keys come out as data', () => {
    const bomb = readFileSync(new URL('hostile/bomb-100MB.json.gz', payloads));
    expect(refusal(() => parseStrictJson(bomb)).message).toMatch(/UTF-8/);
    expect(
      refusal(() => parseStrictJson(readFileSync(new URL('hostile/deep-nesting.json', payloads)))).message,
    ).toMatch(/nesting/);
    const polluted = parseStrictJson(readFileSync(new URL('hostile/prototype-pollution.json', payloads)));
    expect(JSON.stringify(polluted)).toContain('"hasOwnProperty":"z"');
    expect(({} as Record<string, unknown>)['isAdmin']).toBeUndefined();
  });

  test('whatever the bytes, it throws bad-body or nothing, and never repeats the body', () => {
    const piece = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      '"',
      ':',
      ',',
      '\\',
      '1',
      '12345678901234567',
      'e9',
      '-',
      'true',
      'CANARY',
      '"CANARY"',
      '\\u00',
      ' ',
      '\n',
      'é',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), pieces => {
        try {
          parse(pieces.join(''));
        } catch (error) {
          expect(isCode(error, 'bad-body')).toBe(true);
          expect(JSON.stringify(error)).not.toContain('CANARY');
        }
      }),
      { numRuns: 3000 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), bytes => {
        try {
          parseStrictJson(Buffer.from(bytes));
        } catch (error) {
          expect(isCode(error, 'bad-body')).toBe(true);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
