import { cutLine, stripAnsi } from '../../../kernel/text.ts';
import { type Block, quoted } from '../../../model/card.ts';
import { type Run, type Step, stepWord } from '../../../model/run.ts';
import type { StepOutline } from '../../../ports/runbook.ts';
import { printed } from './output.ts';
import { planText } from './plan-text.ts';

/** The last lines of what a step printed that a question shows, and characters of each. */
const most = { lines: 5, each: 200 } as const;

/**
 * For a question in the middle of a run: what was done before the step that asks, what was printed last, and what follows once it is
 * approved. A TypeScript runbook computes what follows.
 */
export function soFarBlocks(run: Run, asking: string, outline: readonly StepOutline[]): Block[] {
  const at = run.steps.findIndex(step => step.id === asking);
  const before = run.steps.slice(0, Math.max(0, at)).filter(step => step.state !== 'pending');
  return [...doneBlocks(run, before), ...lastOutput(before), ...followBlocks(asking, outline)];
}

function doneBlocks(run: Run, before: readonly Step[]): Block[] {
  if (before.length === 0) return [{ kind: 'text', text: 'Nothing was done yet.' }];
  const steps = before.map(step => ({
    id: step.id,
    title: step.title || step.id,
    state: stepWord(step, run),
    because: step.because,
  }));
  const total = run.steps.length;
  return [{ kind: 'progress', done: before.length, total, startedAt: run.startedAt, finishedAt: null, steps }];
}

function lastOutput(before: readonly Step[]): Block[] {
  const last = before.findLast(step => stripAnsi(printed(step)).trimEnd() !== '');
  if (last === undefined) return [];
  const lines = stripAnsi(printed(last)).trimEnd().split('\n');
  const shown = lines.slice(-most.lines).map(line => cutLine(line, most.each));
  const left = lines.length - shown.length;
  const cut = left > 0 ? `, the last ${shown.length} of ${lines.length} lines` : '';
  return [
    { kind: 'text', text: `${quoted(cutLine(last.title || last.id, 100))} printed${cut}:` },
    { kind: 'code', text: shown.join('\n') },
  ];
}

function followBlocks(asking: string, outline: readonly StepOutline[]): Block[] {
  const at = outline.findIndex(step => step.id === asking);
  if (at < 0) return [{ kind: 'text', text: 'What follows is computed by the code of the runbook.' }];
  const next = outline.slice(at + 1);
  if (next.length === 0) return [{ kind: 'text', text: 'No step follows.' }];
  return [
    { kind: 'text', text: 'If it is approved, this follows:' },
    { kind: 'code', text: planText(next, at + 2) },
  ];
}
