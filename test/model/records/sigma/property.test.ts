import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compileSigma } from '../../../../src/model/records/records.ts';
import { globMatcher, readGlob } from '../../../../src/model/records/sigma/glob.ts';
import { type Fields, json, options, recordOf, rule } from './place.ts';
import { holds, type Node, write } from './reference.ts';

/** Few letters, so that texts often fit; with all that has a meaning. */
const text = fc.string({ unit: fc.constantFrom('a', 'A', 'b', '*', '?', '\\', '.', 'ö', 'Ö', '😀'), maxLength: 6 });
const plain = fc.oneof(
  text,
  fc.integer({ min: -2, max: 3 }),
  fc.constantFrom<boolean | string>(true, false, '1', '2.5'),
);
const value = fc.oneof({ weight: 5, arbitrary: plain }, { weight: 1, arbitrary: fc.constant(null) });
const names = ['a', 'b', 'c.d'];

const record: fc.Arbitrary<Fields> = fc.record(
  {
    a: fc.oneof(value, fc.array(value, { maxLength: 3 })),
    b: value,
    c: fc.oneof(value, fc.record({ d: value }, { requiredKeys: [] })),
  },
  { requiredKeys: [] },
) as fc.Arbitrary<Fields>;

const list = <T>(one: fc.Arbitrary<T>) => fc.oneof(one, fc.array(one, { minLength: 1, maxLength: 3 }));
const member = fc.constantFrom(...names).chain(name =>
  fc.oneof(
    list(value).map(given => [name, given]),
    fc
      .tuple(fc.constantFrom('contains', 'startswith', 'endswith', 'cased', 'contains|cased'), list(text))
      .map(([modifier, given]) => [`${name}|${modifier}`, given]),
    fc
      .tuple(fc.constantFrom('contains|all', 'all'), fc.array(text, { minLength: 2, maxLength: 3 }))
      .map(([modifier, given]) => [`${name}|${modifier}`, given]),
    fc
      .tuple(fc.constantFrom('gt', 'gte', 'lt', 'lte'), fc.integer({ min: -1, max: 3 }))
      .map(([modifier, given]) => [`${name}|${modifier}`, given]),
    fc
      .tuple(fc.constantFrom('re', 're|i'), fc.constantFrom('^a', 'a.b?$', '[ab]+', '1|2'))
      .map(([modifier, given]) => [`${name}|${modifier}`, given]),
    fc.boolean().map(given => [`${name}|exists`, given]),
  ),
);
const map = fc.array(member, { minLength: 1, maxLength: 3 }).map(members => Object.fromEntries(members));
const item = fc.oneof(
  { weight: 4, arbitrary: map },
  { weight: 2, arbitrary: fc.array(map, { minLength: 1, maxLength: 2 }) },
  {
    weight: 1,
    arbitrary: fc.array(
      text.filter(one => one !== ''),
      { minLength: 1, maxLength: 2 },
    ),
  },
);
const identifiers = ['sel_one', 'sel_two', '_aside', 'other'];
const detection = fc
  .tuple(item, item, item, item)
  .map(items => Object.fromEntries(identifiers.map((name, index) => [name, items[index]])));
const condition: fc.Arbitrary<Node> = fc.letrec<{ node: Node }>(tie => ({
  node: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom<Node>(...identifiers.map(name => ({ name }))),
    fc.constantFrom<Node>(
      { of: '1', names: 'them' },
      { of: 'all', names: 'them' },
      { of: '1', names: 'sel*' },
      { of: 'all', names: 'sel_*' },
    ),
    tie('node').map(not => ({ not })),
    fc.array(tie('node'), { minLength: 2, maxLength: 3 }).map(and => ({ and })),
    fc.array(tie('node'), { minLength: 2, maxLength: 3 }).map(or => ({ or })),
  ),
})).node;

test('a compiled rule says what the plain reading of it says', () => {
  let matched = 0;
  let missed = 0;
  fc.assert(
    fc.property(detection, condition, fc.array(record, { minLength: 1, maxLength: 8 }), (items, node, records) => {
      const { rules, problems } = compileSigma([rule({ ...items, condition: write(node) })], options(), json);
      expect(problems).toEqual([]);
      for (const fields of records) {
        const expected = holds(node, items, fields);
        if (expected) matched += 1;
        else missed += 1;
        expect(rules[0]?.matches(recordOf(fields)), JSON.stringify({ items, condition: write(node), fields })).toBe(
          expected,
        );
      }
    }),
    { numRuns: 2000 },
  );
  expect(Math.min(matched, missed)).toBeGreaterThan(100);
});

test('whatever a document has in it, it is compiled or refused', () => {
  const names = [
    'title',
    'logsource',
    'detection',
    'correlation',
    'level',
    'tags',
    'references',
    'id',
    'name',
    'filter',
  ];
  const keys = [
    'product',
    'condition',
    'timeframe',
    'a',
    'a|re',
    '|all',
    'a|',
    '',
    'type',
    'rules',
    'group-by',
    'timespan',
  ];
  const words = [
    'linux',
    'a',
    '1 of them',
    'not a',
    'a | count() > 1',
    '(',
    '*',
    'event_count',
    'value_count',
    '5m',
    '\\',
  ];
  const leaf = fc.oneof(fc.constantFrom(...words), fc.jsonValue({ maxDepth: 1 }));
  const inner = fc.dictionary(
    fc.constantFrom(...keys),
    fc.oneof(leaf, fc.array(leaf), fc.dictionary(fc.constantFrom(...keys), leaf)),
  );
  const well = { title: 'a', logsource: { product: 'linux' }, detection: { a: ['x'], condition: 'a' } };
  const changed = fc.dictionary(fc.constantFrom(...names), fc.oneof(inner, leaf)).map(one => ({ ...well, ...one }));
  let compiled = 0;
  let refused = 0;
  fc.assert(
    fc.property(fc.array(fc.oneof({ weight: 3, arbitrary: changed }, fc.jsonValue()), { maxLength: 3 }), documents => {
      const { rules, problems } = compileSigma(documents, options(), json);
      for (const one of rules) expect(one.matches(recordOf({ a: 'x' }))).toBeTypeOf('boolean');
      compiled += rules.length;
      refused += problems.length;
    }),
    { numRuns: 3000 },
  );
  expect(Math.min(compiled, refused)).toBeGreaterThan(50);
});

test('a text with many wildcards is compared in a time that grows with its length', () => {
  const fits = globMatcher(readGlob(`${'*a'.repeat(500)}*?b`), false);
  expect(fits('a'.repeat(200_000))).toBe(false);
  expect(fits(`${'a'.repeat(200_000)}b`)).toBe(true);
});
