import { nearest } from '../../kernel/nearest.ts';
import { CompileProblem, literalText, type Node } from './functions.ts';
import type { Scope } from './scopes.ts';
import { LabelMap } from './values.ts';

/** The most iterations of all(), exists(), map() and filter() together in one evaluation. */
const mostIterations = 100_000;

export interface Budget {
  left: number;
}

export function refill(budget: Budget) {
  budget.left = mostIterations;
}

/** Refuses the parts of CEL that are not allowed here: matches(), dyn(), misleading has(), bad literals. Throws CompileProblem. */
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

/** Counts loop iterations against the budget, and makes `in` test labels for presence. Call it after the types are checked. */
export function adjustTree(root: Node, budget: Budget) {
  visit(root, node => {
    if (node.op === 'comprehension') countIterations(node, budget);
    if (node.op === 'in') testPresence(node);
  });
}

/** Needed because the library takes a key for present when its value is defined, and a missing label reads as ''. */
function testPresence(node: Node) {
  const { handle } = node;
  if (handle === undefined) return;
  node.handle = (key, map, ...rest) => (map instanceof LabelMap ? map.has(String(key)) : handle(key, map, ...rest));
}

const literalCalls = new Set(['duration', 'timestamp']);

function refuseCalls(node: Node, scope: Scope<never>) {
  if (node.op === 'rcall' && Array.isArray(node.args) && node.args[0] === 'matches')
    throw new CompileProblem('matches() can take for ever on some texts', node, 're(text, "pattern"), which cannot');
  if (node.op !== 'call' || !Array.isArray(node.args)) return;
  const [name, args] = node.args as [string, Node[]];
  const first = args[0];
  if (name === 'dyn' && !scope.open) throw new CompileProblem('dyn() would switch the checking off', node);
  if (name === 'has' && first !== undefined) refuseHas(first, scope);
  if (literalCalls.has(name) && first !== undefined) checkLiteral(name, first);
}

/** `has` does not type-check its argument, and is always true where a missing field reads as ''. */
function refuseHas(argument: Node, scope: Scope<never>) {
  const root = rootOf(argument);
  if (root === null || scope.variables[root] === undefined || scope.variables[root] === 'dyn') return;
  throw new CompileProblem(
    `has() says nothing about ${root}: a field that is declared is always there`,
    argument,
    '"env" in labels, or labels.env != ""',
  );
}

function rootOf(node: Node): string | null {
  if (node.op === 'id' && typeof node.args === 'string') return node.args;
  if (Array.isArray(node.args) && isNode(node.args[0])) return rootOf(node.args[0]);
  return null;
}

function checkLiteral(name: string, argument: Node) {
  const text = literalText(argument);
  if (text === null) return;
  const good =
    name === 'duration' ? /^-?(\d+(\.\d+)?(h|m|s|ms|us|µs|ns))+$/.test(text) : !Number.isNaN(Date.parse(text));
  const example = name === 'duration' ? '"90s", "10m" or "1h30m"' : '"2026-01-31T08:00:00Z"';
  if (!good) throw new CompileProblem(`"${text}" is not a ${name}`, argument, example);
}

/** A list in a webhook's body can be long and loops over it can be nested, so all iterations share one bound. */
function countIterations(node: Node, budget: Budget) {
  const args = node.args as { step: Node };
  const inner = args.step;
  if ('counted' in inner) return;
  const step = {
    counted: inner,
    evaluate(evaluator: Parameters<Node['evaluate']>[0], _node: Node, context: unknown) {
      if (--budget.left < 0) throw new Error(`this goes through more than ${mostIterations} elements`);
      return inner.evaluate(evaluator, inner, context);
    },
  };
  args.step = step as unknown as Node;
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
  return { message: lowerFirst(summary), nearest: null };
}

function unknownWord(word: string, kind: string, known: string[]) {
  return { message: `there is no ${kind} "${word}" here`, allowed: known.join(', '), nearest: nearest(word, known) };
}

function fieldsAt(node: unknown, scope: Scope<never>): string[] | null {
  if (!isNode(node) || !Array.isArray(node.args) || !isNode(node.args[0])) return null;
  const fields = scope.types[node.args[0].checkedType?.name ?? ''];
  return fields === undefined ? null : Object.keys(fields);
}

const hidden = new Set(['dyn', 'matches']);

export function functionNames(scope: Scope<never>): string[] {
  const names = scope.environment.getDefinitions().functions.map(definition => definition.name);
  return [...new Set(names)].filter(name => !hidden.has(name));
}

function lowerFirst(text: string): string {
  return /^[A-Z][a-z]/.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text;
}
