/** Pictures of series over time: what is in one, its text, and how it is drawn as SVG and PNG. */

import { z } from 'zod';

/** The operators that compare a series with a number. */
export const comparison = z.enum(['>', '>=', '<', '<=', '==', '!=']);
export type Comparison = z.infer<typeof comparison>;

/** The most that a picture holds: more lines cannot be told apart, more points are narrower than a pixel. */
export const mostLines = 8;
export const mostPoints = 300;

/** One line. Null stands for no point: no sample, NaN or infinity. */
export const line = z.object({
  /** What tells it from the others of the picture; data, at most 120 characters. */
  name: z.string(),
  /** The value at `from + index * step`. */
  values: z.array(z.number().nullable()).max(mostPoints + 1),
});
export type Line = z.infer<typeof line>;

/** The data of a picture, as it is stored. Times are milliseconds since the epoch. */
export const chart = z.object({
  /** Marks the stored form, so that no other bytes are taken for one. */
  form: z.literal('tocsin-chart-1'),
  /** What is measured, on one line. */
  title: z.string(),
  /** What was asked, in the words of the origin. */
  query: z.string(),
  from: z.int(),
  to: z.int(),
  step: z.int().positive(),
  lines: z.array(line).max(mostLines),
  /** How many more series there are that are not drawn. */
  more: z.int().min(0),
  threshold: z.object({ is: comparison, value: z.number() }).nullable(),
  /** When the alert began to fire, and when it ended. */
  firedAt: z.int().nullable(),
  endedAt: z.int().nullable(),
});
export type Chart = z.infer<typeof chart>;

/** Reads a stored picture; null for bytes that are none. */
export function readChart(bytes: Uint8Array): Chart | null {
  try {
    return chart.parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    return null;
  }
}

/** The times of the points of a line. */
export function timesOf({ from, step }: Pick<Chart, 'from' | 'step'>, count: number): number[] {
  return Array.from({ length: count }, (_, index) => from + index * step);
}

/** Steps that read well, milliseconds. */
const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400].map(
  s => s * 1000,
);

/** The shortest step that reads well and keeps a range within `mostPoints`, milliseconds. */
export function stepOf(range: number): number {
  return steps.find(step => range / step <= mostPoints) ?? Math.ceil(range / mostPoints / 1000) * 1000;
}
