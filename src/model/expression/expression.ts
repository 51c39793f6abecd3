/** Expressions: CEL over typed variables, linear-time regular expressions, templates and time windows. */

// Expressions are checked when a file loads, with errors that have a position. Their work is bounded whatever an event contains. Other
// modules import only this file.

export { falseClause, mayHold } from './clauses.ts';
export {
  compileExpression,
  type Expression,
  ExpressionError,
  type Wants,
} from './compile.ts';
export { gateScope } from './gate-scope.ts';
export { lazyMap } from './lazy.ts';
export { quickCondition, quickText } from './quick.ts';
export { readsOf } from './reads.ts';
export { compilePattern, type Pattern } from './regex.ts';
export { makeScope, type Scope, scopes } from './scopes.ts';
export { compileTemplate, showText, splitTemplate, type Template } from './template.ts';
export { headerMap, labelMap, record } from './values.ts';
export { shareWork } from './work.ts';
