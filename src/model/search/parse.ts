/** What people type to find alerts, runs, approvals and entries: words, labels and keys. One grammar for pages, saved views and the API. */

import { parseDuration, showDuration } from '../../kernel/duration.ts';
import { nearest } from '../../kernel/nearest.ts';

/** One term of a search. All terms of a search must hold. */
export type SearchTerm =
  /** The text stands somewhere in what is searched, whatever its case. */
  | { kind: 'text'; not: boolean; text: string }
  /** A label that is missing is an empty one. */
  | { kind: 'label'; not: boolean; name: string; value: string }
  /** One of the values. */
  | { kind: 'key'; not: boolean; key: string; values: readonly string[] }
  | { kind: 'age'; op: '>' | '<'; milliseconds: number };

/** A key that a list can be searched by. */
export interface SearchKey {
  about: string;
  /** All values there are; any value when left out. */
  values?: readonly string[];
}

/** What the searches of one list may say. */
export interface SearchWords {
  keys: Readonly<Record<string, SearchKey>>;
  /** Whether what is listed has labels. */
  labels: boolean;
}

/** Why a search does not parse. */
export interface SearchProblem {
  /** Where, in characters from 0, and how many of them. */
  at: number;
  length: number;
  message: string;
  /** What was probably meant. */
  near: string | null;
}

export type SearchResult =
  | { ok: true; terms: readonly SearchTerm[] }
  | { ok: false; problem: SearchProblem; terms: readonly [] };

/** The longest search, characters, and the most terms in it. */
export const longestSearch = 1000;
const mostTerms = 20;

/** Parses a search. What does not parse is told with its place, and never taken for something else. */
export function parseSearch(text: string, words: SearchWords): SearchResult {
  const terms: SearchTerm[] = [];
  try {
    if (text.length > longestSearch)
      fault(longestSearch, text.length - longestSearch, `A search has at most ${longestSearch} characters.`);
    for (const token of tokensOf(text)) {
      if (terms.length === mostTerms)
        fault(token.at, token.length, `A search has at most ${mostTerms} parts; this is one more.`);
      terms.push(termOf(token, words));
    }
    return { ok: true, terms };
  } catch (error) {
    if (error instanceof Fault) return { ok: false, problem: error.problem, terms: [] };
    throw error;
  }
}

class Fault extends Error {
  readonly problem: SearchProblem;
  constructor(problem: SearchProblem) {
    super(problem.message);
    this.problem = problem;
  }
}

function fault(at: number, length: number, message: string, near: string | null = null): never {
  throw new Fault({ at, length: Math.max(1, length), message, near });
}

interface Token {
  at: number;
  length: number;
  not: boolean;
  /** What stands before the operator; null for plain text. */
  name: string | null;
  op: '=' | '!=' | ':' | '>' | '<' | null;
  value: string;
  valueAt: number;
}

const space = /\s/;
const operator = /!=|>=|<=|[=:<>]/y;

/** Splits at spaces outside of quotes. */
function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    if (space.test(text[at] ?? '')) at += 1;
    else {
      const { token, end } = tokenAt(text, at);
      tokens.push(token);
      at = end;
    }
  }
  return tokens;
}

function tokenAt(text: string, begin: number): { token: Token; end: number } {
  const not = text[begin] === '-' && begin + 1 < text.length && !space.test(text[begin + 1] ?? '');
  const first = wordAt(text, not ? begin + 1 : begin, true);
  operator.lastIndex = first.end;
  const found = operator.exec(text)?.[0];
  if (found === undefined) {
    const token = {
      at: begin,
      length: first.end - begin,
      not,
      name: null,
      op: null,
      value: first.text,
      valueAt: begin,
    };
    return { token, end: first.end };
  }
  if (found === '>=' || found === '<=')
    fault(
      first.end,
      2,
      `"${found}" is written ${found[0]}: a moment more or less makes no difference.`,
      found[0] ?? null,
    );
  if (first.text === '') fault(begin, found.length, `A name is missing before "${found}".`);
  const valueAt = first.end + found.length;
  const value = wordAt(text, valueAt, false);
  const op = found as NonNullable<Token['op']>;
  const token = { at: begin, length: value.end - begin, not, name: first.text, op, value: value.text, valueAt };
  return { token, end: value.end };
}

/** A word up to a space, and up to an operator where one may follow; or a text in quotes. */
function wordAt(text: string, begin: number, isName: boolean): { text: string; end: number } {
  if (text[begin] === '"') return quotedAt(text, begin, isName);
  let end = begin;
  for (; end < text.length && !space.test(text[end] ?? ''); end++) {
    operator.lastIndex = end;
    if (isName && operator.test(text)) break;
    if (text[end] === '"') fault(end, 1, 'A quote stands inside a word. Put the whole of it in quotes.');
  }
  return { text: text.slice(begin, end), end };
}

