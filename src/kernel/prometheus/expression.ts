import type { Comparison } from '../chart/chart.ts';

/** What is drawn of the expression of a rule. */
export interface Drawn {
  /** The query of the line. */
  query: string;
  /** The number that it is compared with; null when it is compared with none, or with another series. */
  threshold: { is: Comparison; value: number } | null;
}

/**
 * Pure: splits `cpu > 0.9` into the series and the threshold. Only a comparison at the top of the expression is split, because one inside
 * of brackets has another meaning; of `a > 1 and b > 2` (or `unless`) it is the first, whose values the alert has. Whatever else is drawn
 * as it stands. Prometheus has an address that parses (`/api/v1/parse_query`), which is not documented and not in every release.
 */
export function splitThreshold(expression: string): Drawn {
  const whole = unwrapped(expression.trim());
  const asItIs: Drawn = { query: whole, threshold: null };
  const marks = scan(whole);
  if (marks === null || marks.some(({ word }) => word === 'or')) return asItIs;
  const joins = marks.find(({ word }) => word === 'and' || word === 'unless');
  if (joins !== undefined) {
    const first = splitThreshold(whole.slice(0, joins.at));
    return first.threshold === null ? asItIs : first;
  }
  const compared = marks.filter(({ word }) => word in flipped);
  const [mark] = compared;
  if (mark === undefined || compared.length > 1) return asItIs;
  const is = mark.word as Comparison;
  const [left, right] = [whole.slice(0, mark.at).trim(), whole.slice(mark.at + mark.word.length).trim()];
  // With bool the values are 0 and 1.
  if (/^bool\b/i.test(right)) return asItIs;
  const limit = numberOf(right);
  if (limit !== null) return numberOf(left) === null ? { query: left, threshold: { is, value: limit } } : asItIs;
  const other = numberOf(left);
  if (other !== null) return { query: right, threshold: { is: flipped[is], value: other } };
  // Compared with another series: of the left one are the values of the alert.
  return { query: left, threshold: null };
}

const flipped: Readonly<Record<Comparison, Comparison>> = {
  '>': '<',
  '>=': '<=',
  '<': '>',
  '<=': '>=',
  '==': '==',
  '!=': '!=',
};

/** A comparison or a set operator outside of all brackets. */
interface Mark {
  word: string;
  at: number;
}

const skipped = /#[^\n]*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`/y;
const operator = /==|!=|>=|<=|>|</y;
const word = /[A-Za-z_:][\w:.]*/y;

/** Null when brackets do not match. */
function scan(text: string): Mark[] | null {
  const marks: Mark[] = [];
  let depth = 0;
  for (let at = 0; at < text.length; ) {
    const past = match(skipped, text, at) ?? '';
    const name = past === '' ? (match(word, text, at) ?? '') : '';
    const sign = past === '' && name === '' && depth === 0 ? (match(operator, text, at) ?? '') : '';
    const char = text[at] ?? '';
    if (sign !== '') marks.push({ word: sign, at });
    else if (name !== '' && depth === 0 && /^(and|or|unless)$/i.test(name))
      marks.push({ word: name.toLowerCase(), at });
    else if (past === '' && '([{'.includes(char)) depth += 1;
    else if (past === '' && ')]}'.includes(char)) depth -= 1;
    if (depth < 0) return null;
    at += Math.max(1, past.length, name.length, sign.length);
  }
  return depth === 0 ? marks : null;
}

function match(pattern: RegExp, text: string, at: number): string | null {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? null;
}

/** Without the brackets around all of it. */
function unwrapped(text: string): string {
  if (!text.startsWith('(') || !text.endsWith(')')) return text;
  const inner = text.slice(1, -1);
  // `(a) > (b)` begins and ends with brackets too: inside of it they do not match.
  return scan(inner) === null ? text : unwrapped(inner.trim());
}

const durations: Readonly<Record<string, number>> = {
  ms: 0.001,
  s: 1,
  m: 60,
  h: 3600,
  d: 86_400,
  w: 604_800,
  y: 31_536_000,
};

/** The value of an expression of numbers alone, such as `10 * 1024`; null for any other. */
function numberOf(text: string): number | null {
  const tokens = text
    .replace(/#[^\n]*/g, ' ')
    .match(/(?:\d+(?:ms|[smhdwy]))+(?![\w.])|0[xX][\da-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[A-Za-z_]\w*|\S/g);
  if (tokens === null || tokens.length > 100) return null;
  const rest = [...tokens];
  const value = sum(rest);
  return value === null || rest.length > 0 ? null : value;
}

function sum(rest: string[]): number | null {
  return chain(rest, ['+', '-'], product);
}

function product(rest: string[]): number | null {
  return chain(rest, ['*', '/', '%'], signed);
}

function chain(rest: string[], signs: readonly string[], part: (rest: string[]) => number | null): number | null {
  let value = part(rest);
  while (value !== null && signs.includes(rest[0] ?? '')) {
    const sign = rest.shift() ?? '';
    const next = part(rest);
    value = next === null ? null : calculate(value, sign, next);
  }
  return value;
}

function calculate(left: number, sign: string, right: number): number {
  switch (sign) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '%':
      return left % right;
    default:
      return left / right;
  }
}

/** A sign binds less than a power: -2 ^ 2 is -4. */
function signed(rest: string[]): number | null {
  const [first] = rest;
  if (first !== '-' && first !== '+') return power(rest);
  rest.shift();
  const value = signed(rest);
  return value === null ? null : first === '-' ? -value : value;
}

function power(rest: string[]): number | null {
  const base = atom(rest);
  if (base === null || rest[0] !== '^') return base;
  rest.shift();
  const exponent = signed(rest);
  return exponent === null ? null : base ** exponent;
}

function atom(rest: string[]): number | null {
  const token = rest.shift();
  if (token === undefined) return null;
  if (token === '(') {
    const value = sum(rest);
    return rest.shift() === ')' ? value : null;
  }
  if (/^inf$/i.test(token)) return Number.POSITIVE_INFINITY;
  if (/^nan$/i.test(token)) return Number.NaN;
  if (/^\d.*[a-z]$/.test(token) && !/^0x/i.test(token)) {
    const parts = token.matchAll(/(\d+)(ms|[smhdwy])/g);
    return [...parts].reduce((total, [, count, unit]) => total + Number(count) * (durations[unit ?? ''] ?? 0), 0);
  }
  return /^[\d.]/.test(token) ? Number(token) : null;
}
