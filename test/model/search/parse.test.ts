import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseSearch, type SearchTerm, showSearch } from '../../../src/model/search/parse.ts';
import { alertWords, explainSearch, runWords, withKey, withLabel } from '../../../src/model/search/words.ts';

const terms = (text: string) => {
  const result = parseSearch(text, alertWords);
  if (!result.ok) throw new Error(explainSearch(result) ?? '');
  return result.terms;
};

describe('a search', () => {
  test('has words, labels, keys and an age', () => {
    expect(
      terms('disk cluster=eu-1 team!=web severity:critical,error -source:nagios age>1h -"not this" "say \\"hi\\""'),
    ).toEqual([
      { kind: 'text', not: false, text: 'disk' },
      { kind: 'label', not: false, name: 'cluster', value: 'eu-1' },
      { kind: 'label', not: true, name: 'team', value: 'web' },
      { kind: 'key', not: false, key: 'severity', values: ['critical', 'error'] },
      { kind: 'key', not: true, key: 'source', values: ['nagios'] },
      { kind: 'age', op: '>', milliseconds: 3_600_000 },
      { kind: 'text', not: true, text: 'not this' },
      { kind: 'text', not: false, text: 'say "hi"' },
    ]);
  });

  test('takes names and values of any kind in quotes, and an empty value for a label that is missing', () => {
    expect(terms('"my label"="a b" app.kubernetes.io/name=x team= "a:b"')).toEqual([
      { kind: 'label', not: false, name: 'my label', value: 'a b' },
      { kind: 'label', not: false, name: 'app.kubernetes.io/name', value: 'x' },
      { kind: 'label', not: false, name: 'team', value: '' },
      { kind: 'text', not: false, text: 'a:b' },
    ]);
    expect(terms('instance=web-1:9100')).toEqual([
      { kind: 'label', not: false, name: 'instance', value: 'web-1:9100' },
    ]);
  });

  test('is nothing when it is empty', () => {
    expect([terms(''), terms('   ')]).toEqual([[], []]);
  });

  test.each([
    ['severty:critical', 'At character 1: There is no key "severty".', 'Did you mean "severity:critical"?'],
    ['a severity:critcal', 'At character 12: "critcal" is no severity', 'Did you mean "critical"?'],
    ['a "b', 'At character 3: The quote is not closed.', ''],
    ['b=a"c', 'At character 4: A quote stands inside a word.', ''],
    ['age>3', 'At character 5: "3" is not a duration', ''],
    ['agee>3h', 'At character 1: Only age is compared', 'Did you mean "age>3h"?'],
    ['age>=3h', 'At character 4: ">=" is written >', 'Did you mean ">"?'],
    ['x =y', 'At character 3: A name is missing before "="', ''],
    ['severity:', 'At character 10: A value is missing', ''],
    ['""', 'At character 1: There is nothing between the quotes', ''],
    ['"a"b', 'At character 4: A space is missing after the quote', ''],
    ['http://x', 'At character 1: There is no key "http". A label is written http=//x. Put the text in quotes', ''],
    ['-age>1h', 'At character 1: Write age<1h', ''],
    ['constructor:x', 'At character 1: There is no key "constructor"', ''],
  ])('that does not parse names the place and what is near: %s', (text, message, near) => {
    const said = explainSearch(parseSearch(text, alertWords));
    expect(said).toContain(message);
    if (near !== '') expect(said).toContain(near);
  });

  test('of what has no labels says how keys are written', () => {
    expect(explainSearch(parseSearch('state=open', runWords))).toContain('Did you mean "state:open"?');
  });

  test('is bounded in length and parts', () => {
    expect(explainSearch(parseSearch('a'.repeat(1001), alertWords))).toContain('at most 1000 characters');
    expect(explainSearch(parseSearch('a '.repeat(21), alertWords))).toContain(
      'At character 41: A search has at most 20',
    );
  });

  test('is narrowed by a key or a label, which replaces the one there was', () => {
    expect(withKey(terms('disk state:live'), 'state', 'resolved')).toBe('disk state:resolved');
    expect(withKey(terms('disk state:live'), 'state', null)).toBe('disk');
    expect(withLabel(terms('a team=web'), 'team', 'no "one"')).toBe('a team="no \\"one\\""');
  });
});

const word = fc.oneof(
  fc.string({ minLength: 1, maxLength: 12 }),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 6 }),
);
const term: fc.Arbitrary<SearchTerm> = fc.oneof(
  fc.record({ kind: fc.constant('text' as const), not: fc.boolean(), text: word }),
  fc.record({ kind: fc.constant('label' as const), not: fc.boolean(), name: word, value: fc.string({ maxLength: 9 }) }),
  fc.record({
    kind: fc.constant('key' as const),
    not: fc.boolean(),
    key: fc.constantFrom('source', 'runbook'),
    values: fc.array(
      word.filter(text => !text.includes(',')),
      { minLength: 1, maxLength: 3 },
    ),
  }),
  fc.record({
    kind: fc.constant('age' as const),
    op: fc.constantFrom('>' as const, '<' as const),
    milliseconds: fc.integer({ min: 0, max: 86_400_000 * 400 }),
  }),
);

test('every search reads back as it was shown', () => {
  fc.assert(
    fc.property(fc.array(term, { maxLength: 8 }), made => {
      const text = showSearch(made);
      expect(parseSearch(text, alertWords)).toEqual({ ok: true, terms: made });
    }),
    { numRuns: 500 },
  );
});

test('any text parses, or is refused with a place inside of it or at its end', () => {
  const hostile = fc.string({ maxLength: 40, unit: fc.constantFrom(...'ab=:!<>"\\- ,age1h\n'.split('')) });
  fc.assert(
    fc.property(fc.oneof(hostile, fc.string({ unit: 'grapheme' })), text => {
      const result = parseSearch(text, alertWords);
      if (result.ok) expect(parseSearch(showSearch(result.terms), alertWords)).toEqual(result);
      else {
        expect(result.problem.at).toBeGreaterThanOrEqual(0);
        expect(result.problem.at).toBeLessThanOrEqual(text.length);
      }
    }),
    { numRuns: 1000 },
  );
});
