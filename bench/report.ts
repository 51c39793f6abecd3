import { appendFileSync } from 'node:fs';

/** One figure of a benchmark and whether it reached its target. */
export interface Line {
  what: string;
  value: number;
  shown: string;
  target: string;
  reached: boolean;
}

/** What one bench measured, and the versions of the programs that it was compared with. */
export interface BenchRecord {
  bench: string;
  lines: Line[];
  peers: Record<string, string>;
}

/** Prints the lines. Where BENCH_RECORDS names a file (`npm run bench -- --page`), one line of JSON is added to it. */
export function printLines(lines: readonly Line[], peers: Readonly<Record<string, string>> = {}): void {
  for (const { what, shown, target, reached } of lines)
    console.log(`${reached ? 'ok  ' : 'MISS'}  ${what.padEnd(52)} ${shown.padStart(12)}   target ${target}`);
  const file = process.env['BENCH_RECORDS'];
  const bench = process.env['BENCH_NAME'];
  if (file !== undefined && bench !== undefined)
    appendFileSync(
      file,
      `${JSON.stringify({ bench, lines: [...lines], peers: { ...peers } } satisfies BenchRecord)}\n`,
    );
}

export function middle(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** A figure that must be at least this. */
export function atLeast(what: string, value: number, least: number): Line {
  return { what, value, shown: value.toFixed(2), target: `>= ${least.toFixed(2)}`, reached: value >= least };
}

/** A figure that must be below this; for information when there is no bound. */
export function below(what: string, value: number, most: number | null, unit: 'ms' | 'MB' | 's' | ''): Line {
  const show = (number: number) => `${number.toFixed(unit === 'MB' ? 0 : 1)} ${unit}`.trim();
  const target = most === null ? 'none' : `< ${show(most)}`;
  return { what, value, shown: show(value), target, reached: most === null || value < most };
}

/** A number of things that must not be more than this; for information when there is no bound. */
export function count(what: string, value: number, most: number | null): Line {
  const target = most === null ? 'none' : `<= ${most}`;
  return { what, value, shown: value.toFixed(0), target, reached: most === null || value <= most };
}

/** Stands for figures that cannot be measured here, and says why. It misses no target. */
export function notMeasured(what: string, why: string): Line {
  return { what, value: Number.NaN, shown: 'not measured', target: why, reached: true };
}
