import type { StepOutline } from '../../../ports/runbook.ts';
import { type Finding, listed, quoted } from './finding.ts';

/** Commands that nobody can read beforehand, because they come about while it runs. */
export function findUnknown(kind: 'yaml' | 'ts' | null, outline: readonly StepOutline[]): Finding[] {
  const [only] = outline;
  // A snapshot that cannot be read shows nothing of what would run.
  if (only?.type === 'none' && outline.length === 1)
    return [{ kind: 'unknown', key: 'unknown snapshot', text: 'What would run cannot be shown.' }];
  if (kind === 'ts' || outline.length === 0)
    return [
      {
        kind: 'unknown',
        key: 'unknown code',
        text: 'The commands are not known beforehand: a TypeScript runbook makes them while it runs.',
      },
    ];
  return [...findComputed(outline), ...findCalls(outline)];
}

/** `shows` keeps an expression that cannot be evaluated before the run as its text. */
function findComputed(outline: readonly StepOutline[]): Finding[] {
  const steps = outline.filter(step => step.shows.includes('${{'));
  if (steps.length === 0) return [];
  const ids = steps.map(step => step.id);
  const text =
    steps.length === 1
      ? `Step ${quoted(ids[0] ?? '')} has arguments that are computed while it runs.`
      : `${steps.length} steps have arguments that are computed while it runs: ${listed(ids)}.`;
  return [{ kind: 'unknown', key: `unknown arguments ${ids.join(' ')}`, text }];
}

function findCalls(outline: readonly StepOutline[]): Finding[] {
  const steps = outline.filter(step => step.type === 'runbook');
  if (steps.length === 0) return [];
  const ids = steps.map(step => step.id);
  const text =
    steps.length === 1
      ? `Step ${quoted(ids[0] ?? '')} calls another runbook, whose commands are not on this card.`
      : `${steps.length} steps call other runbooks, whose commands are not on this card: ${listed(ids)}.`;
  return [{ kind: 'unknown', key: `unknown calls ${ids.join(' ')}`, text }];
}
