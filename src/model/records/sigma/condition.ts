import { nearest } from '../../../kernel/nearest.ts';
import { invalid, type Place, type SigmaError, unsupported } from './fault.ts';
import type { Predicate } from './item.ts';

/** What stands behind the pipe of a condition. */
export interface Aggregation {
  /** The field whose different values are counted; null for the records. */
  of: string | null;
  by: string | null;
  atLeast: number;
}

export interface Condition {
  holds: Predicate;
  aggregation: Aggregation | null;
}

interface Token {
  text: string;
  at: number;
}

const longest = 10_000;
const deepest = 100;

/**
 * Compiles a condition: `and`, `or`, `not`, brackets, `1 of`, `all of`, and `| count()`. From the least to the most binding: or, and, not, of.
 * Source: Sigma specification 2.1, sigma-rules-specification, "Condition".
 */
export function compileCondition(text: string, items: ReadonlyMap<string, Predicate>, at: Place): Condition {
  if (text.length > longest) throw invalid(at, `the condition is longer than ${longest} characters`);
  const pipe = text.indexOf('|');
  const parser = new Parser(tokensOf(pipe < 0 ? text : text.slice(0, pipe), at), items, at, text.length);
  return { holds: parser.whole(), aggregation: pipe < 0 ? null : readAggregation(text.slice(pipe + 1), at, pipe + 1) };
}

function tokensOf(text: string, at: Place): Token[] {
  const tokens: Token[] = [];
  const token = /\s*(?:([()])|([\p{L}\p{N}_.*-]+)|(\S))/uy;
  for (let found = token.exec(text); found !== null; found = token.exec(text)) {
    const [all, bracket, word, other] = found;
    const start = found.index + all.length - (bracket ?? word ?? other ?? '').length;
    if (other !== undefined)
      throw unsupported(at, `\`${other}\` is not part of a condition`, {
        allowed: 'and, or, not, brackets, 1 of, all of, names, | count()',
        offset: start,
      });
    tokens.push({ text: bracket ?? word ?? '', at: start });
  }
  return tokens;
}

class Parser {
  readonly #tokens: readonly Token[];
  readonly #items: ReadonlyMap<string, Predicate>;
  readonly #place: Place;
  readonly #end: number;
  #next = 0;
  #depth = 0;

  constructor(tokens: readonly Token[], items: ReadonlyMap<string, Predicate>, place: Place, end: number) {
    this.#tokens = tokens;
    this.#items = items;
    this.#place = place;
    this.#end = end;
  }

  whole(): Predicate {
    const found = this.#or();
    const left = this.#tokens[this.#next];
    if (left !== undefined) throw this.#fault(`\`${left.text}\` is not expected here`);
    return found;
  }

  #or(): Predicate {
    const parts = [this.#and()];
    while (this.#takes('or')) parts.push(this.#and());
    return parts.length === 1 ? (parts[0] ?? never) : record => parts.some(part => part(record));
  }

  #and(): Predicate {
    const parts = [this.#not()];
    while (this.#takes('and')) parts.push(this.#not());
    return parts.length === 1 ? (parts[0] ?? never) : record => parts.every(part => part(record));
  }

  #not(): Predicate {
    if (!this.#takes('not')) return this.#one();
    const part = this.#deeper(() => this.#not());
    return record => !part(record);
  }

  #one(): Predicate {
    if (this.#takes('(')) {
      const part = this.#deeper(() => this.#or());
      if (!this.#takes(')')) throw this.#fault('a bracket is not closed');
      return part;
    }
    const token = this.#tokens[this.#next];
    if (token === undefined || token.text === ')') throw this.#fault('a name is missing');
    this.#next += 1;
    if (!this.#takes('of')) return this.#named(token);
    const count = token.text.toLowerCase();
    if (count !== '1' && count !== 'all')
      throw unsupported(this.#place, `\`${token.text} of\` is not supported`, {
        allowed: '1 of, all of',
        offset: token.at,
      });
    const parts = this.#some();
    return count === '1' ? record => parts.some(part => part(record)) : record => parts.every(part => part(record));
  }

  #named({ text, at }: Token): Predicate {
    const found = this.#items.get(text);
    if (found !== undefined) return found;
    const names = [...this.#items.keys()];
    const near = nearest(text, names);
    throw invalid(
      this.#place,
      `there is no \`${text}\` in the detection${near === null ? '' : `; did you mean ${near}?`}`,
      {
        allowed: names.join(', '),
        given: text,
        offset: at,
      },
    );
  }

  /** The names that a pattern means; `them` means all that do not begin with an underscore. */
  #some(): Predicate[] {
    const token = this.#tokens[this.#next];
    if (token === undefined) throw this.#fault('a name, a pattern or `them` is missing');
    this.#next += 1;
    const parts = token.text.split('*').map(part => part.replace(/[.-]/g, '\\$&'));
    const fits = token.text.toLowerCase() === 'them' ? /^[^_]/ : new RegExp(`^${parts.join('.*')}$`);
    const found = [...this.#items].flatMap(([name, item]) => (fits.test(name) ? [item] : []));
    if (found.length > 0) return found;
    throw invalid(this.#place, `nothing in the detection is called \`${token.text}\``, {
      allowed: [...this.#items.keys()].join(', '),
      offset: token.at,
    });
  }

  #takes(word: string): boolean {
    if (this.#tokens[this.#next]?.text.toLowerCase() !== word) return false;
    this.#next += 1;
    return true;
  }

  #deeper(read: () => Predicate): Predicate {
    this.#depth += 1;
    if (this.#depth > deepest) throw this.#fault('the condition is nested too deeply');
    const found = read();
    this.#depth -= 1;
    return found;
  }

  #fault(message: string): SigmaError {
    return invalid(this.#place, message, { offset: this.#tokens[this.#next]?.at ?? this.#end });
  }
}

const never: Predicate = () => false;

const field = String.raw`[\p{L}\p{N}_.@-]+`;
const aggregation = new RegExp(
  String.raw`^\s*count\s*\(\s*(${field})?\s*\)\s*(?:by\s+(${field}(?:\s*,\s*${field})*)\s*)?(>=|>)\s*(\d{1,7})\s*$`,
  'u',
);

/** `count() by field > 5`, the aggregation of Sigma 1, for which version 2 has correlations. */
function readAggregation(text: string, at: Place, offset: number): Aggregation {
  const found = aggregation.exec(text);
  if (found === null) {
    const name = /^\s*([\w]+)/.exec(text)?.[1] ?? text.trim().slice(0, 40);
    throw unsupported(at, name === 'count' ? 'this form of count is not supported' : `\`| ${name}\` is not supported`, {
      allowed: '| count() by field > 5, | count(field) by field >= 5',
      given: text.trim().slice(0, 100),
      offset,
    });
  }
  const [, of, by, operator, number] = found;
  return { of: of ?? null, by: by ?? null, atLeast: Number(number) + (operator === '>' ? 1 : 0) };
}
