import { compilePrice, type Pattern, recentPattern } from './regex.ts';
import { parseWindow, type TimeWindow } from './window.ts';

// Work is counted in elements. One is about what a short condition costs on one element of a list, one or two microseconds, and everything
// else is charged by what it reads or makes in the same measure.

/** The most elements that one evaluation goes through. */
export const mostElements = 100_000;
/** The most that all evaluations go through that share one budget: the mappings of one delivery. */
export const mostShared = 300_000;
/** Elements of the longest list and characters of the longest text that an expression may put together. */
const longestList = 100_000;
const longestText = 10_000_000;

/** What an expression wrote out, made ready when it was compiled. */
export interface Prepared {
  patterns: Map<string, Pattern>;
  /** By window and zone, with a line end between them. */
  windows: Map<string, TimeWindow>;
}

/** The evaluation under way. Evaluation is synchronous, so there is one at a time; one inside another puts the outer one back. */
let current: { left: number; prepared: Prepared } | null = null;
/** What is left to all evaluations of the delivery under way. */
let shared: { left: number } | null = null;

/**
 * Calls `evaluate` with a fresh budget, from which `size` is taken at once. Throws when the budget was overdrawn, also where the expression
 * went on after the error (`error || true`): the work is bounded whatever an event contains.
 */
export function within<T>(prepared: Prepared, size: number, evaluate: () => T): T {
  const outer = current;
  const own = { left: mostElements, prepared };
  current = own;
  try {
    spend(size);
    const value = evaluate();
    check(own);
    return value;
  } finally {
    current = outer;
  }
}

/** Calls `evaluate`, whose evaluations have one budget together besides their own. The work of a delivery is bounded by it. */
export function shareWork<T>(evaluate: () => T): T {
  const outer = shared;
  shared = { left: mostShared };
  try {
    return evaluate();
  } finally {
    shared = outer;
  }
}

/** Takes elements, also a part of one, from the budget of the evaluation under way. Throws when none are left. */
export function spend(elements: number): void {
  if (current === null) return;
  current.left -= elements;
  if (shared !== null) shared.left -= elements;
  check(current);
}

function check(own: { left: number }): void {
  if (own.left < 0) throw new Error(`this goes through more than ${mostElements} elements`);
  if (shared !== null && shared.left < 0)
    throw new Error(`the mappings of one delivery go through more than ${mostShared} elements together`);
}

/** Counts a list that was made: 16 elements are one. Throws when it is too long. */
export function boundList(size: number): void {
  if (size > longestList) throw new Error(`a list that is put together has at most ${longestList} elements`);
  spend(size / 16);
}

/** Counts a text that was made: 256 characters are an element. Throws when it is too long. */
export function boundText(length: number): void {
  if (length > longestText) throw new Error(`a text that is put together has at most ${longestText} characters`);
  spend(length / 256);
}

/** Takes the price of looking for a part in a text: a part that is almost there everywhere is compared at every place. */
export function spendSearch(length: number, part: number): void {
  spend((length * 30 + Math.max(0, length - part) * part) / 5000);
}

/** True when a part of the text matches. A pattern that is computed is compiled first, and both are charged. */
export function findsPattern(text: string, pattern: string): boolean {
  const written = current?.prepared.patterns.get(pattern);
  if (written !== undefined) {
    spend(text.length * written.price);
    return written.finds(text);
  }
  spend(compilePrice(pattern));
  const computed = recentPattern(pattern);
  // Who sends the text may have made the pattern for it.
  spend((text.length * computed.size) / 8);
  return computed.finds(text);
}

export function windowOf(text: string, zone: string): TimeWindow {
  return current?.prepared.windows.get(windowKey(text, zone)) ?? parseWindow(text, zone);
}

export function windowKey(text: string, zone: string): string {
  return `${text}\n${zone}`;
}
