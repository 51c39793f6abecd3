import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutJsonList } from '../../src/kernel/json-cut.ts';

const limits = { depth: 10, elements: 5 };
const cut = async (text: string) => {
  const { around, elements } = await cutJsonList(Buffer.from(text), 'list', limits, async () => {});
  return { around: around.toString(), elements: elements.map(String) };
};

describe('a list that is cut out of a document', () => {
  it.each([
    ['{"list":[1, {"a":[2]} ,"],["],"b":2}', '{"list":[],"b":2}', ['1', '{"a":[2]}', '"],["']],
    ['{"b":"list","\\u006cist":[ ]}', '{"b":"list","\\u006cist":[]}', []],
    ['{"b":{"list":[1]}}', '{"b":{"list":[1]}}', []],
    ['{"list":{"list":[1]}}', '{"list":{"list":[1]}}', []],
    ['{"list":[1],"list":[2]}', '{"list":[],"list":[2]}', ['1']],
    ['["list",[1]]', '["list",[]]', ['1']],
    ['{"list":["\\"]"]}', '{"list":[]}', ['"\\"]"']],
    ['', '', []],
    ['{"list":3}', '{"list":3}', []],
  ])('%s', async (text, around, elements) => {
    expect(await cut(text)).toEqual({ around, elements });
  });

  it('keeps what is no element for the parser to refuse', async () => {
    expect((await cut('{"list":[,]}')).elements).toEqual(['', '']);
    expect((await cut('{"list":[1,]}')).elements).toEqual(['1', '']);
  });

  it.each(['{"list":[1', '{"list":["a', `{"a":${'['.repeat(11)}`, '{"list":[1,2,3,4,5,6]}'])(
    '%s is refused',
    async text => {
      await expect(cut(text)).rejects.toMatchObject({ code: 'bad-body' });
    },
  );

  it('is what JSON.parse sees, wherever a step ends', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.json({ maxDepth: 4 }), { maxLength: 5 }), fc.string(), async (list, text) => {
        // The second step begins somewhere within the list.
        const padding = ' '.repeat(1024 * 1024 - 40 + (text.length % 40));
        const body = `{"before":${JSON.stringify(text)},"list":[${padding}${list.join(' , ')}],"after":1}`;
        expect(await cut(body)).toEqual({
          around: `{"before":${JSON.stringify(text)},"list":[],"after":1}`,
          elements: list.map(one => one.trim()),
        });
      }),
      { numRuns: 40 },
    );
  });
});
