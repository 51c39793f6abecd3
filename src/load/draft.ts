import type { ParamView, RunbookView } from '../ports/chat.ts';
import type { Runbook, StepOutline, Trigger } from '../ports/runbook.ts';
import type { ParamRule } from './params.ts';
import type { Faults } from './problems.ts';
import { showTrigger } from './triggers.ts';
import type { Path } from './yaml.ts';

/** A runbook that is valid by itself and not yet checked against the other files. */
export interface Draft {
  file: string;
  faults: Faults;
  /** Its own files, by path relative to the runbook folder. */
  own: ReadonlyMap<string, Uint8Array>;
  /** The runbooks that its steps call; `params` is null when code computes them. */
  calls: readonly { name: string; path: Path; params: readonly string[] | null }[];
  /** The people and groups that its steps name. */
  names: readonly { name: string; path: Path }[];
  rules: readonly Pick<ParamRule, 'name' | 'required'>[];
  /** Steps that wait for the alert to resolve. */
  waits: readonly { within: number; path: Path }[];
  runbook: Omit<Runbook, 'files'>;
}

export function viewOf(
  runbook: Pick<Runbook, 'id' | 'title' | 'about' | 'risk' | 'kind'> & { triggers: readonly Trigger[] },
  params: readonly ParamView[],
  steps: readonly StepOutline[],
  shape: RunbookView['shape'] = undefined,
): RunbookView {
  const { id, title, about, risk, kind } = runbook;
  const view = { id, title, about, risk, kind, params, steps, on: runbook.triggers.map(showTrigger) };
  return shape === undefined ? view : { ...view, shape };
}
