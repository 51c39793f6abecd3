import { nearest } from '../../kernel/nearest.ts';
import { CompileProblem } from './problem.ts';
import { labelsType, type Scope } from './scopes.ts';

/** The part of the check's syntax tree that we use. The library's own types leave expanded macros out. */
export interface Node {
  readonly op: string;
  readonly args: unknown;
  readonly start: number;
  readonly end: number;
  readonly meta?: {
    alternate?: Node;
    macro?: { typeCheck?(checker: Checker, macro: unknown, context: unknown): unknown };
  };
  checkedType?: { name: string; kind: string };
}

/** Refuses the parts of CEL that are not allowed here: matches(), dyn() where types are known, misleading has(). Throws CompileProblem. */
export function refuseForbidden(root: Node, scope: Scope<never>) {
  visit(root, node => refuseCalls(node, scope));
}

/** The variables of the scope that the expression reads. */
export function variablesIn(root: Node, scope: Scope<never>): Set<string> {
  const names = new Set<string>();
  visit(root, node => {
    if (node.op === 'id' && typeof node.args === 'string' && node.args in scope.variables) names.add(node.args);
  });
  return names;
}

function refuseCalls(node: Node, scope: Scope<never>) {
  if (node.op === 'rcall' && Array.isArray(node.args) && node.args[0] === 'matches')
    throw new CompileProblem('matches() can take for ever on some texts', node, {
      allowed: 're(text, "pattern"), which cannot',
    });
  if (node.op !== 'call' || !Array.isArray(node.args)) return;
  const [name, args] = node.args as [string, Node[]];
  const first = args[0];
  if (name === 'dyn' && !scope.open) throw new CompileProblem('dyn() would switch the checking off', node);
  if (name !== 'has' || first === undefined) return;
  refuseHas(first, scope);
  widenHas(first, node);
}

interface Checker {
  check(node: Node, context: unknown): unknown;
  getType(name: string): unknown;
}

/** The library takes only has(name.field); the language takes a field of anything, such as has(body.list[0].field). */
function widenHas(argument: Node, node: Node) {
  const macro = node.meta?.macro;
  if (macro === undefined) return;
  macro.typeCheck = (checker, _macro, context) => {
    let base = argument;
    while (base.op === '.' && Array.isArray(base.args) && isNode(base.args[0])) base = base.args[0];
    if (base === argument) throw new CompileProblem('has() asks for a field', argument, { allowed: 'has(body.level)' });
    checker.check(base, context);
    return checker.getType('bool');
  };
}

/** `has` does not type-check its argument, and is always true where a missing field reads as ''. */
function refuseHas(argument: Node, scope: Scope<never>) {
  const root = rootOf(argument);
  if (root === null || scope.variables[root] === undefined || scope.variables[root] === 'dyn') return;
  const given = scope.variables[root];
  if (given === 'map<string, dyn>')
    throw new CompileProblem(`has() is not for ${root}, a map: ask whether the name is in it`, argument, {
      allowed: `"name" in ${root}`,
    });
  const why = given === labelsType ? 'a name that is missing reads as ""' : 'a field that is declared is always there';
  throw new CompileProblem(`has() says nothing about ${root}: ${why}`, argument, {
    allowed: '"env" in labels, or labels.env != ""',
  });
}

function rootOf(node: Node): string | null {
  if (node.op === 'id' && typeof node.args === 'string') return node.args;
  if (Array.isArray(node.args) && isNode(node.args[0])) return rootOf(node.args[0]);
  return null;
}

/** Visits every node once, expanded macros included. */
function visit(node: Node, see: (node: Node) => void, seen = new Set<unknown>()) {
  if (seen.has(node)) return;
  seen.add(node);
  see(node);
  for (const child of [node.args, node.meta?.alternate, node.meta?.macro]) visitAny(child, see, seen);
}

function visitAny(value: unknown, see: (node: Node) => void, seen: Set<unknown>) {
  if (value === null || typeof value !== 'object' || seen.has(value)) return;
  if (isNode(value)) return visit(value, see, seen);
  seen.add(value);
  const proto = Object.getPrototypeOf(value);
  if (Array.isArray(value) || proto === Object.prototype)
    for (const member of Object.values(value)) visitAny(member, see, seen);
}

function isNode(value: unknown): value is Node {
  return value !== null && typeof value === 'object' && 'op' in value && 'start' in value;
}

/** The library's error as ours: what is wrong, the known words, and the nearest one. */
export function explainProblem(
  error: { code?: string; summary?: string; message: string; node?: unknown },
  scope: Scope<never>,
): { message: string; allowed?: string; nearest: string | null } {
  const summary = error.summary ?? error.message;
  const variable = /^Unknown variable: (.+)$/.exec(summary)?.[1];
  if (variable !== undefined) return unknownWord(variable, 'variable', Object.keys(scope.variables));
  const key = /^No such key: (.+)$/.exec(summary)?.[1];
  const fields = fieldsAt(error.node, scope);
  if (key !== undefined && fields !== null) return unknownWord(key, 'field', fields);
  const call = /^found no matching overload for '(?:.+\.)?(\w+)\(/.exec(summary)?.[1];
  const functions = functionNames(scope);
  if (call !== undefined && !functions.includes(call)) return unknownWord(call, 'function', functions);
  const message = lowerFirst(summary);
  return /^no such overload: (int [-+*/] double|double [-+*/] int)$/.test(message)
    ? { message, allowed: 'numbers of one kind: double(…) makes one of a whole number, and 2.0 is one', nearest: null }
    : { message, nearest: null };
}

function unknownWord(word: string, kind: string, known: string[]) {
  return { message: `there is no ${kind} "${word}" here`, allowed: known.join(', '), nearest: nearest(word, known) };
}

function fieldsAt(node: unknown, scope: Scope<never>): string[] | null {
  if (!isNode(node) || !Array.isArray(node.args) || !isNode(node.args[0])) return null;
  const fields = scope.types[node.args[0].checkedType?.name ?? ''];
  return fields === undefined ? null : Object.keys(fields);
}

const hidden = new Set(['dyn', 'matches', 'optional', 'hasValue', 'value', 'none', 'of', 'or', 'orValue']);

export function functionNames(scope: Scope<never>): string[] {
  const names = scope.environment.getDefinitions().functions.map(definition => definition.name);
  return [...new Set(names)].filter(name => !hidden.has(name));
}

function lowerFirst(text: string): string {
  return /^[A-Z][a-z]/.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text;
}
