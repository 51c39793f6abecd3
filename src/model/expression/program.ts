import { type CelFunc, celEnv, isCelError, parse, plan } from '@bufbuild/cel';
import { messageOf } from '../../kernel/errors.ts';
import { calls } from './calls.ts';
import { CompileProblem } from './problem.ts';
import { refuterOf } from './refute.ts';
import { priceOf, rewrite } from './rewrite.ts';
import { nodesOf } from './tree.ts';
import { type Prepared, within } from './work.ts';

const env = celEnv({ funcs: calls });

/** Every function and method that an expression can call. */
export const evaluated: readonly CelFunc[] = [...env.funcs].filter(call => /^[a-zA-Z]/.test(call.name));

/** "name/2" of a function, ".name/2" of a method, which the evaluator has. */
const known: ReadonlySet<string> = new Set(
  evaluated.map(call => `${call.target === undefined ? '' : '.'}${call.name}/${call.arguments.length}`),
);

/** Evaluates with the variables by name, as values of CEL. `convert` reads the result within the same budget. Throws an Error. */
export type Program = <R = unknown>(variables: Record<string, unknown>, convert?: (value: unknown) => R) => R;

/**
 * Plans an expression that is syntactically right. Throws CompileProblem for what it writes out and cannot be right (a pattern, a window, a
 * zone, a time, a number), and for a function that there is not.
 */
export function planProgram(text: string): Program {
  return planParsed(parseText(text));
}

/** `quick: false` always evaluates; for tests. */
export function planParsed(parsed: ReturnType<typeof parse>, { quick = true } = {}): Program {
  const prepared: Prepared = { patterns: new Map(), windows: new Map() };
  const refuted = quick ? refuterOf(parsed.expr) : null;
  const positions = parsed.sourceInfo?.positions ?? {};
  if (parsed.expr !== undefined) parsed.expr = rewrite(parsed.expr, { known, prepared, positions });
  const price = priceOf(nodesOf(parsed.expr));
  const evaluate = plan(env, parsed);
  const whole = (variables: Record<string, unknown>) => {
    const value = evaluate(variables as Parameters<typeof evaluate>[0]);
    if (isCelError(value)) throw new Error(explain(value.message));
    return value;
  };
  return (variables, convert = value => value as never) =>
    within(prepared, price, () => convert(refuted?.(variables) ? false : whole(variables)));
}

export function parseText(text: string): ReturnType<typeof parse> {
  try {
    // The grammar wants a line end after a comment.
    return parse(`${text}\n`);
  } catch (error) {
    const start = (error as { location?: { start?: { offset?: number } } }).location?.start?.offset ?? 0;
    throw new CompileProblem(messageOf(error).replace(/^(syntax error )?<input>:\d+:\d+: /, ''), {
      start,
      end: start + 20,
    });
  }
}

/** The library's words for people. */
function explain(message: string): string {
  const field = /^field not found: (.*)$/s.exec(message)?.[1];
  if (field !== undefined) return `No such key: ${field}`;
  const place = /^index (.*) out of bounds/.exec(message)?.[1];
  if (place !== undefined) return `there is no element ${place}`;
  if (message === 'unresolved attribute') return 'a variable is not there';
  const operator = /^found no matching overload for '_(\S+)_' applied to '\((\S+), (\S+)\)'$/.exec(message);
  if (operator !== null)
    return `there is no ${operator[2]} ${operator[1]} ${operator[3]}; int(...), double(...) and string(...) convert`;
  const call = /^found no matching overload for '(\w+)' applied to '(?:(\S+)\.)?\((.*)\)'$/.exec(message);
  if (call !== null)
    return `${call[1]}() does not take ${[call[2], call[3]].filter(Boolean).join(', ') || 'nothing'}; int(...), double(...) and string(...) convert`;
  return message;
}
