import { isCelList } from '@bufbuild/cel';
import type { Json } from '../../kernel/canonical.ts';
import { messageOf, TocsinError } from '../../kernel/errors.ts';
import { explainProblem, type Node, refuseForbidden, variablesIn } from './check.ts';
import { CompileProblem } from './problem.ts';
import { planProgram } from './program.ts';
import { type Scope, type ScopeName, scopes } from './scopes.ts';
import { fromCel } from './values.ts';

/**
 * The result types that a place may require of an expression. `text` accepts strings, numbers, booleans, times and null, and converts them
 * to text. `texts` accepts a text or a list of texts. `json` accepts any value with a JSON form.
 */
export interface Results {
  bool: boolean;
  text: string;
  texts: string[];
  number: number;
  json: Json;
}
export type Wants = keyof Results;

/** A CEL expression, parsed and type-checked once. */
export interface Expression<V, R> {
  text: string;
  /** The static type by its CEL name. */
  type: string;
  /** The variables that it reads. */
  uses: ReadonlySet<string>;
  /** Throws TocsinError `expression-failed`. */
  evaluate(variables: V): R;
}

type Named = { [K in ScopeName]: (typeof scopes)[K] extends Scope<infer V> ? V : never };

/** TocsinError `expression-invalid` with the offset of the mistake. */
export class ExpressionError extends TocsinError {
  /** Characters from the start of the text. */
  readonly offset: number;
  readonly nearest: string | null;
  constructor(facts: { message: string; allowed?: string; given: string; offset: number; nearest: string | null }) {
    super('expression-invalid', facts);
    this.offset = facts.offset;
    this.nearest = facts.nearest;
  }
}

const longest = 4000;

/** Parses and type-checks the text, at most 4,000 characters, for the scope. Throws ExpressionError with the offset of the mistake. */
export function compileExpression<N extends ScopeName, W extends Wants>(
  text: string,
  scope: N,
  wants: W,
): Expression<Named[N], Results[W]>;
export function compileExpression<V, W extends Wants>(
  text: string,
  scope: Scope<V>,
  wants: W,
): Expression<V, Results[W]>;
export function compileExpression<W extends Wants>(
  text: string,
  scope: ScopeName | Scope<never>,
  wants: W,
): Expression<never, Results[W]> {
  const where = (typeof scope === 'string' ? scopes[scope] : scope) as Scope<never>;
  const { run, type, uses } = parse(text, where);
  checkResult(text, type, wants);
  const convert = converters[wants] as (value: unknown) => Results[W];
  return {
    text,
    type,
    uses,
    evaluate(variables) {
      try {
        return run(where.bind(variables), convert);
      } catch (error) {
        throw failure(text, error);
      }
    },
  };
}

interface CelFault {
  message: string;
  code?: string;
  summary?: string;
  node?: unknown;
  range?: { start: number };
}

/** The program of a text with its static type. Throws ExpressionError. */
export function parse(text: string, scope: Scope<never>) {
  if (text.trim() === '')
    throw new ExpressionError({ message: 'the expression is empty', given: text, offset: 0, nearest: null });
  if (text.length > longest)
    throw new ExpressionError({
      message: `an expression has at most ${longest} characters`,
      given: `${text.length} characters`,
      offset: 0,
      nearest: null,
    });
  try {
    const parsed = scope.environment.parse(text);
    const tree = parsed.ast as unknown as Node;
    refuseForbidden(tree, scope);
    const check = parsed.check();
    if (!check.valid) throw check.error;
    return { run: planProgram(text), type: check.type ?? 'dyn', uses: variablesIn(tree, scope) };
  } catch (error) {
    throw invalid(text, error, scope);
  }
}

function invalid(text: string, error: unknown, scope: Scope<never>): ExpressionError {
  if (error instanceof CompileProblem)
    return new ExpressionError({
      message: error.message,
      ...(error.allowed === undefined ? {} : { allowed: error.allowed }),
      given: text.slice(error.node.start, error.node.end),
      offset: error.node.start,
      nearest: error.nearest,
    });
  const fault: CelFault = error instanceof Error ? error : { message: String(error) };
  const found = explainProblem(fault, scope);
  return new ExpressionError({ ...found, given: text, offset: Math.min(fault.range?.start ?? 0, text.length) });
}

const fits: Record<Wants, { types: RegExp; about: string }> = {
  bool: { types: /^(bool|dyn)$/, about: 'true or false' },
  text: {
    types: /^(string|int|uint|double|bool|dyn|null|google\.protobuf\.Timestamp)$/,
    about: 'a text, or string(...)',
  },
  texts: { types: /^(string|dyn|list<.*>|list)$/, about: 'a text or a list of texts' },
  number: { types: /^(int|uint|double|dyn)$/, about: 'a number' },
  json: { types: /^(?!type$|bytes$)/, about: 'a value that JSON can say' },
};

function checkResult(text: string, type: string, wants: Wants) {
  if (fits[wants].types.test(type)) return;
  throw new ExpressionError({
    message: `the expression makes ${type}`,
    allowed: fits[wants].about,
    given: text,
    offset: 0,
    nearest: null,
  });
}

const converters: { [W in Wants]: (value: unknown) => Results[W] } = {
  bool: value => {
    if (typeof value !== 'boolean') throw new Error(`it makes ${describe(value)}, not true or false`);
    return value;
  },
  text: asText,
  texts: value => (isCelList(value) ? [...value].map(asText) : [asText(value)]),
  number: value => {
    const number = typeof value === 'string' ? null : fromCel(value);
    if (typeof number !== 'number') throw new Error(`it makes ${describe(value)}, not a number`);
    return number;
  },
  json: fromCel,
};

function asText(value: unknown): string {
  const plain = fromCel(value);
  if (plain === null) return '';
  if (typeof plain === 'object') throw new Error(`it makes ${describe(value)}, not a text`);
  return String(plain);
}

function describe(value: unknown): string {
  if (value === null) return 'null';
  if (isCelList(value)) return 'a list';
  return typeof value === 'object' ? 'a map' : `a ${typeof value}`;
}

function failure(text: string, error: unknown): TocsinError {
  const fault: CelFault = error instanceof Error ? error : { message: String(error) };
  return new TocsinError('expression-failed', {
    message: `The expression could not be evaluated: ${fault.summary ?? messageOf(error)}`,
    given: text,
    cause: error,
  });
}
