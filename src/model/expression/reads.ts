import type { parse } from '@bufbuild/cel';
import { parseText } from './program.ts';
import { type Expr, textOf } from './tree.ts';

/** What an expression reads, by its parsed form: a word in a text or a variable of a loop is no variable. */
export interface Reads {
  /** The variables by name, with the place of the first use: characters from the start of the text. */
  variables: ReadonlyMap<string, number>;
  /** Fields that are taken of a variable: `gate.knownBad`. */
  fields: ReadonlySet<string>;
}

type Parsed = ReturnType<typeof parse>;

/** Throws CompileProblem for a text that does not parse. */
export function readsOf(text: string): Reads {
  const parsed = parseText(text);
  const found = { variables: new Map<string, number>(), fields: new Set<string>() };
  walk(parsed.expr, new Set(), found, parsed.sourceInfo?.positions ?? {});
  return found;
}

interface Found {
  variables: Map<string, number>;
  fields: Set<string>;
}
type Positions = NonNullable<Parsed['sourceInfo']>['positions'];

function walk(expr: Expr | undefined, bound: ReadonlySet<string>, found: Found, positions: Positions): void {
  const inner = (one: Expr | undefined, own: readonly string[] = []) => {
    walk(one, own.length === 0 ? bound : new Set([...bound, ...own]), found, positions);
  };
  const kind = expr?.exprKind;
  switch (kind?.case) {
    case 'identExpr': {
      const { name } = kind.value;
      if (!bound.has(name) && !found.variables.has(name)) found.variables.set(name, positions[String(expr?.id)] ?? 0);
      return;
    }
    case 'selectExpr':
      addField(kind.value.operand, kind.value.field, bound, found);
      inner(kind.value.operand);
      return;
    case 'callExpr': {
      const { function: name, target, args } = kind.value;
      if (name === '_[_]') addField(args[0], textOf(args[1]), bound, found);
      if (name === 'bind' && nameOf(target) === 'cel') {
        inner(args[1]);
        inner(args[2], [nameOf(args[0]) ?? '']);
        return;
      }
      inner(target);
      for (const arg of args) inner(arg);
      return;
    }
    case 'listExpr':
      for (const element of kind.value.elements) inner(element);
      return;
    case 'structExpr':
      for (const { keyKind, value } of kind.value.entries) {
        if (keyKind.case === 'mapKey') inner(keyKind.value);
        inner(value);
      }
      return;
    case 'comprehensionExpr': {
      const { iterRange, accuInit, iterVar, iterVar2, accuVar, loopCondition, loopStep, result } = kind.value;
      inner(iterRange);
      inner(accuInit);
      inner(loopCondition, [iterVar, iterVar2, accuVar]);
      inner(loopStep, [iterVar, iterVar2, accuVar]);
      inner(result, [accuVar]);
    }
  }
}

function addField(of: Expr | undefined, field: string | null, bound: ReadonlySet<string>, found: Found) {
  const name = nameOf(of);
  if (name !== null && field !== null && !bound.has(name)) found.fields.add(`${name}.${field}`);
}

function nameOf(expr: Expr | undefined): string | null {
  return expr?.exprKind.case === 'identExpr' ? expr.exprKind.value.name : null;
}
