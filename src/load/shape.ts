import type { StepShapeView } from '../ports/chat.ts';
import type { CompiledStep } from './steps-yaml.ts';

/** How a step stands to the others: under which condition, with what beside it, and by what it is undone. For the graph of a runbook. */
export function shapeOf({ id, title, does, undo, if: condition }: CompiledStep): StepShapeView {
  return {
    id,
    title,
    type: does.kind === 'work' ? does.work.type : 'parallel',
    when: condition?.text ?? null,
    undo: undo?.type ?? null,
    branches: does.kind === 'work' ? [] : does.branches.map(shapeOf),
  };
}
