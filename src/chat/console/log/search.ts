import { stripAnsi } from '../../../kernel/text.ts';
import type { Lines, LogLine } from './lines.ts';
import { findIn } from './render.ts';

export interface Found {
  /** The lines that are shown: the first of those from the asked line on. */
  lines: LogLine[];
  /** Lines that match in the whole log. */
  total: number;
  /** How many of them stand before the shown ones. */
  before: number;
}

/** Lines between two pauses, in which other requests are served. */
const stretch = 20_000;

/** The lines in which a text stands, whatever its case and colours: at most `limit` of them from a line on, and how many there are. */
export async function searchLines(lines: Lines, text: string, from: number, limit: number): Promise<Found> {
  const found: Found = { lines: [], total: 0, before: 0 };
  const last = lines.count();
  for (let start = 1; start <= last; start += stretch) {
    for (const line of lines.all(start)) {
      if (line.number >= start + stretch) break;
      if (findIn(stripAnsi(line.text), text).length === 0) continue;
      found.total++;
      if (line.number < from) found.before++;
      else if (found.lines.length < limit) found.lines.push(line);
    }
    await new Promise(resolve => setImmediate(resolve));
  }
  return found;
}

/** The next line with the text after a line, or the last before it; null when there is none. */
export function nearFound(lines: Lines, text: string, line: number, way: 'next' | 'previous'): number | null {
  let last: number | null = null;
  for (const one of lines.all(way === 'next' ? line + 1 : 1)) {
    if (way === 'previous' && one.number >= line) break;
    if (findIn(stripAnsi(one.text), text).length === 0) continue;
    if (way === 'next') return one.number;
    last = one.number;
  }
  return last;
}
