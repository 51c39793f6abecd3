import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Json } from '../../../src/kernel/canonical.ts';
import { compileExpression, quickCondition, quickText } from '../../../src/model/expression/expression.ts';
import { formats, type LogRecord } from '../../../src/model/records/records.ts';
import { scopeOf } from '../../../src/model/records/scope.ts';

const open = formats['json'];
if (open === undefined) throw new Error('there is a format for JSON');
const scope = scopeOf(open);

function recordOf(value: Record<string, Json>): LogRecord {
  return {
    get: name => value[name],
    names: () => Object.keys(value),
    at: () => null,
    text: () => JSON.stringify(value),
  };
}

const scalar = fc.oneof(
  fc.constantFrom<Json>('', 'a', 'ab', 'b', '7', '-3', 'x7', '\u{1F600}', '\uFFFD'),
  fc.constantFrom<Json>(0, 1, -1, 7, 7.5, 1e300, true, false, null),
);
const value = fc.oneof(scalar, fc.record({ c: scalar }, { requiredKeys: [] }), fc.array(scalar, { maxLength: 2 }));
const record = fc.record({ a: value, b: value }, { requiredKeys: [] });

const member = fc.constantFrom('record.a', 'record.b', 'record.a.c', 'record.x');
const literal = fc.constantFrom('"a"', '"ab"', '"7"', '""', '0', '7', '-1', '7.5', 'true', 'false');
const atom = fc.oneof(
  fc
    .tuple(member, fc.constantFrom('==', '!=', '<', '<=', '>', '>='), literal)
    .map(([left, sign, right]) => `${left} ${sign} ${right}`),
  fc
    .tuple(member, fc.constantFrom('["a", "7"]', '[0, 7]', '["a", 7]', '[]'))
    .map(([left, list]) => `${left} in ${list}`),
  fc.tuple(member, fc.constantFrom('startsWith', 'endsWith', 'contains')).map(([of, name]) => `${of}.${name}("a")`),
  fc
    .tuple(fc.constantFrom('record.a', 'record.b'), fc.constantFrom('==', '<'))
    .map(([of, sign]) => `int(${of}) ${sign} 7`),
  fc.constantFrom(
    'has(record.a)',
    'has(record.a.c)',
    'record.b',
    'true',
    'false',
    're(record.a, "^[ab]+$")',
    'size(record) > 1',
  ),
);
const { condition } = fc.letrec<{ condition: string }>(tie => ({
  condition: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    atom,
    fc
      .tuple(tie('condition'), fc.constantFrom('&&', '||'), tie('condition'))
      .map(([left, sign, right]) => `(${left}) ${sign} (${right})`),
    tie('condition').map(inner => `!(${inner})`),
  ),
}));

/** What CEL makes of it; -1 for an error. */
function slowly(text: string, of: LogRecord): number {
  const expression = compileExpression(text, scope, 'bool');
  try {
    return expression.evaluate(of) ? 1 : 0;
  } catch {
    return -1;
  }
}

test('what is decided without CEL is decided as by CEL', () => {
  let quick = 0;
  fc.assert(
    fc.property(condition, record, (text, members) => {
      let slow: number;
      try {
        slow = slowly(text, recordOf(members));
      } catch {
        // The check of types refuses it, so no rule has it.
        return;
      }
      const verdict = quickCondition(text, 'record', (of: LogRecord, name) => of.get(name))(recordOf(members));
      if (verdict === 2) return;
      quick += 1;
      expect([text, members, verdict]).toEqual([text, members, slow]);
    }),
    { numRuns: 1500 },
  );
  // It is of use only when it decides much.
  expect(quick).toBeGreaterThan(200);
});

test('the text of a member is that of CEL, and empty where that is an error', () => {
  fc.assert(
    fc.property(member, record, (text, members) => {
      const of = recordOf(members);
      const expression = compileExpression(text, scope, 'text');
      const slow = () => {
        try {
          return expression.evaluate(of);
        } catch {
          return '';
        }
      };
      expect(quickText(text, 'record', (one: LogRecord, name) => one.get(name))?.(of)).toBe(slow());
    }),
  );
});

test('an expression that is more than a member is left to CEL', () => {
  const get = (of: LogRecord, name: string) => of.get(name);
  expect(quickText('record.a + "x"', 'record', get)).toBeNull();
  expect(quickCondition('record.a == record.b', 'record', get)(recordOf({ a: 1, b: 1 }))).toBe(2);
});
