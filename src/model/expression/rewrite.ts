import { nearest } from '../../kernel/nearest.ts';
import { checkLiterals, type Positions, problemAt } from './literals.ts';
import {
  type Call,
  callOf,
  constantOf,
  type Expr,
  emptyListOf,
  isIdent,
  type Kind,
  nodesOf,
  selectOf,
} from './tree.ts';
import type { Prepared } from './work.ts';

export interface Rewriting {
  /** "name/2" of the functions and ".name/2" of the methods that the evaluator has. */
  known: ReadonlySet<string>;
  /** Takes what the literals mean. */
  prepared: Prepared;
  positions: Positions;
}

/**
 * The tree as it is evaluated: its loops are counted, their lists grow in place, has() asks for the whole way, and what it writes out is
 * checked. Changes the given tree. Throws CompileProblem.
 */
export function rewrite(expr: Expr, to: Rewriting): Expr {
  const { exprKind: kind } = expr;
  switch (kind.case) {
    case 'selectExpr':
      if (kind.value.testOnly) return presence(expr, kind.value, to);
      if (kind.value.operand !== undefined) kind.value.operand = rewrite(kind.value.operand, to);
      break;
    case 'callExpr':
      return call(expr, kind.value, to);
    case 'listExpr':
      kind.value.elements = kind.value.elements.map(element => rewrite(element, to));
      break;
    case 'structExpr':
      checkKeys(expr, kind.value, to);
      for (const entry of kind.value.entries) {
        if (entry.keyKind.case === 'mapKey') entry.keyKind.value = rewrite(entry.keyKind.value, to);
        if (entry.value !== undefined) entry.value = rewrite(entry.value, to);
      }
      break;
    case 'comprehensionExpr':
      loop(kind.value, to);
  }
  return expr;
}

function call(expr: Expr, value: Call, to: Rewriting): Expr {
  if (isIdent(value.target, 'cel') && value.function === 'bind' && value.args.length === 3)
    return bind(expr, value, to);
  checkName(expr, value, to);
  checkLiterals(value, to.prepared, to.positions);
  if (value.target !== undefined && !isIdent(value.target, 'strings')) value.target = rewrite(value.target, to);
  value.args = value.args.map(arg => rewrite(arg, to));
  if (value.function === '@in')
    value.args = value.args.map((arg, at) => (at === 1 ? callOf(arg, '@scan', [arg]) : arg));
  return expr;
}

/** The check of types knows functions that the evaluator does not have. */
function checkName(expr: Expr, { function: name, target, args }: Call, { known, positions }: Rewriting) {
  // Operators are named with signs: "_+_", "!_", "@in".
  if (!/^[a-zA-Z]/.test(name)) return;
  const count = args.length;
  if (known.has(target === undefined ? `${name}/${count}` : `.${name}/${count}`)) return;
  if (isIdent(target, 'strings') && known.has(`strings.${name}/${count}`)) return;
  const names = [...known].map(one => one.replace(/^\.|\/\d+$/g, '')).filter(one => /^\w+$/.test(one));
  throw problemAt(expr, positions, `there is no function "${name}" here`, { nearest: nearest(name, names) });
}

/** The library takes 0 and 0u for two keys. */
function checkKeys(expr: Expr, { entries }: Kind<'structExpr'>, { positions }: Rewriting) {
  const seen = new Set<unknown>();
  for (const { keyKind } of entries) {
    if (keyKind.case !== 'mapKey' || keyKind.value.exprKind.case !== 'constExpr') continue;
    const key = keyKind.value.exprKind.value.constantKind.value;
    const one = typeof key === 'number' && Number.isInteger(key) ? BigInt(key) : key;
    if (seen.has(one)) throw problemAt(expr, positions, `the key ${String(key)} is there twice`);
    seen.add(one);
  }
}

/** The work of evaluating so many nodes once. */
export function priceOf(nodes: number): number {
  return nodes <= 10 ? 1 : nodes / 10;
}

function loop(value: Kind<'comprehensionExpr'>, to: Rewriting) {
  const isList = value.accuInit?.exprKind.case === 'listExpr';
  for (const part of ['iterRange', 'accuInit', 'loopCondition', 'loopStep', 'result'] as const) {
    const inner = value[part];
    if (inner !== undefined) value[part] = rewrite(inner, to);
  }
  const { iterRange, accuInit, loopCondition, loopStep } = value;
  if (iterRange !== undefined) value.iterRange = callOf(iterRange, '@range', [iterRange]);
  if (loopCondition !== undefined) {
    const price = priceOf(nodesOf(loopCondition) + nodesOf(loopStep));
    value.loopCondition = callOf(loopCondition, '@turn', [loopCondition, constantOf(loopCondition, price)]);
  }
  // The library's lists are nested as deep as they are long, so long ones take for ever.
  if (!isList || accuInit === undefined || loopStep === undefined) return;
  value.accuInit = callOf(accuInit, '@list', []);
  value.loopStep = pushed(loopStep, value.accuVar);
}

/** `result + [x]` as `push(result, x)`, also inside `condition ? result + [x] : result`. */
function pushed(step: Expr, accuVar: string): Expr {
  const value = step.exprKind.case === 'callExpr' ? step.exprKind.value : null;
  if (value?.function === '_?_:_') value.args = value.args.map(arg => pushed(arg, accuVar));
  const [made, added] = value?.args ?? [];
  if (value?.function !== '_+_' || made === undefined || !isIdent(made, accuVar)) return step;
  const element = added?.exprKind.case === 'listExpr' ? added.exprKind.value.elements[0] : undefined;
  return element === undefined ? step : callOf(step, '@push', [made, element]);
}

/** has(a.b.c) is false when a.b is not there either: it says whether something is there. */
function presence(expr: Expr, { operand, field }: Kind<'selectExpr'>, to: Rewriting): Expr {
  const fields = [field];
  let base = operand;
  while (base?.exprKind.case === 'selectExpr' && !base.exprKind.value.testOnly) {
    fields.unshift(base.exprKind.value.field);
    base = base.exprKind.value.operand;
  }
  if (base === undefined) return expr;
  let value = rewrite(base, to);
  const steps = fields.map(name => {
    const step = callOf(expr, '@has', [value, constantOf(expr, name)]);
    value = selectOf(expr, value, name);
    return step;
  });
  const [only] = steps;
  return steps.length === 1 && only !== undefined ? only : callOf(expr, '_&&_', steps);
}

/** cel.bind(x, value, result) names a value. */
function bind(expr: Expr, { args }: Call, to: Rewriting): Expr {
  const [name, accuInit, result] = args;
  if (name?.exprKind.case !== 'identExpr' || accuInit === undefined || result === undefined) return expr;
  const value: Kind<'comprehensionExpr'> = {
    $typeName: 'cel.expr.Expr.Comprehension',
    iterVar: '#unused',
    iterVar2: '',
    iterRange: emptyListOf(expr),
    accuVar: name.exprKind.value.name,
    accuInit: rewrite(accuInit, to),
    loopCondition: constantOf(expr, false),
    loopStep: name,
    result: rewrite(result, to),
  };
  return { ...expr, exprKind: { case: 'comprehensionExpr', value } };
}
