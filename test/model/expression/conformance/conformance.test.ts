import { expect, it } from 'vitest';
import { compileExpression, makeScope } from '../../../../src/model/expression/expression.ts';
import { type Case, casesOf, type Encoded, files } from './cases.ts';

const cases = files.flatMap(casesOf);

it('has the cases that need no protocol buffers', () => {
  expect(cases).toHaveLength(1293);
});

it('reaches what it reached before', () => {
  const outcomes = cases.map(outcomeOf);
  expect(outcomes.filter(one => one === 'right').length).toBeGreaterThanOrEqual(911);
  expect(outcomes.filter(one => one === 'wrong').length).toBeLessThanOrEqual(31);
});

function outcomeOf(one: Case): 'right' | 'refused' | 'wrong' {
  const variables = Object.keys(one.bindings).filter(name => !/\.|^(true|false|null)$/.test(name));
  const scope = makeScope<Record<string, unknown>>({
    name: 'open',
    open: true,
    variables: Object.fromEntries(variables.map(name => [name, 'dyn'])),
    bind: given => given,
  });
  try {
    const bound = Object.fromEntries(variables.map(name => [name, decode(one.bindings[name] ?? {})]));
    const value = compileExpression(one.expr, scope, 'json').evaluate(bound);
    return one.value !== null && canonical(value) === canonical(jsonOf(one.value)) ? 'right' : 'wrong';
  } catch {
    return one.value === null ? 'right' : 'refused';
  }
}

function decode(value: Encoded): unknown {
  const [kind, raw] = Object.entries(value)[0] as [string, never];
  if (kind === 'int64Value' || kind === 'uint64Value') return BigInt(raw);
  if (kind === 'listValue') return ((raw as { values?: Encoded[] }).values ?? []).map(decode);
  if (kind === 'bytesValue') return Buffer.from(raw, 'base64');
  if (kind !== 'mapValue') return raw;
  const { entries = [] } = raw as { entries?: { key: Encoded; value: Encoded }[] };
  return new Map(entries.map(entry => [decode(entry.key), decode(entry.value)]));
}

function jsonOf(value: Encoded): unknown {
  const [kind, raw] = Object.entries(value)[0] as [string, never];
  if (/^(int64|uint64|double)Value$/.test(kind)) return Number(raw);
  if (kind === 'listValue') return ((raw as { values?: Encoded[] }).values ?? []).map(jsonOf);
  if (kind !== 'mapValue') return raw;
  const { entries = [] } = raw as { entries?: { key: Encoded; value: Encoded }[] };
  return Object.fromEntries(entries.map(entry => [String(jsonOf(entry.key)), jsonOf(entry.value)]));
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, one) =>
    one !== null && typeof one === 'object' && !Array.isArray(one)
      ? Object.fromEntries(Object.entries(one).sort())
      : one,
  );
}
