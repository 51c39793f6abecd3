import { RE2JS } from 're2js';
import { messageOf } from '../../kernel/errors.ts';

/** A regular expression in linear time (RE2 syntax: no look-around, no back-references). */
export interface Pattern {
  text: string;
  /** True when any part of the text matches. */
  finds(text: string): boolean;
  /** True when the whole text matches. */
  matches(text: string): boolean;
}

/** The longest pattern and the largest compiled program; both bound the cost per character of input. */
const longest = 1000;
const largest = 20_000;

/** Throws an Error that says why when the text is not a pattern, or one too large to be cheap. */
export function compilePattern(text: string): Pattern {
  if (text.length > longest) throw new Error(`a pattern has at most ${longest} characters, this has ${text.length}`);
  const regex = compile(text);
  if (regex.programSize() > largest) throw new Error('the pattern is too large when its repeats are written out');
  return { text, finds: value => regex.test(value), matches: value => regex.testExact(value) };
}

function compile(text: string): RE2JS {
  try {
    return RE2JS.compile(text);
  } catch (error) {
    const why = messageOf(error).replace(/^error parsing regexp: /, '');
    throw new Error(`not a pattern in RE2 syntax (no look-around, no back-references): ${why}`);
  }
}

const recent = new Map<string, Pattern>();

/** For patterns that are computed: keeps the last few compiled. Throws like compilePattern. */
export function recentPattern(text: string): Pattern {
  const known = recent.get(text);
  if (known !== undefined) return known;
  const made = compilePattern(text);
  if (recent.size >= 100) recent.clear();
  recent.set(text, made);
  return made;
}
