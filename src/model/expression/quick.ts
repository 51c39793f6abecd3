import { orderOf } from './compare.ts';
import { parseText } from './program.ts';
import { compilePattern } from './regex.ts';
import type { Expr } from './tree.ts';

/**
 * What a condition is for a subject: 1 true, 0 false, -1 an error (a member that is missing), and 2 when only its evaluation as CEL can tell.
 * The first three are what CEL makes of it.
 */
export type Verdict = 1 | 0 | -1 | 2;

/** Reads a member of the subject; undefined when it is not there. */
export type Get<S> = (subject: S, name: string) => unknown;

type Condition<S> = (subject: S) => Verdict;
type Reader<S> = (subject: S) => unknown;
type Literal = string | number | boolean;

/** So long a text is left to CEL, which counts the work. */
const longest = 4096;

/**
 * A condition over one variable as plain comparisons: millions of records are looked at, and most expressions compare members with literals.
 * What it does not know it leaves to CEL. The text is an expression that was checked.
 */
export function quickCondition<S>(text: string, variable: string, get: Get<S>): Condition<S> {
  const { expr } = parseText(text);
  return (expr === undefined ? null : conditionOf(expr, { variable, get })) ?? (() => 2);
}

/** The text of a member, as an expression that is nothing else; null for any other. What is missing or no text is empty. */
export function quickText<S>(text: string, variable: string, get: Get<S>): ((subject: S) => string) | null {
  const { expr } = parseText(text);
  const read = expr === undefined ? null : readerOf(expr, { variable, get });
  if (read === null) return null;
  return subject => {
    const value = read(subject);
    if (typeof value === 'string') return value;
    return typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
  };
}

interface Scope<S> {
  variable: string;
  get: Get<S>;
}

function conditionOf<S>(expr: Expr, scope: Scope<S>): Condition<S> | null {
  const kind = expr.exprKind;
  if (kind.case === 'constExpr') {
    const value = literalOf(expr);
    return value === true ? () => 1 : value === false ? () => 0 : null;
  }
  if (kind.case === 'selectExpr') return kind.value.testOnly ? presenceOf(expr, scope) : truthOf(expr, scope);
  if (kind.case !== 'callExpr') return null;
  const { function: name, target, args } = kind.value;
  if (target !== undefined) return methodOf(name, target, args, scope);
  if (name === '_&&_' || name === '_||_') return joined(name, args, scope);
  if (name === '!_') return negated(args[0], scope);
  if (name === '@in') return memberOf(args[0], args[1], scope);
  if (name === 're') return patternOf(args[0], args[1], scope);
  return comparisonOf(name, args[0], args[1], scope);
}

/** In CEL the side that decides wins over an error of the other. */
function joined<S>(name: '_&&_' | '_||_', args: readonly Expr[], scope: Scope<S>): Condition<S> {
  const parts = args.map(arg => conditionOf(arg, scope) ?? (() => 2 as const));
  const deciding = name === '_&&_' ? 0 : 1;
  return subject => {
    let worst: Verdict = deciding === 0 ? 1 : 0;
    for (const part of parts) {
      const found = part(subject);
      if (found === deciding) return deciding;
      if (found === 2) worst = 2;
      else if (found === -1 && worst !== 2) worst = -1;
    }
    return worst;
  };
}

function negated<S>(arg: Expr | undefined, scope: Scope<S>): Condition<S> | null {
  const part = arg === undefined ? null : conditionOf(arg, scope);
  if (part === null) return null;
  return subject => {
    const found = part(subject);
    return found === 1 ? 0 : found === 0 ? 1 : found;
  };
}

function truthOf<S>(expr: Expr, scope: Scope<S>): Condition<S> | null {
  const read = readerOf(expr, scope);
  if (read === null) return null;
  return subject => {
    const value = read(subject);
    return value === true ? 1 : value === false ? 0 : value === undefined ? -1 : 2;
  };
}

/** `has(record.a)`; of deeper members whether there is one to have them matters too. */
function presenceOf<S>(expr: Expr, scope: Scope<S>): Condition<S> | null {
  const path = pathOf(expr, scope.variable);
  const [name] = path ?? [];
  if (path?.length !== 1 || name === undefined) return null;
  return subject => (scope.get(subject, name) === undefined ? 0 : 1);
}

const methods: Readonly<Record<string, (text: string, part: string) => boolean>> = {
  startsWith: (text, part) => text.startsWith(part),
  endsWith: (text, part) => text.endsWith(part),
  contains: (text, part) => text.includes(part),
};

function methodOf<S>(name: string, target: Expr, args: readonly Expr[], scope: Scope<S>): Condition<S> | null {
  const [read, holds, part] = [readerOf(target, scope), methods[name], literalOf(args[0])];
  if (read === null || holds === undefined || typeof part !== 'string') return null;
  return onText(read, text => holds(text, part));
}

