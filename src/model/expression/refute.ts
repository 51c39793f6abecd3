import { isCelMap } from '@bufbuild/cel';
import { orderOf } from './compare.ts';
import type { Expr } from './tree.ts';
import { spendSearch } from './work.ts';

/** True when the expression is false for sure; false when only its evaluation can tell. */
export type Refuter = (variables: Record<string, unknown>) => boolean;

type Literal = string | bigint | number | boolean;

/**
 * A quick look that finds most conditions that do not hold: `labels.team == "a" && …` is false when the label is another text, whatever
 * the rest would be (in CEL an error && false is false). Of a policy of many rules few have to be evaluated. Null for an expression of which
 * it knows nothing.
 */
export function refuterOf(expr: Expr | undefined): Refuter | null {
  if (expr?.exprKind.case !== 'callExpr') return null;
  const { function: name, target, args } = expr.exprKind.value;
  if (name === '_&&_') {
    const known = args.map(refuterOf).filter(one => one !== null);
    return known.length === 0 ? null : variables => known.some(refutes => refutes(variables));
  }
  if (name === '_||_') {
    const known = args.map(refuterOf).filter(one => one !== null);
    return known.length < args.length ? null : variables => known.every(refutes => refutes(variables));
  }
  if (target !== undefined) return methodOf(name, target, args);
  const [left, right] = args;
  return name === '@in' ? memberOf(left, right) : comparisonOf(name, left, right);
}

const methods: Readonly<Record<string, (text: string, part: string) => boolean>> = {
  startsWith: (text, part) => text.startsWith(part),
  endsWith: (text, part) => text.endsWith(part),
  contains: (text, part) => {
    spendSearch(text.length, part.length);
    return text.includes(part);
  },
};

function methodOf(name: string, target: Expr, args: readonly Expr[]): Refuter | null {
  const [read, holds, part] = [readerOf(target), methods[name], literalOf(args[0])];
  if (read === null || holds === undefined || typeof part !== 'string') return null;
  return variables => {
    const value = read(variables);
    return typeof value === 'string' && !holds(value, part);
  };
}

const comparisons: Readonly<Record<string, (left: Literal, right: Literal) => boolean>> = {
  '_==_': (left, right) => left === right,
  '_!=_': (left, right) => left !== right,
  '_<_': (left, right) => order(left, right) < 0,
  '_<=_': (left, right) => order(left, right) <= 0,
  '_>_': (left, right) => order(left, right) > 0,
  '_>=_': (left, right) => order(left, right) >= 0,
};

/** NaN where there is no order. */
function order(left: Literal, right: Literal): number {
  if (typeof left === 'string' && typeof right === 'string') return orderOf(left, right);
  return left < right ? -1 : left > right ? 1 : left === right ? 0 : Number.NaN;
}

/** Only of values of one type, which compare as in JavaScript. */
function comparisonOf(name: string, left: Expr | undefined, right: Expr | undefined): Refuter | null {
  const [read, holds, literal] = [readerOf(left), comparisons[name], literalOf(right)];
  if (read === null || holds === undefined || literal === undefined) return null;
  return variables => {
    const value = read(variables);
    return typeof value === typeof literal && !holds(value as Literal, literal);
  };
}

function memberOf(left: Expr | undefined, right: Expr | undefined): Refuter | null {
  const read = readerOf(left);
  if (read === null || right?.exprKind.case !== 'listExpr') return null;
  const texts = new Set(right.exprKind.value.elements.map(literalOf));
  if ([...texts].some(text => typeof text !== 'string')) return null;
  return variables => {
    const value = read(variables);
    return typeof value === 'string' && !texts.has(value);
  };
}

/** Reads a variable or a field of one; undefined where that is not simple. */
function readerOf(expr: Expr | undefined): ((variables: Record<string, unknown>) => unknown) | null {
  if (expr?.exprKind.case === 'identExpr') {
    const { name } = expr.exprKind.value;
    return variables => variables[name];
  }
  if (expr?.exprKind.case !== 'selectExpr' || expr.exprKind.value.testOnly) return null;
  const { operand, field } = expr.exprKind.value;
  if (operand?.exprKind.case !== 'identExpr') return null;
  const { name } = operand.exprKind.value;
  return variables => {
    const value = variables[name];
    return isCelMap(value) ? value.get(field) : undefined;
  };
}

function literalOf(expr: Expr | undefined): Literal | undefined {
  if (expr?.exprKind.case !== 'constExpr') return undefined;
  const { case: kind, value } = expr.exprKind.value.constantKind;
  return kind === 'stringValue' || kind === 'int64Value' || kind === 'doubleValue' || kind === 'boolValue'
    ? value
    : undefined;
}
