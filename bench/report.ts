/** One figure of a benchmark and whether it reached its target. */
export interface Line {
  what: string;
  value: number;
  shown: string;
  target: string;
  reached: boolean;
}

export function printLines(lines: readonly Line[]): void {
  for (const { what, shown, target, reached } of lines)
    console.log(`${reached ? 'ok  ' : 'MISS'}  ${what.padEnd(52)} ${shown.padStart(12)}   target ${target}`);
}

export function middle(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
