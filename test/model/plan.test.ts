import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Plan, plan, planBytes, planHash, shortHash } from '../../src/model/plan.ts';

const base: Plan = {
  runbook: 'disk-full',
  files: { 'disk-full.yaml': 'a'.repeat(64), 'lib/x.ts': 'b'.repeat(64) },
  entry: 'disk-full.yaml',
  params: { host: 'web-1', depth: 2, deep: { b: [1, null], a: true } },
  targets: ['web-1'],
  secrets: ['TOKEN'],
};

/** `__proto__` is no name for a file or a parameter, and zod drops it. */
const key = fc.string().filter(name => name !== '__proto__');

const anyPlan: fc.Arbitrary<Plan> = fc.record({
  runbook: fc.string(),
  files: fc.dictionary(key, fc.string(), { noNullPrototype: true }),
  entry: fc.string(),
  params: fc.dictionary(
    key,
    fc.jsonValue().filter(value => !JSON.stringify(value).includes('__proto__')),
    { noNullPrototype: true },
  ) as fc.Arbitrary<Plan['params']>,
  targets: fc.array(fc.string()),
  secrets: fc.array(fc.string()),
});

describe('the plan hash', () => {
  test('does not depend on the order of keys', () => {
    const turned = Object.fromEntries(Object.entries(base).reverse());
    const deep = {
      ...turned,
      params: { deep: { a: true, b: [1, null] }, depth: 2, host: 'web-1' },
      files: Object.fromEntries(Object.entries(base.files).reverse()),
    };
    expect(planHash(plan.parse(deep))).toBe(planHash(base));
  });

  test.each<[string, Partial<Plan>]>([
    ['runbook', { runbook: 'disk-ful' }],
    ['a file', { files: { ...base.files, 'lib/x.ts': 'c'.repeat(64) } }],
    ['one more file', { files: { ...base.files, 'y.ts': 'b'.repeat(64) } }],
    ['entry', { entry: 'lib/x.ts' }],
    ['a parameter', { params: { ...base.params, host: 'web-2' } }],
    ['a parameter’s type', { params: { ...base.params, depth: '2' } }],
    ['a null parameter', { params: { ...base.params, extra: null } }],
    ['the order in a list', { params: { ...base.params, deep: { b: [null, 1], a: true } } }],
    ['targets', { targets: ['web-1', 'web-2'] }],
    ['secrets', { secrets: [] }],
  ])('changes with %s', (_, change) => {
    expect(planHash({ ...base, ...change })).not.toBe(planHash(base));
  });

  test('different plans have different bytes, and the bytes read back as the plan', () => {
    fc.assert(
      fc.property(anyPlan, anyPlan, (one, other) => {
        expect(plan.parse(JSON.parse(planBytes(one)))).toEqual(JSON.parse(JSON.stringify(one)));
        const same = JSON.stringify(JSON.parse(planBytes(one))) === JSON.stringify(JSON.parse(planBytes(other)));
        expect(planHash(one) === planHash(other)).toBe(same);
      }),
    );
  });

  test('is stable: what people approved with an older release is what runs with this one', () => {
    expect(planHash(base)).toBe('da73c8dd4c1bc2ad1d40e7c419fb42aea8e8448856ba553ea4c56e7aa89f4371');
    expect(shortHash('0123456789abcdef')).toBe('0123456789');
  });
});
