import { RE2JS } from 're2js';
import { messageOf } from '../../kernel/errors.ts';

/** A regular expression that matches in linear time (RE2 syntax: no look-around, no back-references). */
export interface Pattern {
  text: string;
  /** True when any part of the text matches. */
  finds(text: string): boolean;
  /** True when the whole text matches. */
  matches(text: string): boolean;
  /** The names of its groups. */
  names: readonly string[];
  /**
   * The named groups of the first part that matches, without those that took no part; null when none does. It costs up to `size` for each
   * character, so the caller bounds both.
   */
  groups(text: string): Record<string, string> | null;
  /** Instructions of the compiled pattern. */
  size: number;
  /** Elements of work (work.ts) that a character costs where the text is foreign and the pattern is not. */
  price: number;
}

/** Characters of the longest pattern and instructions of the largest program: together they bound the cost for each input character. */
const longest = 1000;
const largest = 20_000;

/** Throws an Error with the reason when the text is not a pattern in RE2 syntax, or is too large. */
export function compilePattern(text: string): Pattern {
  if (text.length > longest) throw new Error(`a pattern has at most ${longest} characters, this has ${text.length}`);
  const regex = compile(text);
  const size = regex.programSize();
  if (size > largest) throw new Error('the pattern is too large when its repeats are written out');
  // The library remembers the states that it meets, and then a character costs the same for every pattern. Long repeats such as a.{0,99}b
  // have more states than it can remember; there a character costs as much as the pattern has instructions.
  const price = repeats(text) > longRepeats || size > 2 * text.length + 20 ? size / 8 : size / 256;
  const names = Object.keys(regex.namedGroups());
  return {
    text,
    size,
    price,
    names,
    finds: value => regex.test(value),
    matches: value => regex.testExact(value),
    groups(value) {
      const matcher = regex.matcher(value);
      if (!matcher.find()) return null;
      const found: Record<string, string> = Object.create(null);
      for (const name of names) {
        const group = matcher.group(name);
        if (group !== null) found[name] = group;
      }
      return found;
    },
  };
}

const longRepeats = 12;

/** What compiling it may take, in elements of work: repeats are written out, also inside of each other. 0 when it was just compiled. */
export function compilePrice(text: string): number {
  if (recent.has(text)) return 0;
  const copies = bounds(text).reduce((product, most) => product * most, 1);
  return 300 + Math.min(1000, copies) * (4 * text.length + classPrice(text));
}

/** Classes of Unicode are long lists, and without regard to case each letter of a range is looked up. */
function classPrice(text: string): number {
  const count = (part: RegExp) => text.match(part)?.length ?? 0;
  const ranges = /\(\?[a-zA-Z]*i/.test(text) ? 10_000 * count(/-/g) : 0;
  return ranges + 1500 * count(/\\p/gi) + 250 * count(/\[/g);
}

/** The bounds of all counted repeats together. */
function repeats(text: string): number {
  return bounds(text).reduce((sum, most) => sum + most, 0);
}

function bounds(text: string): number[] {
  return [...text.matchAll(/\{(?:\d+,)?(\d+),?\}/g)].map(([, most]) => Math.max(1, Number(most)));
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
