import type { Environment } from '@marcbachmann/cel-js';
import { compilePattern, recentPattern } from './regex.ts';
import { parseWindow } from './window.ts';

/** The part of the library's syntax tree that we use. The library's own types leave expanded macros out. */
export interface Node {
  readonly op: string;
  readonly args: unknown;
  readonly start: number;
  readonly end: number;
  readonly meta?: { alternate?: Node; macro?: object };
  checkedType?: { name: string; kind: string };
  /** The implementation of an operator, set by the type check. */
  handle?: (left: unknown, right: unknown, ...rest: unknown[]) => unknown;
  evaluate(evaluator: Runner, node: Node, context: unknown): unknown;
}
interface Runner {
  run(node: Node, context: unknown): unknown;
}
interface Checker {
  check(node: Node, context: unknown): { name: string };
  getType(name: string): { name: string };
}

/** Thrown while an expression compiles; `node` has the position. */
export class CompileProblem extends Error {
  readonly node: { start: number; end: number };
  readonly allowed: string | undefined;
  constructor(message: string, node: { start: number; end: number }, allowed?: string) {
    super(message);
    this.node = node;
    this.allowed = allowed;
  }
}

/** The description of each function in the reference. */
export const functionNotes: Record<string, string> = {
  re: 'True when the pattern (RE2 syntax, linear time) matches any part of the text: re(labels.instance, "^web-[0-9]+").',
  inWindow:
    'True when the instant is in the time window of the zone: inWindow(now, "Fri 16:00 - Mon 08:00", "Europe/London").',
  hostOf: 'The host of an address with or without a port or a scheme: hostOf("web-1:9100") is "web-1".',
};

export function registerFunctions(env: Environment): Environment {
  return env
    .registerFunction('re(ast, ast): bool', ({ args }: { args: [Node, Node] }) => regexMacro(args[0], args[1]))
    .registerFunction('inWindow(ast, ast, ast): bool', ({ args }: { args: [Node, Node, Node] }) => windowMacro(args))
    .registerFunction('hostOf(string): string', (address: string) => hostOf(address));
}

/** A literal pattern is compiled when the file loads, so that a mistake in it is found then. */
function regexMacro(textNode: Node, patternNode: Node) {
  const literal = literalText(patternNode);
  const fixed = literal === null ? null : attempt(patternNode, () => compilePattern(literal));
  return {
    typeCheck(checker: Checker, _macro: unknown, context: unknown) {
      requireType(checker, textNode, context, 'string');
      requireType(checker, patternNode, context, 'string');
      return checker.getType('bool');
    },
    evaluate(evaluator: Runner, _macro: unknown, context: unknown) {
      const text = evaluator.run(textNode, context);
      if (typeof text !== 'string') throw new Error('re() takes a text');
      const pattern = fixed ?? recentPattern(String(evaluator.run(patternNode, context)));
      return pattern.finds(text);
    },
    async: false,
  };
}

function windowMacro([at, windowNode, zoneNode]: [Node, Node, Node]) {
  const text = literalText(windowNode);
  const zone = literalText(zoneNode);
  if (text === null) throw new CompileProblem('the window is written out as a text', windowNode);
  if (zone === null) throw new CompileProblem('the time zone is written out as a text', zoneNode);
  const window = attempt(windowNode, () => parseWindow(text, zone));
  return {
    typeCheck(checker: Checker, _macro: unknown, context: unknown) {
      requireType(checker, at, context, 'google.protobuf.Timestamp');
      return checker.getType('bool');
    },
    evaluate(evaluator: Runner, _macro: unknown, context: unknown) {
      const instant = evaluator.run(at, context);
      if (!(instant instanceof Date)) throw new Error('inWindow() takes a time, for example now');
      return window.holds(instant.getTime());
    },
    async: false,
  };
}

function requireType(checker: Checker, node: Node, context: unknown, wanted: string) {
  const { name } = checker.check(node, context);
  if (name !== wanted && name !== 'dyn') throw new CompileProblem(`this is ${name}`, node, wanted);
}

function attempt<T>(node: Node, make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw new CompileProblem(error instanceof Error ? error.message : String(error), node);
  }
}

/** The text of a string literal; null for anything that is computed. */
export function literalText(node: Node): string | null {
  return node.op === 'value' && typeof node.args === 'string' ? node.args : null;
}

/** "web-1:9100", "[::1]:9100", "::1" and "https://web-1:9100/metrics" without scheme, account, port and path. */
export function hostOf(address: string): string {
  const afterScheme = address.replace(/^[a-z][a-z0-9+.-]*:\/\//i, '');
  const authority = afterScheme.split(/[/?#]/, 1)[0] ?? '';
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  if (host.startsWith('[')) return host.slice(1, host.indexOf(']') < 0 ? undefined : host.indexOf(']'));
  const colon = host.indexOf(':');
  if (colon < 0 || host.indexOf(':', colon + 1) >= 0) return host;
  return host.slice(0, colon);
}