function quotedAt(text: string, begin: number, isName: boolean): { text: string; end: number } {
  let out = '';
  for (let at = begin + 1; at < text.length; at++) {
    const char = text[at] ?? '';
    if (char === '\\' && at + 1 < text.length) {
      at += 1;
      out += text[at];
    } else if (char === '"') {
      const next = text[at + 1] ?? ' ';
      operator.lastIndex = at + 1;
      if (!space.test(next) && !(isName && operator.test(text)))
        fault(at + 1, 1, 'A space is missing after the quote.');
      return { text: out, end: at + 1 };
    } else out += char;
  }
  return fault(begin, text.length - begin, 'The quote is not closed.');
}

function termOf(token: Token, words: SearchWords): SearchTerm {
  const { not, name, op, value } = token;
  if (name === null || op === null) {
    if (value === '') fault(token.at, token.length, 'There is nothing between the quotes.');
    return { kind: 'text', not, text: value };
  }
  if (op === ':') return keyOf(token, name, words);
  if (op === '>' || op === '<') return ageOf(token, name, op);
  if (!words.labels) {
    const near = name in words.keys ? `${name}:${value}` : nearest(name, Object.keys(words.keys));
    fault(token.at, token.length, 'There are no labels here; keys are written with a colon.', near);
  }
  if (op === '!=' && not) fault(token.at, 1, 'Either "-" or "!=", not both.');
  return { kind: 'label', not: op === '!=' || not, name, value };
}

function ageOf(token: Token, name: string, op: '>' | '<'): SearchTerm {
  if (name !== 'age') {
    const near = nearest(name, ['age']) === null ? null : `age${op}${token.value}`;
    fault(token.at, token.length, `Only age is compared by ${op}; put the text in quotes to search for it.`, near);
  }
  if (token.not) fault(token.at, 1, `Write age${op === '>' ? '<' : '>'}${token.value} instead of a "-" before it.`);
  const milliseconds = parseDuration(token.value);
  if (milliseconds === null)
    fault(token.valueAt, token.value.length, `"${token.value}" is not a duration; write 30s, 10m, 2h or 1d.`);
  return { kind: 'age', op, milliseconds };
}

function keyOf(token: Token, name: string, { keys, labels }: SearchWords): SearchTerm {
  const key = Object.hasOwn(keys, name) ? keys[name] : undefined;
  if (key === undefined) {
    const near = nearest(name, [...Object.keys(keys), 'age']);
    const other = labels ? ` A label is written ${name}=${token.value || 'value'}.` : '';
    fault(
      token.at,
      token.length,
      `There is no key "${name}".${other} Put the text in quotes to search for it.`,
      near === null ? null : near === 'age' ? 'age>1h' : `${near}:${token.value}`,
    );
  }
  const values = token.value.split(',');
  if (values.some(value => value === ''))
    fault(token.valueAt, token.value.length, `A value is missing after "${name}:".`);
  const wrong = values.find(value => key.values !== undefined && !key.values.includes(value));
  if (wrong !== undefined && key.values !== undefined)
    fault(
      token.valueAt + token.value.indexOf(wrong),
      wrong.length,
      `"${wrong}" is no ${name}; there are ${key.values.join(', ')}.`,
      nearest(wrong, key.values),
    );
  return { kind: 'key', not: token.not, key: name, values };
}

/** The search as text, which parses to the same terms. */
export function showSearch(terms: readonly SearchTerm[]): string {
  return terms.map(showTerm).join(' ');
}

function showTerm(term: SearchTerm): string {
  switch (term.kind) {
    case 'text':
      return `${term.not ? '-' : ''}${quoted(term.text, true)}`;
    case 'label':
      return `${quoted(term.name, true)}${term.not ? '!=' : '='}${quoted(term.value, false)}`;
    case 'key':
      return `${term.not ? '-' : ''}${term.key}:${quoted(term.values.join(','), false)}`;
    case 'age':
      return `age${term.op}${exact(term.milliseconds)}`;
  }
}

function quoted(text: string, isName: boolean): string {
  const plain = isName ? /^[^-\s"=:<>!][^\s"=:<>!]*$/ : /^[^\s"]*$/;
  return plain.test(text) ? text : `"${text.replace(/["\\]/g, char => `\\${char}`)}"`;
}

/** Two units lose what is smaller. */
function exact(milliseconds: number): string {
  const shown = showDuration(milliseconds);
  return !shown.includes(' ') && parseDuration(shown) === milliseconds ? shown : `${milliseconds}ms`;
}
