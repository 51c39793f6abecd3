/** CEL as Tocsin uses it: typed variables, linear regular expressions, bounded work, errors with a position. */
export {
  compileExpression,
  type Expression,
  ExpressionError,
  type Wants,
} from './expression-compile.ts';
export { compilePattern, type Pattern } from './expression-regex.ts';
export { makeScope, type Scope, scopes } from './expression-scopes.ts';
export { compileTemplate, showText, type Template } from './expression-template.ts';
export { labelMap } from './expression-values.ts';
