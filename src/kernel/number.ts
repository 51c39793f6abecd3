/** Numbers that people and senders write as text. */
import { z } from 'zod';

/**
 * The number of a text that is written as JSON writes numbers: 12, -0.5, 1e3. Null for any other text (no digits, spaces, +5, 012, 0x1F,
 * 1_000, Infinity) and for one that a double does not hold: an integer beyond 2^53, 1e400, 1e-400.
 */
export function exactNumber(text: string): number | null {
  if (!/^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(text)) return null;
  const value = Number(text);
  if (!Number.isFinite(value)) return null;
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) return null;
  return value === 0 && /[1-9]/.test(text.replace(/[eE].*$/, '')) ? null : value;
}

/** The whole number, from 0, of a text of digits alone without leading zeros; null for any other text and beyond 2^53. */
export function wholeNumber(text: string): number | null {
  return /^(0|[1-9]\d*)$/.test(text) ? exactNumber(text) : null;
}

/**
 * An expression that is nothing but a number, where text is wanted: 1.10 would become "1.1". What it would become; null for a number that is
 * written as it would be shown, and for any other expression.
 */
export function changedLiteral(expression: string): string | null {
  const text = expression.trim();
  if (!/^[-+]?(0x[\da-f]+|\d+\.?\d*(e[-+]?\d+)?|\.\d+(e[-+]?\d+)?)u?$/i.test(text)) return null;
  const shown = String(Number(text.replace(/u$/i, '')));
  return shown === text ? null : shown;
}

/** What `exactNumber` takes, for errors. */
export const numberForms = 'digits such as 12, -3 or 0.5';

/** Schema of a whole number of a query, which is text: digits alone, so that neither an empty text nor 0x10 or 1e2 becomes a number. */
export function digits<S extends z.ZodType<number>>(schema: S) {
  return z.preprocess(given => (typeof given === 'string' ? (wholeNumber(given) ?? given) : given), schema);
}
