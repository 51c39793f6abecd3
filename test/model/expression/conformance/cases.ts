import { tests } from '@bufbuild/cel-spec/testdata/conformance.js';

/** The files of the simple tests of google/cel-spec whose subject is the language without protocol buffers. */
export const files = [
  'basic',
  'comparisons',
  'fp_math',
  'integer_math',
  'lists',
  'logic',
  'macros',
  'string',
  'string_ext',
  'timestamps',
  'conversions',
  'fields',
  'parse',
  'plumbing',
];

/** A value of the cases in the JSON form of cel.expr.Value: `{ "int64Value": "1" }`. */
export type Encoded = { [kind: string]: unknown };

export interface Case {
  /** File, section and name: "basic/self_eval_zeroish/self_eval_int_zero". Three names are there twice. */
  name: string;
  expr: string;
  bindings: Readonly<Record<string, Encoded>>;
  /** Null where an error is due. */
  value: Encoded | null;
}

interface Suite {
  name: string;
  suites?: readonly Suite[] | undefined;
  tests?: readonly { original: Original }[] | undefined;
}
interface Original {
  name?: string;
  expr: string;
  container?: string;
  value?: Encoded;
  evalError?: unknown;
  bindings?: Record<string, { value: Encoded }>;
}

/** The cases that need no message of protocol buffers: 1,293 in version 0.25.1 of cel-spec. A case without a result expects true. */
export function casesOf(file: string): Case[] {
  const suite = (tests.suites as readonly Suite[]).find(one => one.name === file);
  if (suite === undefined) throw new Error(`cel-spec has no file ${file}`);
  return under(suite, file);
}

function under(suite: Suite, path: string): Case[] {
  const own = (suite.tests ?? []).map(test => test.original).filter(test => !needsMessages(test));
  return [
    ...own.map(test => toCase(test, path)),
    ...(suite.suites ?? []).flatMap(inner => under(inner, `${path}/${inner.name}`)),
  ];
}

function needsMessages(test: Original): boolean {
  return test.container !== undefined || /google\.protobuf\.\w+\s*\{/.test(test.expr);
}

function toCase(test: Original, path: string): Case {
  const bindings = Object.entries(test.bindings ?? {}).map(([name, bound]) => [name, bound.value] as const);
  return {
    name: `${path}/${test.name}`,
    expr: test.expr,
    bindings: Object.fromEntries(bindings),
    value: test.evalError === undefined ? (test.value ?? { boolValue: true }) : null,
  };
}

/** One text for a value with its type, so that 1, 1u and 1.0 differ, and the order of a map does not matter. */
export function shapeOf(value: Encoded): string {
  const [kind = '', raw] = Object.entries(value)[0] ?? [];
  switch (kind) {
    case 'listValue':
      return `[${((raw as { values?: Encoded[] }).values ?? []).map(shapeOf).join(', ')}]`;
    case 'mapValue': {
      const { entries = [] } = raw as { entries?: { key: Encoded; value: Encoded }[] };
      const members = entries.map(entry => `${shapeOf(entry.key)}: ${shapeOf(entry.value)}`);
      return `{${members.sort().join(', ')}}`;
    }
    default:
      return `${kind.replace(/Value$/, '')} ${kind === 'doubleValue' ? Number(raw) : String(raw)}`;
  }
}
