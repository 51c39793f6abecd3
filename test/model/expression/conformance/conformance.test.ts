import { readFileSync } from 'node:fs';
import { celList, celMap, celUint, isCelList, isCelMap, isCelType, isCelUint } from '@bufbuild/cel';
import { fromJson } from '@bufbuild/protobuf';
import { DurationSchema } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from 'vitest';
import { parse } from '../../../../src/model/expression/compile.ts';
import { compileExpression, makeScope, type Scope } from '../../../../src/model/expression/expression.ts';
import { type Case, casesOf, type Encoded, files, shapeOf } from './cases.ts';
import { type Refusal, refusals, withoutJson } from './refusals.ts';

type Outcome = 'right' | 'refused' | 'failed' | 'wrong';

const cases = files.flatMap(casesOf);
const outcomes = cases.map(one => ({ one, ...outcomeOf(one) }));

describe('the simple tests of cel-spec, in a scope of data without a schema', () => {
  it('are 1,293 that need no protocol buffers', () => {
    expect(cases).toHaveLength(1293);
  });

  it.each(files)('%s: no value is wrong, and none is there where an error is due', file => {
    const wrong = outcomes.filter(({ one, outcome }) => one.name.startsWith(`${file}/`) && outcome === 'wrong');
    expect(wrong.map(({ one, got }) => `${one.name}: ${one.expr} is ${got}`)).toEqual([]);
  });

  it('fail nowhere but where the list of refusals says so', () => {
    const other = outcomes.filter(({ one, outcome }) => outcome !== 'right' && refusalOf(one) === null);
    expect(other.map(({ one, got }) => `${one.name}: ${one.expr}: ${got}`)).toEqual([]);
  });

  it('reach 95 percent, the refusals counted as misses', () => {
    const right = outcomes.filter(({ outcome }) => outcome === 'right').length;
    expect(right / cases.length).toBeGreaterThanOrEqual(0.95);
  });

  it('give the same as JSON, or are refused because JSON cannot say the result', () => {
    const others = outcomes
      .filter(({ outcome, one }) => outcome === 'right' && one.value !== null)
      .map(({ one }) => ({ name: one.name, told: asJson(one) }))
      .filter(({ told }) => told !== 'the same' && !/JSON can say|too large a whole|written down/.test(told));
    expect(others).toEqual([]);
  });
});

describe('the list of refusals', () => {
  it.each(refusals.map(refusal => [refusal.reason, refusal] as const))(
    '%s: each is still refused at load',
    (_, refusal) => {
      for (const name of refusal.cases)
        expect(
          outcomes.some(({ one }) => covers(name, one)),
          name,
        ).toBe(true);
      const passing = outcomes.filter(({ one, outcome }) => isListed(one, refusal) && outcome !== 'refused');
      expect(passing.map(({ one, outcome }) => `${one.name}: ${outcome}`)).toEqual([]);
    },
  );

  it('is in the documentation', () => {
    const text = readFileSync(new URL('../../../../docs/policy.md', import.meta.url), 'utf8');
    for (const reason of [...refusals.map(refusal => refusal.reason), withoutJson])
      expect(text).toContain(`- ${reason}`);
  });
});

function refusalOf(one: Case): Refusal | null {
  return refusals.find(refusal => isListed(one, refusal)) ?? null;
}

function isListed(one: Case, refusal: Refusal): boolean {
  return refusal.cases.some(name => covers(name, one));
}

function covers(name: string, one: Case): boolean {
  return name.endsWith('*') ? one.name.startsWith(name.slice(0, -1)) : one.name === name;
}

type Bindings = Record<string, unknown>;

/** The open scope of a case. Names with a point, and true, false and null, are no names of variables. */
function scopeOf(one: Case): { scope: Scope<Bindings>; bindings: Bindings } {
  const names = Object.keys(one.bindings).filter(name => !/\.|^(true|false|null)$/.test(name));
  const scope = makeScope<Bindings>({
    name: 'open',
    open: true,
    variables: Object.fromEntries(names.map(name => [name, 'dyn'])),
    bind: given => given,
  });
  return { scope, bindings: Object.fromEntries(names.map(name => [name, decode(one.bindings[name] ?? {})])) };
}

/** By the value with its types, so that 1 is not 1.0. */
function outcomeOf(one: Case): { outcome: Outcome; got: string } {
  const { scope, bindings } = scopeOf(one);
  let run: ReturnType<typeof parse>['run'];
  try {
    run = parse(one.expr, scope as Scope<never>).run;
  } catch (error) {
    return { outcome: one.value === null ? 'right' : 'refused', got: String(error) };
  }
  try {
    const got = shapeOf(encode(run(bindings)));
    return { outcome: one.value !== null && got === shapeOf(one.value) ? 'right' : 'wrong', got };
  } catch (error) {
    return { outcome: one.value === null ? 'right' : 'failed', got: String(error) };
  }
}

/** "the same", or why there is no JSON, or the other value. */
function asJson(one: Case): string {
  const { scope, bindings } = scopeOf(one);
  try {
    const got = canonical(compileExpression(one.expr, scope, 'json').evaluate(bindings));
    return got === canonical(jsonOf(one.value ?? {})) ? 'the same' : got;
  } catch (error) {
    const { message, allowed } = error as { message: string; allowed?: string };
    return `${message} ${allowed ?? ''}`;
  }
}

function decode(value: Encoded): unknown {
  const [kind, raw] = Object.entries(value)[0] as [string, never];
  if (kind === 'int64Value') return BigInt(raw);
  if (kind === 'uint64Value') return celUint(BigInt(raw));
  if (kind === 'bytesValue') return new Uint8Array(Buffer.from(raw, 'base64'));
  if (kind === 'objectValue') return fromJson(DurationSchema, (raw as { value: string }).value);
  if (kind === 'listValue') return celList(((raw as { values?: Encoded[] }).values ?? []).map(decode) as never[]);
  if (kind !== 'mapValue') return raw;
  const { entries = [] } = raw as { entries?: { key: Encoded; value: Encoded }[] };
  return celMap(new Map(entries.map(entry => [decode(entry.key), decode(entry.value)])) as never);
}

function encode(value: unknown): Encoded {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'bigint') return { int64Value: String(value) };
  if (typeof value === 'number') return { doubleValue: value };
  if (value === null) return { nullValue: null };
  if (value instanceof Uint8Array) return { bytesValue: Buffer.from(value).toString('base64') };
  if (isCelUint(value)) return { uint64Value: String(value.value) };
  if (isCelList(value)) return { listValue: { values: [...value].map(encode) } };
  if (isCelMap(value))
    return { mapValue: { entries: [...value].map(([key, member]) => ({ key: encode(key), value: encode(member) })) } };
  return isCelType(value) ? { typeValue: value.name } : { other: String(value) };
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
