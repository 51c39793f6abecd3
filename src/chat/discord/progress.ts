import { showDuration } from '../../kernel/duration.ts';
import type { Progress } from '../../model/card.ts';
import { escapeLine, escapeText } from './text.ts';

const marks: Readonly<Record<string, string>> = {
  pending: '▫️',
  running: '▶️',
  waiting: '⏳',
  done: '✅',
  failed: '❌',
  skipped: '⏭️',
  unknown: '❓',
  undone: '↩️',
  cancelled: '🚫',
  'not reached': '▫️',
};
const mostSteps = 30;

/** A run's steps with their states, as many as the limits take. */
export function renderProgress(
  block: Progress,
  caps: { value: number; count: number },
  { now }: { now: number },
): string[] {
  const { done, total, startedAt, finishedAt } = block;
  const at = total === null ? `${done} steps done` : `${done} of ${total} steps done`;
  const took =
    startedAt === null
      ? ''
      : `, ${finishedAt === null ? 'for' : 'in'} ${showDuration((finishedAt ?? now) - startedAt)}`;
  const shown = block.steps.slice(0, Math.min(mostSteps, caps.count));
  const lines = shown.map(({ title, state, because }) => {
    const why = because === null ? '' : `: ${escapeText(because, Math.min(300, caps.value))}`;
    return `${marks[state] ?? '▫️'} ${escapeLine(title, Math.min(150, caps.value))} (${escapeLine(state, 20)})${why}`;
  });
  const left = block.steps.length - shown.length;
  return [`${at}${took}`, ...lines, ...(left > 0 ? [`and ${left} more steps`] : [])];
}
