import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TocsinError } from '../../src/kernel/errors.ts';
import type { JsonLimits } from '../../src/kernel/json-scan.ts';
import { type JsonPart, sliceStrictJson } from '../../src/kernel/sliced-json.ts';
import { parseStrictJson } from '../../src/kernel/strict-json.ts';

let pauses = 0;
function slice(
  text: string | Buffer,
  size: { elements?: number; bytes?: number } = {},
  limits: Partial<JsonLimits> = {},
) {
  pauses = 0;
  const cut = { list: 'alerts', elements: 2, bytes: 1_000_000, ...size };
  return sliceStrictJson(Buffer.from(text), cut, limits, async () => {
    pauses += 1;
  });
}

async function refusal(...given: Parameters<typeof slice>): Promise<TocsinError> {
  try {
    await slice(...given);
  } catch (error) {
    if (error instanceof TocsinError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

const elementsOf = (parts: JsonPart[] | null) =>
  (parts ?? []).map(part => (part.read() as unknown as { alerts: unknown[] }).alerts);

describe('a document that is cut along its list', () => {
  test('has the envelope in each part, some elements, and bytes that are a document too', async () => {
    const text =
      '\ufeff{ "version":"4",\n"alerts" : [ {"a":1}, {"a":[2,{"b":"],[\\""}]} ,3, "x,y" ,[] ] , "z":{"alerts":[9]}}';
    const parts = await slice(text);
    expect(elementsOf(parts)).toEqual([[{ a: 1 }, { a: [2, { b: '],["' }] }], [3, 'x,y'], [[]]]);
    expect(parts?.map(part => [part.first, part.last])).toEqual([
      [0, false],
      [2, false],
      [4, true],
    ]);
    for (const part of parts ?? []) {
      expect(part.read()).toMatchObject({ version: '4', z: { alerts: [9] } });
      expect(Object.getPrototypeOf(part.read())).toBeNull();
      expect(parseStrictJson(part.bytes())).toEqual(part.read());
    }
  });

  test('keeps the digits of long integers wherever they stand, alone in their part or around the list', async () => {
    const long = '9007199254740993';
    const places = ['before', 'first', 'second', 'third', 'last', 'after'] as const;
    for (const place of places) {
      const at = (name: (typeof places)[number], other: string) => (name === place ? `${long}` : other);
      const text = `{"before":${at('before', '0')},"alerts":[${at('first', '1')},{"a":${at('second', '2')}},[${at('third', '3')}],4,${at('last', '5')}],"after":{"b":${at('after', '6')}}}`;
      const parts = await slice(text);
      expect(elementsOf(parts)).toHaveLength(3);
      const shown = JSON.stringify([parts?.[0]?.read(), elementsOf(parts)]);
      expect(shown, place).toContain(`"${long}"`);
      // No other part is parsed in the slow way, and none loses anything.
      for (const part of parts ?? []) expect(part.read()).toEqual(parseStrictJson(part.bytes()));
    }
  });

  test('is not cut when it is an array, whatever text stands before a list in it', async () => {
    expect(await slice('["alerts",[1,2,3,4,5]]')).toBeNull();
  });

  test('is cut at the bytes of a slice too; a larger element is a slice of its own', async () => {
    const text = JSON.stringify({ alerts: ['x'.repeat(50), 'y'.repeat(500), 1, 2, 3] });
    const parts = await slice(text, { elements: 10, bytes: 100 });
    expect(elementsOf(parts).map(part => part.length)).toEqual([1, 1, 3]);
  });

  test.each([
    ['fits in one part', '{"alerts":[1,2]}'],
    ['has an empty list', '{"alerts":[ ]}'],
    ['has no list', '{"alerts":{"alerts":[1,2,3]},"x":[1,2,3]}'],
    ['is no object', '[["alerts",1],[1,2,3]]'],
  ])('is left whole when it %s', async (_what, text) => {
    expect(await slice(text)).toBeNull();
  });

  test('is found under its name written with escapes', async () => {
    expect(elementsOf(await slice('{"\\u0061lerts":[1,2,3]}'))).toEqual([[1, 2], [3]]);
  });

  test('is worked on in pieces: a pause for each piece that is scanned and for each slice that is checked', async () => {
    const text = JSON.stringify({ alerts: Array.from({ length: 100 }, () => ({ text: 'x'.repeat(30_000) })) });
    await slice(text, { elements: 10 });
    expect(pauses).toBe(Math.ceil(text.length / 1024 / 1024) + 10);
  });

  test('any list comes out as JSON.parse makes it, however it is cut', async () => {
    const documents = fc.record({ a: fc.jsonValue(), alerts: fc.array(fc.jsonValue(), { minLength: 3 }) });
    await fc.assert(
      fc.asyncProperty(
        documents,
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 0, max: 2 }),
        async (made, elements, space) => {
          const text = JSON.stringify(made, null, space);
          // Integers that a double cannot hold are the one difference; strictness is looked at elsewhere.
          const whole = parseStrictJson(Buffer.from(text)) as { alerts: unknown[] };
          const parts = await slice(text, { elements });
          const found = parts === null ? whole.alerts : elementsOf(parts).flat();
          expect(JSON.stringify(found)).toBe(JSON.stringify(whole.alerts));
        },
      ),
      { numRuns: 300 },
    );
  });

  test('a document that is damaged anywhere is refused, or means the same as to JSON.parse', async () => {
    const text = JSON.stringify(
      { v: '4', alerts: [{ a: 1, b: 'x' }, { c: [1, 2] }, { d: null }, 7], end: {} },
      null,
      1,
    );
    const damage = fc.tuple(
      fc.nat(text.length - 1),
      fc.constantFrom('', ',', '"', '{', '}', '[', ']', ':', '\\', '0', ' '),
    );
    await fc.assert(
      fc.asyncProperty(damage, async ([at, by]) => {
        const damaged = text.slice(0, at) + by + text.slice(at + 1);
        let plain: { value: unknown } | null = null;
        try {
          plain = { value: parseStrictJson(Buffer.from(damaged)) };
        } catch {}
        const sliced = await slice(damaged, { elements: 1 }).catch((error: TocsinError) => error);
        if (sliced instanceof Error) expect([sliced.code, plain]).toEqual(['bad-body', null]);
        else if (sliced !== null)
          expect(elementsOf(sliced).flat()).toEqual((plain as { value: { alerts: unknown[] } }).value.alerts);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('what it refuses', () => {
  const long = `{"alerts":[\n{"a":1},\n{"b":2},\n{"c":3}\n],\n"z":1}`;

  test.each([
    ['an element', long.replace('"c":3', '"c" 3'), 'line 4, column 6'],
    ['the envelope before the list', long.replace('{"alerts"', '{"x" 1,"alerts"'), 'line 1, column 6'],
    ['the envelope behind the list', long.replace('"z":1', '"z" 1'), 'line 6, column 5'],
    ['an end that is missing', long.slice(0, 30), 'the end'],
    ['a list that does not end', long.slice(0, 37), 'the end'],
    ['a key twice in an element', long.replace('"b":2', '"b":2,"b":3'), 'line 3, column 8'],
    ['a key twice around the list', long.replace('"z":1', '"z":1,"z":2'), 'line 6, column 7'],
    ['the list twice', long.replace('"z":1', '"alerts":[4]'), 'line 6, column 1'],
    ['the list and something else of its name', long.replace('"z":1', '"alerts":4'), 'line 6, column 1'],
    ['a comma too many', long.replace('{"c":3}', '{"c":3},'), 'line 5, column 1'],
    ['too deep', long.replace('"b":2', `"b":${'['.repeat(40)}`), 'line 3, column 35'],
  ])('%s, and says where in the whole body', async (_what, text, at) => {
    expect(await refusal(text)).toMatchObject({ code: 'bad-body', at });
  });

  test('bytes that are not UTF-8, in an element and around it', async () => {
    const bad = Buffer.from([0x22, 0xc3, 0x28, 0x22]);
    for (const [before, after] of [
      ['{"alerts":[1,2,', ',3]}'],
      ['{"a":', ',"alerts":[1,2,3]}'],
      ['{"alerts":[1,2,3],"a":', '}'],
    ]) {
      const found = await refusal(Buffer.concat([Buffer.from(before ?? ''), bad, Buffer.from(after ?? '')]));
      expect(found.message).toMatch(/UTF-8/);
    }
  });

  test('too many keys and too long a text, by the limits given', async () => {
    expect((await refusal(long, {}, { keys: 4 })).message).toMatch(/number of keys/);
    expect((await refusal(long.replace('"c"', `"${'c'.repeat(50)}"`), {}, { string: 40 })).message).toMatch(/a string/);
  });

  test('a list of nothings, and an envelope that is large itself', async () => {
    expect((await refusal(`{"alerts":[${'0,'.repeat(5000)}0]}`)).message).toMatch(/number of elements/);
    const around = 'x'.repeat(4 * 1024 * 1024);
    const found = await refusal(`{"alerts":[1,2,3],"a":"${around}"}`, {}, { string: 2 ** 23 });
    expect(found).toMatchObject({ code: 'bad-body', message: expect.stringContaining('outside of its list alerts') });
  });
});