function patternOf<S>(left: Expr | undefined, right: Expr | undefined, scope: Scope<S>): Condition<S> | null {
  const [read, pattern] = [left === undefined ? null : readerOf(left, scope), literalOf(right)];
  if (read === null || typeof pattern !== 'string') return null;
  const compiled = compilePattern(pattern);
  return onText(read, text => compiled.finds(text));
}

function onText<S>(read: Reader<S>, holds: (text: string) => boolean): Condition<S> {
  return subject => {
    const value = read(subject);
    if (value === undefined) return -1;
    return typeof value !== 'string' || value.length > longest ? 2 : holds(value) ? 1 : 0;
  };
}

function memberOf<S>(left: Expr | undefined, right: Expr | undefined, scope: Scope<S>): Condition<S> | null {
  const read = left === undefined ? null : numberOrMember(left, scope);
  if (read === null || right?.exprKind.case !== 'listExpr') return null;
  const literals = right.exprKind.value.elements.map(literalOf);
  const [first] = literals;
  if (literals.some(one => one === undefined || typeof one !== typeof first || typeof one === 'boolean')) return null;
  const all: ReadonlySet<unknown> = new Set(literals);
  return subject => {
    const value = read(subject);
    if (value === undefined) return -1;
    return typeof value === typeof first ? (all.has(value) ? 1 : 0) : 2;
  };
}

const orders: Readonly<Record<string, (order: number) => boolean>> = {
  '_==_': order => order === 0,
  '_!=_': order => order !== 0,
  '_<_': order => order < 0,
  '_<=_': order => order <= 0,
  '_>_': order => order > 0,
  '_>=_': order => order >= 0,
};

function comparisonOf<S>(
  name: string,
  left: Expr | undefined,
  right: Expr | undefined,
  scope: Scope<S>,
): Condition<S> | null {
  const [read, holds, literal] = [
    left === undefined ? null : numberOrMember(left, scope),
    orders[name],
    literalOf(right),
  ];
  if (read === null || holds === undefined || literal === undefined) return null;
  const equal = name === '_==_' || name === '_!=_';
  if (typeof literal === 'boolean' && !equal) return null;
  const [same, other] = [holds(0) ? 1 : 0, holds(1) ? 1 : 0] as const;
  return subject => {
    const value = read(subject);
    if (value === literal) return same;
    if (value === undefined) return -1;
    if (typeof value !== typeof literal) return 2;
    if (equal) return other;
    return holds(orderOfValues(value as Literal, literal)) ? 1 : 0;
  };
}

function orderOfValues(value: Literal, literal: Literal): number {
  if (typeof value === 'string' && typeof literal === 'string') return orderOf(value, literal);
  return value < literal ? -1 : 1;
}

/** A member, or `int(...)` of one that is written as a whole number. */
function numberOrMember<S>(expr: Expr, scope: Scope<S>): Reader<S> | null {
  if (expr.exprKind.case !== 'callExpr') return readerOf(expr, scope);
  const { function: name, target, args } = expr.exprKind.value;
  const inner = args[0] === undefined ? null : readerOf(args[0], scope);
  if (name !== 'int' || target !== undefined || inner === null) return null;
  return subject => {
    const value = inner(subject);
    if (typeof value === 'string') return /^-?\d{1,15}$/.test(value) ? Number(value) : null;
    return value === undefined || Number.isSafeInteger(value) ? value : null;
  };
}

function readerOf<S>(expr: Expr, { variable, get }: Scope<S>): Reader<S> | null {
  if (expr.exprKind.case === 'selectExpr' && expr.exprKind.value.testOnly) return null;
  const path = pathOf(expr, variable);
  const [name, ...others] = path ?? [];
  if (name === undefined) return null;
  if (others.length === 0) return subject => get(subject, name);
  return subject => {
    let value = get(subject, name);
    for (const other of others) {
      if (value === null || typeof value !== 'object' || Array.isArray(value) || !Object.hasOwn(value, other))
        return undefined;
      value = (value as Record<string, unknown>)[other];
    }
    return value;
  };
}

/** The names of `record.a.b`; null for what is none. */
function pathOf(expr: Expr, variable: string): string[] | null {
  if (expr.exprKind.case === 'identExpr') return expr.exprKind.value.name === variable ? [] : null;
  if (expr.exprKind.case !== 'selectExpr') return null;
  const { operand, field } = expr.exprKind.value;
  const before = operand === undefined ? null : pathOf(operand, variable);
  return before === null ? null : [...before, field];
}

/** Whole numbers beyond what a double holds exactly are left to CEL. */
function literalOf(expr: Expr | undefined): Literal | undefined {
  if (expr?.exprKind.case !== 'constExpr') return undefined;
  const { case: kind, value } = expr.exprKind.value.constantKind;
  if (kind === 'int64Value') return Number.isSafeInteger(Number(value)) ? Number(value) : undefined;
  if (kind === 'doubleValue') return Number.isFinite(value) ? value : undefined;
  return kind === 'stringValue' || kind === 'boolValue' ? value : undefined;
}
