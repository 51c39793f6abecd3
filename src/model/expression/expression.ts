/** Expressions as Tocsin uses them: CEL over typed variables, linear regular expressions, templates, windows of time. */

// Checked when a file loads, with an error that has a position; bounded in work whatever an event brings. This file is what others
// import; what it is used for (triggers, policy, parameters) is not said here.

export {
  compileExpression,
  type Expression,
  ExpressionError,
  type Wants,
} from './compile.ts';
export { compilePattern, type Pattern } from './regex.ts';
export { makeScope, type Scope, scopes } from './scopes.ts';
export { compileTemplate, showText, type Template } from './template.ts';
export { labelMap } from './values.ts';
