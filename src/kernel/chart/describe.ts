import { DateTime } from 'luxon';
import { showDuration } from '../duration.ts';
import type { Chart, Comparison, Line } from './chart.ts';
import { short, showNumber } from './words.ts';

/** A row of the numbers behind a picture. Null where there is no point. */
export interface LineFacts {
  name: string;
  first: number | null;
  last: number | null;
  low: number | null;
  high: number | null;
}

export function factsOf({ name, values }: Line): LineFacts {
  const found = values.filter(value => value !== null);
  if (found.length === 0) return { name, first: null, last: null, low: null, high: null };
  return {
    name,
    first: found[0] ?? null,
    last: found.at(-1) ?? null,
    low: found.reduce((low, value) => Math.min(low, value)),
    high: found.reduce((high, value) => Math.max(high, value)),
  };
}

/** How a comparison is said of a series. */
export const comparisonWords: Readonly<Record<Comparison, string>> = {
  '>': 'above',
  '>=': 'at or above',
  '<': 'below',
  '<=': 'at or below',
  '==': 'at',
  '!=': 'not at',
};

/** The most lines that the text tells of. */
const mostTold = 3;

/**
 * The picture in words, for those who cannot see it and for platforms that show none:
 * `cpu of web-1: 0.2 to 0.97 within 30 min; above 0.9 since 03:12`.
 */
export function describeChart(chart: Chart, zone: string): string {
  const { lines, more } = chart;
  if (lines.length === 0) return `${short(chart.title, 100)}: no points within ${within(chart)}`;
  const [only] = lines;
  const rest = more + Math.max(0, lines.length - mostTold);
  const told =
    lines.length === 1 && only !== undefined
      ? `${nameOf(chart.title, only.name)}: ${spanOf(only)}`
      : `${short(chart.title, 100)}: ${lines
          .slice(0, mostTold)
          .map(one => `${short(one.name, 60)} ${spanOf(one)}`)
          .join(', ')}`;
  const left = rest === 0 ? '' : ` and ${rest} more series`;
  return `${told}${left} within ${within(chart)}${sayThreshold(chart, zone)}`;
}

function nameOf(title: string, name: string): string {
  return name === '' ? short(title, 100) : `${short(title, 100)} of ${short(name, 80)}`;
}

function spanOf(one: Line): string {
  const { first, last, high, low } = factsOf(one);
  if (first === null || last === null || high === null || low === null) return 'no points';
  if (low === high) return `${showNumber(low)} throughout`;
  // What is hardly beyond the ends is not worth a word.
  const little = (high - low) / 10;
  const peak = high > Math.max(first, last) + little ? `, at most ${showNumber(high)}` : '';
  const ground = low < Math.min(first, last) - little ? `, at least ${showNumber(low)}` : '';
  return `${showNumber(first)} to ${showNumber(last)}${peak}${ground}`;
}

function within({ from, to }: Chart): string {
  return showDuration(to - from);
}

function sayThreshold({ threshold, firedAt, endedAt, to }: Chart, zone: string): string {
  const what = threshold === null ? 'firing' : `${comparisonWords[threshold.is]} ${showNumber(threshold.value)}`;
  if (firedAt === null) return threshold === null ? '' : `; the threshold is ${what}`;
  if (endedAt !== null) return `; ${what} from ${clockTime(firedAt, to, zone)} to ${clockTime(endedAt, to, zone)}`;
  return `; ${what} since ${clockTime(firedAt, to, zone)}`;
}

/** The time of day, with the date where it is another day than `near`. */
function clockTime(at: number, near: number, zone: string): string {
  const [then, now] = [DateTime.fromMillis(at, { zone }), DateTime.fromMillis(near, { zone })];
  return then.toFormat(then.hasSame(now, 'day') ? 'HH:mm' : 'd LLL HH:mm');
}
