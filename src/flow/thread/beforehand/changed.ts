import { cutLine } from '../../../kernel/text.ts';
import type { Finding } from './finding.ts';

/** What ran successfully the last time, beside what would run now. Both texts are of the same parameters. */
export interface Change {
  /** The plan that ran. */
  last: string;
  /** When, for people. */
  when: string;
  before: string;
  after: string;
}

/** Lines of a difference that are shown, and characters of each. */
const most = { lines: 6, each: 140 } as const;
/** Lines of a text that are compared one by one; of longer ones only what is new and what is gone is told. */
const mostCompared = 400;

/** The runbook changed since it last ran successfully. */
export function findChanged(change: Change | null): Finding[] {
  if (change === null) return [];
  const lines = differenceOf(change.before, change.after);
  const shown = lines.slice(0, most.lines).map(line => cutLine(line, most.each));
  const left = lines.length - shown.length;
  const more = left > 0 ? ` (and ${left} more lines)` : '';
  const what = lines.length === 0 ? ' The commands are the same.' : `${more}\n${shown.join('\n')}`;
  const head = `The runbook changed since it last ran successfully, ${change.when}`;
  return [
    {
      kind: 'changed',
      key: `changed ${change.last}`,
      text: lines.length === 0 ? `${head}.${what}` : `${head}:${what}`,
    },
  ];
}

/** `- old` and `+ new`, in the order of the texts; empty when they are the same. */
function differenceOf(before: string, after: string): string[] {
  const [old, now] = [linesOf(before), linesOf(after)];
  if (old.length > mostCompared || now.length > mostCompared) {
    const [had, has] = [new Set(old), new Set(now)];
    return [
      ...old.filter(line => !has.has(line)).map(line => `- ${line}`),
      ...now.filter(line => !had.has(line)).map(line => `+ ${line}`),
    ];
  }
  return alongLongest(old, now);
}

function linesOf(text: string): string[] {
  return text
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '');
}

/** By the longest common subsequence. */
function alongLongest(old: readonly string[], now: readonly string[]): string[] {
  const width = now.length + 1;
  const length = new Uint16Array((old.length + 1) * width);
  for (let i = old.length - 1; i >= 0; i--)
    for (let j = now.length - 1; j >= 0; j--)
      length[i * width + j] =
        old[i] === now[j]
          ? (length[(i + 1) * width + j + 1] ?? 0) + 1
          : Math.max(length[(i + 1) * width + j] ?? 0, length[i * width + j + 1] ?? 0);
  const lines: string[] = [];
  let [i, j] = [0, 0];
  while (i < old.length || j < now.length) {
    if (i < old.length && j < now.length && old[i] === now[j]) {
      i++;
      j++;
    } else if (
      j >= now.length ||
      (i < old.length && (length[(i + 1) * width + j] ?? 0) >= (length[i * width + j + 1] ?? 0))
    )
      lines.push(`- ${old[i++]}`);
    else lines.push(`+ ${now[j++]}`);
  }
  return lines;
}
