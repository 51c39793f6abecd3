import { type Line, mostLines, mostPoints } from '../chart/chart.ts';
import { short } from '../chart/words.ts';
import type { Labels, Series } from './api.ts';

/** The lines of a picture, and how many series are left out. */
export interface Lines {
  lines: Line[];
  more: number;
}

/** Pure: the first series as lines, on the grid of the picture. What is no number is a gap. */
export function linesOf(series: readonly Series[], grid: { from: number; to: number; step: number }): Lines {
  const drawn = series.slice(0, mostLines);
  const names = namesOf(drawn.map(one => one.labels));
  const count = Math.min(mostPoints, Math.floor((grid.to - grid.from) / grid.step)) + 1;
  const lines = drawn.map(({ points }, index) => {
    const values: (number | null)[] = Array.from({ length: count }, () => null);
    for (const [seconds, text] of points) {
      const place = Math.round((seconds * 1000 - grid.from) / grid.step);
      const value = Number(text === '+Inf' || text === '-Inf' ? 'NaN' : text);
      if (place >= 0 && place < count && Number.isFinite(value)) values[place] = value;
    }
    return { name: names[index] ?? '', values };
  });
  return { lines, more: series.length - drawn.length };
}

/** The labels by which people know a thing, when nothing else tells it. */
const known = ['instance', 'pod', 'host', 'hostname', 'node', 'container', 'device', 'mountpoint', 'service', 'job'];

/** Pure: what tells each from the others: the labels that differ. One that is alone is called by the label that people know it by. */
export function namesOf(all: readonly Labels[]): string[] {
  const [first] = all;
  if (all.length === 1 && first !== undefined) {
    const label = known.find(name => (first[name] ?? '') !== '');
    return [label === undefined ? textOf(first, Object.keys(first).filter(isShown)) : short(first[label] ?? '', 120)];
  }
  const names = [...new Set(all.flatMap(labels => Object.keys(labels)))].filter(isShown);
  const differing = names.filter(name => new Set(all.map(labels => labels[name] ?? '')).size > 1);
  return all.map(labels => {
    const [only] = differing;
    if (differing.length === 1 && only !== undefined) return short(labels[only] ?? '', 120) || '(none)';
    return textOf(labels, differing.length > 0 ? differing : names);
  });
}

function isShown(name: string): boolean {
  return name !== '__name__';
}

function textOf(labels: Labels, names: readonly string[]): string {
  const told = names.filter(name => (labels[name] ?? '') !== '').map(name => `${name}=${labels[name] ?? ''}`);
  return short(told.join(', '), 120);
}
