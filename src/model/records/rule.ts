import type { Severity } from '../event.ts';
import {
  compileExpression,
  type Expression,
  ExpressionError,
  quickCondition,
  quickText,
  type Wants,
} from '../expression/expression.ts';
import type { RuleOptions } from './rule-options.ts';
import { scopeOf } from './scope.ts';
import type { LogRecord, RecordFormat } from './types.ts';

export type RuleWindow =
  | { kind: 'count'; atLeast: number; within: number }
  | { kind: 'distinct'; atLeast: number; within: number; of(record: LogRecord): string }
  | { kind: 'absent'; within: number }
  /** No window: each match is an alert or a notice of its own. */
  | { kind: 'each'; as: 'alert' | 'notice' };

/** A rule of `detect:`, compiled. */
export interface DetectRule {
  name: string;
  severity: Severity;
  title: string;
  labels: Readonly<Record<string, string>>;
  links?: readonly { label: string; url: string }[];
  /** Milliseconds without a match after which an alert is over. */
  quiet: number;
  window: RuleWindow;
  /** False also where it cannot be evaluated. */
  matches(record: LogRecord): boolean;
  /** The names under which the values of `by` are labels. */
  keys: readonly string[];
  /** The values of `by`. */
  keyOf(record: LogRecord): string[];
}

const standardQuiet = 15 * 60_000;

type Report = (path: readonly (string | number)[], error: ExpressionError) => void;

/** Compiles a rule for records of the format; what is wrong with its expressions is reported. Null when something was. */
export function compileRule(given: RuleOptions, format: RecordFormat, report: Report): DetectRule | null {
  let wrong = false;
  const compile = <W extends Wants>(text: string, wants: W, path: readonly (string | number)[]) => {
    try {
      return compileExpression(text, scopeOf(format), wants);
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      wrong = true;
      report(path, error);
      return null;
    }
  };
  const where = given.where === undefined ? null : compile(given.where, 'bool', ['where']);
  const by = given.by.map((text, index) => compile(text, 'text', ['by', index]));
  const of = given.distinct === undefined ? null : compile(given.distinct.of, 'text', ['distinct', 'of']);
  if (wrong) return null;
  const window = windowOf(given, of);
  return {
    name: given.name,
    severity: given.severity,
    title: given.title ?? given.name,
    labels: given.labels,
    quiet: given.quiet ?? (window.kind === 'each' ? standardQuiet : window.within),
    window,
    matches: where === null ? () => true : conditionOf(where),
    keys: labelNames(given.by),
    keyOf: keyReader(by.map(textOf)),
  };
}

function windowOf(given: RuleOptions, of: Expression<LogRecord, string> | null): RuleWindow {
  if (given.count !== undefined) return { kind: 'count', ...given.count };
  if (given.absent !== undefined) return { kind: 'absent', within: given.absent.for };
  if (given.distinct === undefined || of === null) return { kind: 'each', as: given.notice ? 'notice' : 'alert' };
  const { atLeast, within } = given.distinct;
  return { kind: 'distinct', atLeast, within, of: textOf(of) };
}

const get = (record: LogRecord, name: string) => record.get(name);

/** Most records are decided without CEL. */
function conditionOf(where: Expression<LogRecord, boolean>): (record: LogRecord) => boolean {
  const quick = quickCondition(where.text, 'record', get);
  return record => {
    const verdict = quick(record);
    return verdict === 2 ? attempt(where, record, false) : verdict === 1;
  };
}

function textOf(expression: Expression<LogRecord, string> | null): (record: LogRecord) => string {
  if (expression === null) return () => '';
  return quickText(expression.text, 'record', get) ?? (record => attempt(expression, record, ''));
}

function keyReader(readers: readonly ((record: LogRecord) => string)[]): (record: LogRecord) => string[] {
  const [only] = readers;
  if (readers.length === 1 && only !== undefined) return record => [only(record)];
  return record => readers.map(read => read(record));
}

function attempt<R>(expression: Expression<LogRecord, R>, record: LogRecord, otherwise: R): R {
  try {
    return expression.evaluate(record);
  } catch {
    return otherwise;
  }
}

/** `srcaddr` for `record.srcaddr`; by1, by2 for anything longer, and for a name that is another label already. */
function labelNames(by: readonly string[]): string[] {
  const found = ['rule'];
  for (const [index, text] of by.entries()) {
    const name = /^\s*record(?:\.[A-Za-z_]\w*)*\.([A-Za-z_]\w*)\s*$/.exec(text)?.[1];
    found.push(name === undefined || found.includes(name) ? `by${index + 1}` : name);
  }
  return found.slice(1);
}
