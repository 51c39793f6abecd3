import { RE2JS } from 're2js';
import { messageOf } from '../../kernel/errors.ts';

/** A regular expression that matches in linear time (RE2 syntax: no look-around, no back-references). */
export interface Pattern {
  text: string;
  /** True when any part of the text matches. */
  finds(text: string): boolean;
  /** True when the whole text matches. */
  matches(text: string): boolean;
}

/** Characters of the longest pattern and instructions of the largest program: together they bound the cost for each input character. */
const longest = 1000;
const largest = 20_000;

/** Throws an Error with the reason when the text is not a pattern in RE2 syntax, or is too large. */
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

/** compilePattern with a cache of up to 100 patterns, for patterns that are computed. Throws like compilePattern. */
export function recentPattern(text: string): Pattern {
  const known = recent.get(text);
  if (known !== undefined) return known;
  const made = compilePattern(text);
  if (recent.size >= 100) recent.clear();
  recent.set(text, made);
  return made;
}
