import { type Pattern, recentPattern } from './regex.ts';
import { parseWindow, type TimeWindow } from './window.ts';

/** The most turns of all(), exists(), map() and filter() together in one evaluation. */
export const mostTurns = 100_000;
/** Elements of the longest list and characters of the longest text that an expression may put together. */
const longestList = mostTurns;
const longestText = 10_000_000;

/** What an expression wrote out, made ready when it was compiled. */
export interface Prepared {
  patterns: Map<string, Pattern>;
  /** By window and zone, with a line end between them. */
  windows: Map<string, TimeWindow>;
}

/** The evaluation under way. Evaluation is synchronous, so there is one at a time; one inside another puts the outer one back. */
let current: { turns: number; prepared: Prepared } | null = null;

/**
 * Calls `evaluate` with a fresh budget. Throws when the budget was overdrawn, also where the expression went on after the error
 * (`error || true`): the work is bounded whatever an event contains.
 */
export function within<T>(prepared: Prepared, evaluate: () => T): T {
  const outer = current;
  const own = { turns: mostTurns, prepared };
  current = own;
  try {
    const value = evaluate();
    if (own.turns < 0) throw tooMuch();
    return value;
  } finally {
    current = outer;
  }
}

/** Takes turns from the budget of the evaluation under way. Throws when none are left. */
export function spend(turns: number): void {
  if (current === null) return;
  current.turns -= turns;
  if (current.turns < 0) throw tooMuch();
}

function tooMuch(): Error {
  return new Error(`this goes through more than ${mostTurns} elements`);
}

/** Counts a list that was made: 16 elements are a turn. Throws when it is too long. */
export function boundList(size: number): void {
  if (size > longestList) throw new Error(`a list that is put together has at most ${longestList} elements`);
  spend(size >> 4);
}

/** Counts a text that was made: 256 characters are a turn. Throws when it is too long. */
export function boundText(length: number): void {
  if (length > longestText) throw new Error(`a text that is put together has at most ${longestText} characters`);
  spend(length >> 8);
}

export function patternOf(text: string): Pattern {
  return current?.prepared.patterns.get(text) ?? recentPattern(text);
}

export function windowOf(text: string, zone: string): TimeWindow {
  return current?.prepared.windows.get(windowKey(text, zone)) ?? parseWindow(text, zone);
}

export function windowKey(text: string, zone: string): string {
  return `${text}\n${zone}`;
}
