import type { parse } from '@bufbuild/cel';

/** The library's syntax tree. */
export type Expr = NonNullable<ReturnType<typeof parse>['expr']>;
export type Kind<C extends string> = Extract<Expr['exprKind'], { case: C }>['value'];
export type Call = Kind<'callExpr'>;

export function isIdent(expr: Expr | undefined, name: string): boolean {
  return expr?.exprKind.case === 'identExpr' && expr.exprKind.value.name === name;
}

/** The text of a literal; null for anything that is computed. */
export function textOf(expr: Expr | undefined): string | null {
  if (expr?.exprKind.case !== 'constExpr') return null;
  const { constantKind } = expr.exprKind.value;
  return constantKind.case === 'stringValue' ? constantKind.value : null;
}

// New nodes keep the id of the node in whose place they stand, which has the position.

export function callOf(at: Expr, name: string, args: Expr[]): Expr {
  const value = { $typeName: 'cel.expr.Expr.Call' as const, function: name, args };
  return { $typeName: 'cel.expr.Expr', id: at.id, exprKind: { case: 'callExpr', value } };
}

export function selectOf(at: Expr, operand: Expr, field: string): Expr {
  const value = { $typeName: 'cel.expr.Expr.Select' as const, operand, field, testOnly: false };
  return { $typeName: 'cel.expr.Expr', id: at.id, exprKind: { case: 'selectExpr', value } };
}

export function emptyListOf(at: Expr): Expr {
  const value = { $typeName: 'cel.expr.Expr.CreateList' as const, elements: [], optionalIndices: [] };
  return { $typeName: 'cel.expr.Expr', id: at.id, exprKind: { case: 'listExpr', value } };
}

export function constantOf(at: Expr, value: string | boolean | number): Expr {
  const constant = { $typeName: 'cel.expr.Constant' as const, constantKind: kindOf(value) };
  return { $typeName: 'cel.expr.Expr', id: at.id, exprKind: { case: 'constExpr', value: constant } };
}

function kindOf(value: string | boolean | number) {
  if (typeof value === 'string') return { case: 'stringValue' as const, value };
  if (typeof value === 'number') return { case: 'doubleValue' as const, value };
  return { case: 'boolValue' as const, value };
}

/** The nodes that are evaluated once at most: those of a loop's turns are left out. */
export function nodesOf(expr: Expr | undefined): number {
  const kind = expr?.exprKind;
  switch (kind?.case) {
    case 'selectExpr':
      return 1 + nodesOf(kind.value.operand);
    case 'callExpr':
      return 1 + nodesOf(kind.value.target) + sum(kind.value.args);
    case 'listExpr':
      return 1 + sum(kind.value.elements);
    case 'structExpr':
      return 1 + sum(kind.value.entries.flatMap(({ keyKind, value }) => [key(keyKind), value]));
    case 'comprehensionExpr':
      return 4 + sum([kind.value.iterRange, kind.value.accuInit, kind.value.result]);
    default:
      return expr === undefined ? 0 : 1;
  }
}

function sum(exprs: readonly (Expr | undefined)[]): number {
  return exprs.reduce((total, expr) => total + nodesOf(expr), 0);
}

function key(kind: Kind<'structExpr'>['entries'][number]['keyKind']): Expr | undefined {
  return kind.case === 'mapKey' ? kind.value : undefined;
}
