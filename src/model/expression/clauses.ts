import { messageOf } from '../../kernel/errors.ts';
import type { Node } from './check.ts';
import { compileExpression } from './compile.ts';
import { parseText } from './program.ts';
import { refuterOf } from './refute.ts';
import type { Scope } from './scopes.ts';

/**
 * The first of the parts between `&&` that is false, as it is written; null when the expression holds. A part that cannot be evaluated is
 * told with the reason. The text must compile for the scope.
 */
export function falseClause<V>(text: string, scope: Scope<V>, variables: V): string | null {
  for (const clause of clausesOf(text, scope)) {
    try {
      if (!compileExpression(clause, scope, 'bool').evaluate(variables)) return clause;
    } catch (error) {
      return `${clause} (${messageOf(error)})`;
    }
  }
  return null;
}

function clausesOf<V>(text: string, scope: Scope<V>): string[] {
  const root = scope.environment.parse(text).ast as unknown as Node;
  const parts = conjuncts(root).map(({ start, end }) => text.slice(start, end).trim());
  // A part whose ends are not where the parser says would be explained wrongly.
  return parts.every(part => compiles(part, scope)) ? parts : [text.trim()];
}

function conjuncts(node: Node): Node[] {
  if (node.op !== '&&' || !Array.isArray(node.args)) return [node];
  return (node.args as Node[]).flatMap(conjuncts);
}

function compiles<V>(text: string, scope: Scope<V>): boolean {
  try {
    compileExpression(text, scope, 'bool');
    return true;
  } catch {
    return false;
  }
}

/** False when the expression is false for sure, knowing only these variables or fields of them; true when only its evaluation can tell. */
export function mayHold(text: string, known: Record<string, unknown>): boolean {
  return refuterOf(parseText(text).expr)?.(known) !== true;
}
